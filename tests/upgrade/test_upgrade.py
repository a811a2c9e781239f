"""Drives that earlier releases made are opened by this one, read, written and found sound."""

import shutil
import subprocess

import pytest

from harness.server import find_binary
from upgrade.contents import BUCKET, DRIVES, FOLDER, SIZES, body, server_at

RELEASES = sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz"))


@pytest.fixture(params=RELEASES)
def drives_of_a_release(request, tmp_path):
    subprocess.run(["tar", "-xJf", FOLDER / f"{request.param}.tar.xz"], cwd=tmp_path, check=True)
    server = server_at(tmp_path)
    yield server
    server.kill()
    for name in DRIVES:
        shutil.rmtree(tmp_path / name, ignore_errors=True)


def check(server):
    s3 = server.client()
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]} >= set(SIZES)
    for key in SIZES:
        found = s3.get_object(Bucket=BUCKET, Key=key)
        assert found["Body"].read() == body(key)
        assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"key": "of-" + key[:3]})
        assert s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == [{"Key": "made", "Value": "before"}]


def test_there_are_drives_of_every_release():
    assert "0.1.0" in RELEASES


def test_they_are_read_written_and_sound(drives_of_a_release):
    server = drives_of_a_release.start()
    check(server)
    s3 = server.client()
    (upload,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    (part,) = s3.list_parts(Bucket=BUCKET, Key="unfinished", UploadId=upload["UploadId"])["Parts"]
    s3.complete_multipart_upload(Bucket=BUCKET, Key="unfinished", UploadId=upload["UploadId"],
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(Bucket=BUCKET, Key="unfinished")["Body"].read() == body("inline")
    s3.put_object(Bucket=BUCKET, Key="new", Body=b"n" * 200_000)
    assert server.run_job("verify")["problems"] == 0
    assert server.stop() == 0
    server.start()
    check(server)
    assert server.client().get_object(Bucket=BUCKET, Key="new")["Body"].read() == b"n" * 200_000


def test_their_backups_are_restored(drives_of_a_release, tmp_path):
    server = drives_of_a_release
    for drive in server.drives:
        shutil.rmtree(drive / "meta")
    done = subprocess.run([find_binary("firn"), "metadata", "restore", str(tmp_path / "backup"), "--drives",
                           *map(str, server.drives)], capture_output=True, text=True,
                          env=server.full_environment() | {"FIRN_ERASURE": "2+1"})
    assert done.returncode == 0, done.stderr
    server.start()
    check(server)
