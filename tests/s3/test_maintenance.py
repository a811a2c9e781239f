"""Space comes back, what a crash leaves is swept, drives that lack something are made whole; and nothing wanted goes."""

import shutil
import time

import pytest

MIB = 1 << 20
# A shard record is a header page and its chunk. 4+2: six chunks of 1 MiB for 4 MiB.
RECORD = MIB + 4096
STRIPE = 6 * RECORD


@pytest.fixture
def server(make_server):
    """Gives space back a second after it was freed."""
    started = make_server(environment={"FIRN_RECLAIM_GRACE": "1"}).start()
    started.client().create_bucket(Bucket="kept")
    return started


def live_bytes(server):
    return [drive.get("live_bytes", 0) for drive in server.status()["drives"]]


def wait_for(reached, seconds=120):  # A bound that no healthy run reaches.
    deadline = time.monotonic() + seconds
    while True:
        seen = reached()
        if seen is True:
            return
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


def wait_for_live_bytes(server, expected):
    def reached():
        total = sum(live_bytes(server))
        return True if total == expected else f"{total} bytes are live, not {expected}"

    wait_for(reached)


def wait_for_full_redundancy(server):
    def reached():
        status = server.status()
        if status["objects_below_full_redundancy"] == 0 and status["repair"]["extents_owed"] == 0:
            return True
        return status["objects_below_full_redundancy"], status["repair"]

    wait_for(reached)


def assert_sound(server):
    """Every row and every shard, against each other."""
    report = server.run_job("verify")
    assert report["problems"] == 0 and report["extents"]["short_of_a_drive"] == 0, report


def body_of(rng, stripes=1):
    return rng.randbytes(stripes * 4 * MIB)


