"""awscli, s3cmd, rclone and restic: a tree goes in and comes out again."""

import urllib.request

import pytest

from harness.programs import AwsCli, find_program, make_tree, run, same_trees


@pytest.fixture
def tree(tmp_path, rng):
    return make_tree(tmp_path / "tree", rng)


def required(name):
    program = find_program(name)
    assert program, f"{name} is not installed: ./dev test installs it"
    return program


def test_awscli(server, bucket, tree, tmp_path):
    url = f"s3://{bucket}-cli"
    run(server, [required("aws"), "s3", "mb", url], tmp_path)
    with AwsCli(server, tmp_path) as aws:
        trees_come_back(aws, url, tree, tmp_path)
        single_requests_are_answered(aws, url, tree)
        aws("s3", "rm", url, "--recursive", "--quiet")
        aws("s3", "rb", url)


def trees_come_back(aws, url, tree, folder):
    aws("s3", "sync", tree, f"{url}/tree", "--no-progress")
    assert aws("s3", "sync", tree, f"{url}/tree", "--no-progress") == "", "nothing had changed"
    assert "large.bin" in aws("s3", "ls", f"{url}/tree/")
    aws("s3", "cp", f"{url}/tree/large.bin", f"{url}/copy.bin", "--no-progress")
    aws("s3", "mv", f"{url}/copy.bin", f"{url}/moved.bin", "--no-progress")
    aws("s3", "sync", f"{url}/tree", folder / "back", "--no-progress")
    assert same_trees(tree, folder / "back")


def single_requests_are_answered(aws, url, tree):
    bucket = url.removeprefix("s3://")
    put = ["s3api", "put-object", "--bucket", bucket, "--key", "once", "--body", tree / "a.bin", "--if-none-match", "*"]
    aws(*put)
    assert "PreconditionFailed" in aws(*put, fails=True)
    with urllib.request.urlopen(aws("s3", "presign", f"{url}/once").strip()) as answer:  # By Signature Version 2.
        assert len(answer.read()) == 100_000
    attributes = aws("s3api", "get-object-attributes", "--bucket", bucket, "--key", "moved.bin", "--object-attributes",
                     "ETag", "ObjectSize", "Checksum", "ObjectParts")
    assert '"ObjectSize": 18874368' in attributes


def test_s3cmd(server, bucket, tree, tmp_path):
    host = server.endpoint.removeprefix("http://")
    fixed = [required("s3cmd"), "--no-ssl", f"--host={host}", f"--host-bucket={host}", f"--access_key={server.access_key}",
             f"--secret_key={server.secret_key}", "--no-progress", "-c", "/dev/null", "--region=us-east-1"]

    def s3cmd(*argv):
        return run(server, [*fixed, *argv], tmp_path)

    url = f"s3://{bucket}-s3cmd"
    s3cmd("mb", url)
    s3cmd("sync", f"{tree}/", f"{url}/tree/")
    assert len(s3cmd("ls", "-r", url).splitlines()) == 15
    s3cmd("cp", f"{url}/tree/large.bin", f"{url}/copy.bin")
    s3cmd("mv", f"{url}/copy.bin", f"{url}/moved.bin")
    assert "File size: 18874368" in s3cmd("info", f"{url}/moved.bin")
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"{url}/tree/", f"{tmp_path}/back/")
    assert same_trees(tree, tmp_path / "back")
    s3cmd("del", "-r", "-f", url)
    s3cmd("rb", url)


def test_rclone(server, bucket, tree, tmp_path):
    environment = {"RCLONE_CONFIG": "/dev/null", "RCLONE_S3_PROVIDER": "Minio", "RCLONE_S3_ENDPOINT": server.endpoint,
                   "RCLONE_S3_ENV_AUTH": "true", "RCLONE_S3_REGION": "us-east-1"}

    def rclone(*argv):
        return run(server, [required("rclone"), *argv], tmp_path, environment)

    remote = f":s3:{bucket}-rclone"
    rclone("mkdir", remote)
    rclone("copy", tree, f"{remote}/tree", "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M")
    assert "0 differences found" in rclone("check", tree, f"{remote}/tree")
    assert rclone("cat", f"{remote}/tree/sub/file 11.txt", "--offset", "1", "--count", "1") == "1"
    (tree / "empty").unlink()
    rclone("sync", tree, f"{remote}/tree")
    rclone("moveto", f"{remote}/tree/a.bin", f"{remote}/tree/b.bin")
    rclone("moveto", f"{remote}/tree/b.bin", f"{remote}/tree/a.bin")
    rclone("copy", f"{remote}/tree", tmp_path / "back")
    assert same_trees(tree, tmp_path / "back")
    rclone("purge", remote)


def test_restic(server, bucket, tree, tmp_path):
    fixed = [required("restic"), "-o", "s3.bucket-lookup=path", "-r", f"s3:{server.endpoint}/{bucket}-restic"]

    def restic(*argv):
        return run(server, [*fixed, *argv], tmp_path, {"RESTIC_PASSWORD": "x"})

    restic("init")
    restic("backup", tree)
    (tree / "new").write_text("more")
    restic("backup", tree)
    assert "no errors were found" in restic("check", "--read-data")
    restic("restore", "latest", "--target", tmp_path / "out")
    assert same_trees(tree, tmp_path / "out" / tree.relative_to("/"))
    restic("forget", "--keep-last", "1", "--prune")
    assert "no errors were found" in restic("check")
