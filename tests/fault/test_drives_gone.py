"""Drives that are not there: every pair of them, their metadata with them, and what writing is still possible."""

import collections
import itertools
import shutil

import pytest

from harness.firn import Firn
from harness.history import digest
from harness.server import DidNotStart

MIB = 1 << 20
BUCKET = "drives-gone"
PAIRS = list(itertools.combinations(range(6), 2))


def away(drive):
    return drive.with_name(drive.name + "-away")


def remove(server, places):
    for i in places:
        server.drives[i].rename(away(server.drives[i]))


def bring_back(server, places):
    for i in places:
        shutil.rmtree(server.drives[i], ignore_errors=True)
        away(server.drives[i]).rename(server.drives[i])


@pytest.fixture
def filled(make_server, rng):
    """A stopped server with objects of every kind, and what they hold."""
    server = make_server(environment={"FIRN_BODY_CACHE": "0"}).start()
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    bodies = {}
    for size in (0, 1, 4096, 16_384, 16_385, 65_536, 300_001, MIB, 4 * MIB, 4 * MIB + 1, 9 * MIB + 12_345):
        bodies[f"k{size}"] = rng.randbytes(size)
        s3.put_object(Bucket=BUCKET, Key=f"k{size}", Body=bodies[f"k{size}"])
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    pieces = [rng.randbytes(5 * MIB), rng.randbytes(6 * MIB + 3), rng.randbytes(9)]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=n, Body=p)["ETag"]}
             for n, p in enumerate(pieces, 1)]
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    bodies["parts"] = b"".join(pieces)
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=f"{BUCKET}/parts")
    bodies["copy"] = bodies["parts"]
    assert server.stop() == 0
    return server, bodies