def send_half(server, path, body):
    """A PUT that breaks off in the middle: the connection, which must live that long."""
    wire = server.wire()
    headers = {"host": wire.host}
    wire.signer.authorize("PUT", path, [], headers, "UNSIGNED-PAYLOAD", None)
    connection = wire.connect()
    connection.putrequest("PUT", path, skip_host=True, skip_accept_encoding=True)
    for name, value in (headers | {"content-length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    return connection


def read(s3, key):
    return s3.get_object(Bucket="kept", Key=key)["Body"].read()


def test_the_space_of_deleted_and_overwritten_objects_comes_back(server, rng):
    s3 = server.client()
    bodies = {key: body_of(rng) for key in ("deleted", "overwritten", "left")}
    for key, body in bodies.items():
        s3.put_object(Bucket="kept", Key=key, Body=body)
    assert sum(live_bytes(server)) == 3 * STRIPE
    s3.delete_object(Bucket="kept", Key="deleted")
    s3.put_object(Bucket="kept", Key="overwritten", Body=b"now inline")
    wait_for_live_bytes(server, STRIPE)
    assert read(s3, "left") == bodies["left"]
    assert read(s3, "overwritten") == b"now inline"


def test_copies_keep_an_extent_until_the_last_of_them_is_gone(server, rng):
    s3, body = server.client(), body_of(rng)
    s3.put_object(Bucket="kept", Key="first", Body=body)
    s3.copy_object(Bucket="kept", Key="second", CopySource="kept/first")
    upload = s3.create_multipart_upload(Bucket="kept", Key="third")["UploadId"]
    s3.upload_part_copy(Bucket="kept", Key="third", UploadId=upload, PartNumber=1, CopySource="kept/first",
                        CopySourceRange="bytes=7-4000")
    s3.put_object(Bucket="kept", Key="marker", Body=body_of(rng))
    s3.delete_object(Bucket="kept", Key="first")
    s3.delete_object(Bucket="kept", Key="marker")
    wait_for_live_bytes(server, STRIPE)  # The marker is gone, so the reclaimer has been there.
    assert read(s3, "second") == body
    s3.delete_object(Bucket="kept", Key="second")
    part = s3.list_parts(Bucket="kept", Key="third", UploadId=upload)["Parts"][0]
    s3.complete_multipart_upload(Bucket="kept", Key="third", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.put_object(Bucket="kept", Key="marker", Body=body_of(rng))
    s3.delete_object(Bucket="kept", Key="marker")
    wait_for_live_bytes(server, STRIPE)
    assert read(s3, "third") == body[7:4001]
    s3.delete_object(Bucket="kept", Key="third")
    wait_for_live_bytes(server, 0)


def test_an_aborted_upload_frees_its_parts(server, rng):
    s3 = server.client()
    upload = s3.create_multipart_upload(Bucket="kept", Key="k")["UploadId"]
    for number in (1, 2, 2, 3):  # One of them twice: the first goes at once.
        s3.upload_part(Bucket="kept", Key="k", UploadId=upload, PartNumber=number, Body=body_of(rng, 2))
    wait_for_live_bytes(server, 6 * STRIPE)
    s3.abort_multipart_upload(Bucket="kept", Key="k", UploadId=upload)
    wait_for_live_bytes(server, 0)


def test_a_crash_leaves_no_orphans_and_takes_no_part_of_an_upload_under_way(server, rng):
    s3, whole = server.client(), body_of(rng)
    s3.put_object(Bucket="kept", Key="whole", Body=whole)
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    parts = [body_of(rng, 2) for _ in range(5)]
    tags = []
    for number, part in enumerate(parts, 1):
        if number == 4:
            cut = [send_half(server, f"/kept/cut{i}", body_of(rng, 3)) for i in range(3)]
            # One whole stripe of each is on the drives.
            wait_for(lambda: sum(live_bytes(server)) >= (1 + 6 + 3) * STRIPE or sum(live_bytes(server)))
            server.kill()
            for connection in cut:
                connection.close()
            s3 = server.start().client()
        tag = s3.upload_part(Bucket="kept", Key="parts", UploadId=upload, PartNumber=number, Body=part)["ETag"]
        tags.append({"PartNumber": number, "ETag": tag})
    wait_for_live_bytes(server, (1 + 10) * STRIPE)
    assert "extents without a holder" in server.log_text(), "the cut was to leave some"
    server.restart()
    s3 = server.client()
    s3.complete_multipart_upload(Bucket="kept", Key="parts", UploadId=upload, MultipartUpload={"Parts": tags})
    assert read(s3, "parts") == b"".join(parts)
    assert read(s3, "whole") == whole
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["parts", "whole"]
    assert_sound(server)


def test_an_empty_replacement_is_filled_from_its_peers(server, rng):
    s3 = server.client()
    bodies = {f"k{i}": rng.randbytes(200_000 + i * 700_000) for i in range(6)} | {"inline": b"small"}
    for key, body in bodies.items():
        s3.put_object(Bucket="kept", Key=key, Body=body)
    before = live_bytes(server)
    assert server.stop() == 0
    shutil.rmtree(server.drives[2])
    server.drives[2].mkdir()
    server.start()
    wait_for_full_redundancy(server)
    assert live_bytes(server) == before
    assert_sound(server)
    assert server.stop() == 0
    for gone in (0, 5):
        server.drives[gone].rename(server.drives[gone].with_suffix(".away"))
    s3 = server.start().client()
    # All of them but the one without an extent.
    assert server.below_full_redundancy() == len(bodies) - 1
    for key, body in bodies.items():
        assert read(s3, key) == body, key


def test_a_drive_that_missed_writes_and_deletes_is_made_whole_when_it_returns(server, rng):
    s3 = server.client()
    bodies = {key: body_of(rng) for key in ("before", "deleted")}
    for key, body in bodies.items():
        s3.put_object(Bucket="kept", Key=key, Body=body)
    assert server.stop() == 0
    away = server.drives[4].with_suffix(".away")
    server.drives[4].rename(away)
    s3 = server.start().client()
    bodies |= {key: body_of(rng) for key in ("meanwhile1", "meanwhile2")}
    for key in ("meanwhile1", "meanwhile2"):
        s3.put_object(Bucket="kept", Key=key, Body=bodies[key])
    s3.put_object(Bucket="kept", Key="inline", Body=b"small")
    s3.delete_object(Bucket="kept", Key="deleted")
    del bodies["deleted"]
    wait_for(lambda: sum(live_bytes(server)) == 3 * 5 * RECORD or live_bytes(server))
    assert server.below_full_redundancy() == 3
    server.kill()
    shutil.rmtree(server.drives[4], ignore_errors=True)
    away.rename(server.drives[4])
    s3 = server.start().client()
    wait_for_full_redundancy(server)
    wait_for_live_bytes(server, 3 * STRIPE)  # What was deleted while it was away is gone from it, too.
    assert_sound(server)
    for key, body in bodies.items():
        assert read(s3, key) == body, key
