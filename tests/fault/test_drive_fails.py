"""A drive fails while clients write: they go on, nothing acknowledged is lost, and the drive is left out."""

import time

import pytest

from harness.failing_drives import DriveSet, Unavailable
from harness.load import Load
from harness.server import FirnServer


@pytest.fixture
def rig(tmp_path, request):
    try:
        drives = DriveSet(tmp_path, "log", "xfs", mib=1024)
    except Unavailable as cause:
        pytest.skip(str(cause))
    server = FirnServer(tmp_path / "server", drives=drives.directories)
    request.node.servers = [server]
    yield server, drives
    server.kill()
    drives.close()
    drives.remove()



def wait_until_answered(load, number, seconds):
    """Waits for so many more acknowledged writes; a server that stopped serving fails here."""
    goal, deadline = load.history.acknowledged + number, time.monotonic() + seconds
    while load.history.acknowledged < goal:
        assert time.monotonic() < deadline, "writes stopped"
        time.sleep(0.05)


def test_drives_may_fail_one_after_another_under_load(rig, seed):
    server, drives = rig
    server.start()
    server.client().create_bucket(Bucket="faults")
    load = Load(server, "faults", seed)
    load.start()
    try:
        wait_until_answered(load, 50, 30)
        for place in (2, 5):
            drives.drives[place].cut()
            wait_until_answered(load, 100, 60)
    finally:
        load.stop()
    s3 = server.client()
    assert load.history.verify(s3, "faults") == []
    assert load.history.verify_listing(s3, "faults") == []
    assert "drive 3 is put out" in server.log_text()
    assert "drive 6 is put out" in server.log_text()
    server.kill()
    for place in (2, 5):
        drives.drives[place].detach()
    server.start()
    assert load.history.verify(server.client(), "faults") == [], "after a restart without the two drives"


def test_a_drive_that_failed_may_come_back(rig, seed):
    server, drives = rig
    server.start()
    server.client().create_bucket(Bucket="faults")
    load = Load(server, "faults", seed)
    load.start()
    wait_until_answered(load, 30, 30)
    drives.drives[1].cut()
    wait_until_answered(load, 100, 60)
    server.kill()
    load.join()
    drives.drives[1].detach()
    drives.drives[1].attach()
    server.start()
    assert load.history.verify(server.client(), "faults") == []
    load.start()
    wait_until_answered(load, 50, 30)
    load.stop()
    assert load.history.verify(server.client(), "faults") == []


def test_three_failed_drives_are_answered_with_errors_never_with_wrong_bytes(rig, seed):
    server, drives = rig
    server.start()
    server.client().create_bucket(Bucket="faults")
    load = Load(server, "faults", seed)
    load.start()
    wait_until_answered(load, 60, 30)
    for place in (0, 2, 4):
        drives.drives[place].cut()
    time.sleep(3)
    load.stop()
    for key, seen in load.history.verify(server.client(), "faults"):
        assert seen not in ("lost", "changed or brought back"), key