def check_everything(server, bodies, rng):
    s3, wire = server.client(), server.wire()
    assert sorted(e["Key"] for e in s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == sorted(bodies)
    for key, body in bodies.items():
        assert digest(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == digest(body), key
        for _ in range(3 if body else 0):
            first = rng.randrange(len(body))
            last = min(len(body) - 1, first + rng.choice([0, 7, 70_000, 2 * MIB]))
            part = wire.get(f"/{BUCKET}/{key}", headers={"range": f"bytes={first}-{last}"})
            assert (part.status, digest(part.body)) == (206, digest(body[first:last + 1])), (key, first, last)


def test_every_pair_of_drives_may_be_gone(filled, rng):
    server, bodies = filled
    for pair in PAIRS:
        remove(server, pair)
        server.start()
        check_everything(server, bodies, rng)
        server.kill()
        bring_back(server, pair)
    server.start()
    check_everything(server, bodies, rng)


def test_what_is_written_with_one_drive_out_survives_the_loss_of_another(filled, rng):
    server, bodies = filled
    remove(server, [1])
    server.start()
    s3 = server.client()
    for size in (100, 50_000, 5 * MIB):
        bodies[f"one-out-{size}"] = rng.randbytes(size)
        s3.put_object(Bucket=BUCKET, Key=f"one-out-{size}", Body=bodies[f"one-out-{size}"])
    server.kill()
    remove(server, [4])
    server.start()
    check_everything(server, bodies, rng)


def test_with_two_drives_out_writes_go_to_the_four_that_are_left(filled, rng):
    server, bodies = filled
    remove(server, [0, 5])
    server.start()
    s3 = server.client()
    for size in (100, 50_000, 5 * MIB):
        bodies[f"two-out-{size}"] = rng.randbytes(size)
        s3.put_object(Bucket=BUCKET, Key=f"two-out-{size}", Body=bodies[f"two-out-{size}"])
    check_everything(server, bodies, rng)
    server.restart()
    check_everything(server, bodies, rng)
    server.stop()
    bring_back(server, [0, 5])
    server.start()
    check_everything(server, bodies, rng)
    s3 = server.client()
    bodies["after"] = rng.randbytes(MIB)
    s3.put_object(Bucket=BUCKET, Key="after", Body=bodies["after"])
    server.kill()
    remove(server, [2, 3])
    server.start()
    for key in ("after", "parts", "copy"):
        assert digest(server.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()) == digest(bodies[key])


def test_deletes_made_while_drives_were_out_stay_deleted(filled, rng):
    """What was written then lies on the four drives that were in, two of them with two shards each: one of those may go, or both
    others."""
    server, bodies = filled
    remove(server, [2, 3])
    s3 = server.start().client()
    for key in list(bodies)[::2]:
        s3.delete_object(Bucket=BUCKET, Key=key)
        del bodies[key]
    for key in list(bodies)[::2]:
        bodies[key] = rng.randbytes(30_000)
        s3.put_object(Bucket=BUCKET, Key=key, Body=bodies[key])
    shards = collections.Counter(drive - 1 for drive in Firn(server).json("status")["sets"][-1]["drives"])
    two, one = ([drive for drive in shards if shards[drive] == count] for count in (2, 1))
    assert (len(two), len(one), shards[2], shards[3]) == (2, 2, 0, 0), shards
    server.kill()
    bring_back(server, [2, 3])
    for gone in ([], [two[0]], [two[1]], one, [2, 3], [two[0], 2]):
        remove(server, gone)
        server.start()
        check_everything(server, bodies, rng)
        server.kill()
        bring_back(server, gone)


def test_drives_may_go_and_come_one_after_another(filled, rng):
    """Each goes while the one before it is still filling up: at most two are short at any time."""
    server, bodies = filled
    for i in range(6):
        remove(server, [i])
        s3 = server.start().client()
        bodies[f"round{i}"] = rng.randbytes(400_000)
        s3.put_object(Bucket=BUCKET, Key=f"round{i}", Body=bodies[f"round{i}"])
        check_everything(server, bodies, rng)
        server.stop()
        bring_back(server, [i])
    server.start()
    check_everything(server, bodies, rng)


INLINE_MAX = 16_384  # Bodies up to here lie in the metadata, which has its own redundancy.


def striped(bodies):
    return sum(len(body) > INLINE_MAX for body in bodies.values())


def put(server, bodies, key, body):
    server.client().put_object(Bucket=BUCKET, Key=key, Body=body)
    bodies[key] = body


def test_the_count_below_full_redundancy_is_exact_and_returns_to_zero(filled, rng):
    server, bodies = filled
    server.start()
    assert server.below_full_redundancy() == 0
    server.stop()
    remove(server, [1])
    s3 = server.start().client()
    assert server.below_full_redundancy() == striped(bodies)
    put(server, bodies, "new-striped", rng.randbytes(50_000))
    put(server, bodies, "new-inline", rng.randbytes(5_000))
    put(server, bodies, "k65536", rng.randbytes(100))      # Was striped, is inline.
    put(server, bodies, "k4096", rng.randbytes(6 * MIB))   # The other way round.
    s3.copy_object(Bucket=BUCKET, Key="new-copy", CopySource=f"{BUCKET}/new-striped")
    bodies["new-copy"] = bodies["new-striped"]
    s3.delete_object(Bucket=BUCKET, Key="copy")
    del bodies["copy"]
    assert server.below_full_redundancy() == striped(bodies)
    server.kill()
    server.start()
    assert server.below_full_redundancy() == striped(bodies), "after kill -9"
    server.stop()
    bring_back(server, [1])
    server.start()
    written_without_it = 3
    assert server.below_full_redundancy() <= written_without_it, "what the drive holds is whole again at once"
    server.wait_until_whole()
    assert server.run_job("verify")["problems"] == 0
    server.kill()
    remove(server, [3, 4])  # Only with what was repaired on the drive that returned can everything be read.
    server.start()
    check_everything(server, bodies, rng)
    assert server.below_full_redundancy() == striped(bodies)


def test_an_empty_drive_in_the_place_of_a_lost_one_is_filled_and_counted(filled, rng):
    server, bodies = filled
    remove(server, [2])
    server.drives[2].mkdir()
    server.start()
    server.wait_until_whole()
    assert server.run_job("verify")["problems"] == 0
    server.kill()
    remove(server, [0, 5])
    server.start()
    check_everything(server, bodies, rng)


def test_a_start_without_three_drives_is_refused_and_harms_nothing(filled, rng):
    server, bodies = filled
    remove(server, [0, 1, 2])
    with pytest.raises(DidNotStart):
        server.start()
    bring_back(server, [0, 1, 2])
    server.start()
    check_everything(server, bodies, rng)
    assert server.below_full_redundancy() == 0
