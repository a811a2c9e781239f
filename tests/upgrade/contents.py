"""What the drives of a release hold. Made by `python upgrade/contents.py RELEASE` in tests/, once per release; what was
made for a release is never made again."""

import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.server import FirnServer  # noqa: E402

FOLDER = pathlib.Path(__file__).parent / "drives"
DRIVES = ["drive1", "drive2", "drive3"]
CODING = ["--erasure", "2+1"]
BUCKET = "made-before"
SIZES = {"empty": 0, "inline": 1_000, "folder/striped": 30_000}


def body(key):
    return random.Random(key).randbytes(SIZES[key])


def server_at(root):
    return FirnServer(root, drives=[pathlib.Path(root) / name for name in DRIVES], flags=CODING)


def fill(server):
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    for key in SIZES:
        s3.put_object(Bucket=BUCKET, Key=key, Body=body(key), ContentType="text/plain", Metadata={"key": "of-" + key[:3]},
                      Tagging="made=before")
    s3.put_object(Bucket=BUCKET, Key="deleted", Body=b"gone")
    s3.delete_object(Bucket=BUCKET, Key="deleted")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="unfinished")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="unfinished", UploadId=upload, PartNumber=1, Body=body("inline"))


def main(release):
    with tempfile.TemporaryDirectory() as root:
        server = server_at(root).start()
        fill(server)
        backup = pathlib.Path(root) / "backup"
        server.run_job("backup", query=[("file", str(backup))])
        assert server.stop() == 0
        for path in (path for name in DRIVES for path in (pathlib.Path(root) / name).rglob("*") if path.is_file()):
            subprocess.run(["fallocate", "--dig-holes", path], check=True)  # What was only reserved is not packed.
        subprocess.run(["tar", "--sparse", "--sort=name", "--owner=0", "--group=0", "-cJf", FOLDER / f"{release}.tar.xz",
                        *DRIVES, "backup"], cwd=root, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
