"""Drives run full: writes are refused before anything is promised, all else goes on, and space that returns is used."""

import time

import pytest
from botocore.exceptions import ClientError

from harness.failing_drives import DriveSet, Unavailable, run
from harness.server import FirnServer

MIB = 1 << 20
BUCKET = "full-disk"


@pytest.fixture
def small(tmp_path, request):
    try:
        drives = DriveSet(tmp_path, "log", "xfs", mib=640)
    except Unavailable as cause:
        pytest.skip(str(cause))
    server = FirnServer(tmp_path / "server", drives=drives.directories)
    request.node.servers = [server]
    yield server
    server.kill()
    drives.close()
    drives.remove()


def put(s3, key, body):
    """The status of the answer."""
    try:
        return s3.put_object(Bucket=BUCKET, Key=key, Body=body)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as failure:
        return failure.response["ResponseMetadata"]["HTTPStatusCode"]


def fill(s3, rng, prefix):
    """Puts objects until one is refused; returns {key: body} of those that were not, and the refusal's status."""
    written, block = {}, rng.randbytes(8 * MIB)
    for i in range(2000):
        body = i.to_bytes(8, "big") + block
        status = put(s3, f"{prefix}{i:04}", body)
        if status != 200:
            return written, status
        written[f"{prefix}{i:04}"] = body
    pytest.fail("the drives never ran full")


def assert_reads_right(s3, written):
    for key, body in written.items():
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body, key
    listed = [entry["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET) for entry in page["Contents"]]
    assert listed == sorted(written)


def put_until_taken(s3, key, body, seconds):
    deadline = time.monotonic() + seconds
    while (status := put(s3, key, body)) != 200:
        assert status in (503, 507)
        assert time.monotonic() < deadline, "space that returned was never used"
        time.sleep(0.5)


def test_drives_filled_by_others_refuse_writes_until_the_space_returns(small, rng):
    for drive in small.drives:
        run("fallocate", "-l", f"{300 * MIB}", drive.parent / "of-others")
    s3 = small.start().client()
    s3.create_bucket(Bucket=BUCKET)
    written, status = fill(s3, rng, "a")
    assert status in (503, 507)
    print(f"full after {len(written)} objects of 8 MiB, answered {status}")
    for key in sorted(written)[1::2]:
        s3.delete_object(Bucket=BUCKET, Key=key)
        del written[key]
    assert_reads_right(s3, written)
    small.restart()
    s3 = small.client()
    assert_reads_right(s3, written)
    for drive in small.drives:
        (drive.parent / "of-others").unlink()
    written["again"] = rng.randbytes(8 * MIB)
    put_until_taken(s3, "again", written["again"], 30)
    assert_reads_right(s3, written)
    assert small.status()["objects_below_full_redundancy"] == 0, "a full drive is not a failed one"


@pytest.mark.faults_only
def test_full_drives_use_the_space_of_deleted_objects(small, rng):
    """What is deleted stays readable for a grace period, so that its space takes a minute or two to return."""
    s3 = small.start().client()
    s3.create_bucket(Bucket=BUCKET)
    written, status = fill(s3, rng, "a")
    assert status in (503, 507)
    assert len(written) > 20
    inline = {f"inline{i}": rng.randbytes(10_000) for i in range(20)}
    for key, body in inline.items():
        if put(s3, key, body) == 200:
            written[key] = body
    assert_reads_right(s3, written)
    small.restart()
    s3 = small.client()
    for key in [key for key in written if key.startswith("a")][: len(written) // 2]:
        s3.delete_object(Bucket=BUCKET, Key=key)
        del written[key]
    began = time.monotonic()
    written["again"] = rng.randbytes(8 * MIB)
    put_until_taken(s3, "again", written["again"], 300)
    print(f"the space of deleted objects was used again after {time.monotonic() - began:.0f} s")
    assert_reads_right(s3, written)
    assert small.status()["objects_below_full_redundancy"] == 0, "a full drive is not a failed one"
