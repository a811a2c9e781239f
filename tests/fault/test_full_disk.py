"""Drives run full: writes are refused before anything is promised, all else goes on, and space that returns is used."""

import time

import pytest
from botocore.exceptions import ClientError

from harness.failing_drives import DriveSet, Unavailable
from harness.server import FirnServer

MIB = 1 << 20


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


def fill(s3, rng, prefix):
    """Puts objects until one is refused; returns {key: body} of those that were not, and the refusal's status."""
    written, block = {}, rng.randbytes(8 * MIB)
    for i in range(2000):
        body = i.to_bytes(8, "big") + block
        try:
            s3.put_object(Bucket="faults", Key=f"{prefix}{i:04}", Body=body)
        except ClientError as failure:
            return written, failure.response["ResponseMetadata"]["HTTPStatusCode"]
        written[f"{prefix}{i:04}"] = body
    pytest.fail("the drives never ran full")


def test_full_drives_refuse_writes_and_recover(small, rng):
    s3 = small.start().client()
    s3.create_bucket(Bucket="faults")
    written, status = fill(s3, rng, "a")
    assert status in (503, 507)
    assert len(written) > 20
    for key in list(written)[::7]:
        assert s3.get_object(Bucket="faults", Key=key)["Body"].read() == written[key]
    assert len(s3.list_objects_v2(Bucket="faults")["Contents"]) == len(written)
    small.restart()
    s3 = small.client()
    assert s3.get_object(Bucket="faults", Key="a0000")["Body"].read() == written["a0000"]
    for key in list(written)[: len(written) // 2]:
        s3.delete_object(Bucket="faults", Key=key)
        del written[key]
    deadline = time.monotonic() + 240
    while True:
        try:
            s3.put_object(Bucket="faults", Key="again", Body=written[max(written)])
            break
        except ClientError:
            assert time.monotonic() < deadline, "deleted space never came back"
            time.sleep(1)
    for key, body in written.items():
        assert s3.get_object(Bucket="faults", Key=key)["Body"].read() == body
