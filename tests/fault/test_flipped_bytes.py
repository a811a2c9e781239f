"""Bytes that change on a drive: readers get the right bytes or an error, never wrong ones, and the damage is repaired."""

import itertools
import shutil

import pytest

from harness.firn import Firn
from harness.history import digest
from harness.records import by_extent_stripe, flip

MIB = 1 << 20
BUCKET = "flipped"
STRIPE_BYTES = 4 * MIB


@pytest.fixture
def running(make_server):
    server = make_server(environment={"FIRN_BODY_CACHE": "0"}).start()
    server.client().create_bucket(Bucket=BUCKET)
    return server


@pytest.fixture
def filled(running, rng):
    """A stopped server with one object of a single stripe and one of several."""
    bodies = {"one": rng.randbytes(300_000), "many": rng.randbytes(9 * MIB + 12_345)}
    put_all(running.client(), bodies)
    assert running.stop() == 0
    return running, bodies


def put_all(s3, bodies):
    for key, body in bodies.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def read_right(server, bodies):
    s3 = server.client()
    for key, body in bodies.items():
        assert digest(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == digest(body), key


def flip_in(record, region):
    """Where a record stores no payload, which zeros past the end need not, in its header instead."""
    regions = record.regions()
    flip(record.path, regions.get(region, regions["stripe"]))


def test_every_stripe_has_a_record_on_every_drive(filled):
    server, bodies = filled
    places = by_extent_stripe(server.drives)
    assert len(places) == sum(-(-len(body) // STRIPE_BYTES) for body in bodies.values())
    assert all(sorted(shards) == [0, 1, 2, 3, 4, 5] for shards in places.values())


def test_a_flipped_byte_in_any_region_of_a_record_is_read_past_repaired_and_counted(running, rng):
    """A data shard's is found by the read that meets it, a parity shard's by the scrub."""
    server, bodies, known = running, {}, set()
    regions = None
    for number in itertools.count():
        key = f"region-{number}"
        bodies[key] = rng.randbytes(300_000)
        put_all(server.client(), {key: bodies[key]})
        places = by_extent_stripe(server.drives)
        # Flips of earlier rounds make up extents, but none with six shards.
        (place,) = {place for place, shards in places.items() if len(shards) == 6} - known
        known.add(place)
        records = places[place]
        regions = regions or list(records[0].regions())
        flip_in(records[rng.randrange(4)], regions[number])
        read_right(server, {key: bodies[key]})
        server.wait_until_whole(number + 1)
        flip_in(records[rng.randrange(4, 6)], regions[number])  # Only now: the read above may have asked for parity.
        if number == len(regions) - 1:
            break
    assert server.run_job("scrub")["damaged"] == len(regions)
    server.wait_until_whole(2 * len(regions))
    assert server.run_job("scrub")["damaged"] == 0
    assert server.run_job("verify")["problems"] == 0
    server.kill()
    for drive in server.drives:
        shutil.rmtree(drive / "index")  # Damaged copies are still there; the repaired ones must win.
    server.start()
    read_right(server, bodies)
    print(f"{len(regions)} regions, {2 * len(regions)} flips, all repaired")


def test_a_flipped_byte_is_found_and_repaired_on_schedule_and_nobody_asks(filled):
    server, bodies = filled
    flips = {}
    for records in by_extent_stripe(server.drives).values():
        flip_in(records[5], "last payload byte")  # Parity: no read meets it.
        flips[records[5].extent] = records[5]
    server.environment["FIRN_SCRUB_PERIOD"] = "1"
    server.start()
    server.wait_until_whole(len(flips))
    assert sum(drive["damaged_records"] for drive in server.status()["drives"]) >= len(flips)
    # One extent may be repaired twice before another's damage is found: wait for a whole round from here on.
    begun = max(drive["scrub"]["round_begun_unix_ms"] for drive in server.status()["drives"])
    Firn(server).status_when(
        lambda status: all(drive["scrub"]["last_round_ended_unix_ms"] > begun for drive in status["drives"]))
    server.wait_until_whole(len(flips))
    assert server.stop() == 0
    server.environment["FIRN_SCRUB_PERIOD"] = "0"
    server.start()
    assert server.run_job("scrub")["damaged"] == 0
    assert server.run_job("verify")["problems"] == 0
    read_right(server, bodies)


@pytest.mark.faults
def test_a_scrub_finds_every_flipped_byte_in_one_pass(running, rng, full):
    bodies = {f"scrubbed-{i:03}": rng.randbytes(rng.choice([16_385, 70_000, 300_000])) for i in range(300 if full else 40)}
    put_all(running.client(), bodies)
    assert running.stop() == 0
    flips = 0
    for records in by_extent_stripe(running.drives).values():
        for shard in rng.sample(range(6), rng.choice([0, 1, 2])):
            flip_in(records[shard], rng.choice(list(records[shard].regions())))
            flips += 1
    running.start()
    found = running.run_job("scrub")["damaged"]
    running.wait_until_whole(1)
    again = running.run_job("scrub")["damaged"]
    print(f"{flips} flips, {found} found in one pass, {again} left after repair")
    assert (found, again) == (flips, 0)
    read_right(running, bodies)


@pytest.mark.parametrize("shards", [(0, 1), (0, 5), (4, 5), (2, 3)])
def test_two_damaged_shards_of_every_stripe_do_no_harm(filled, shards):
    server, bodies = filled
    for records in by_extent_stripe(server.drives).values():
        for shard in shards:
            flip_in(records[shard], "first payload byte")
    server.start()
    read_right(server, bodies)


@pytest.mark.parametrize("shards", [(0, 1, 2), (1, 4, 5)])
def test_three_damaged_shards_are_an_error_never_wrong_bytes(filled, shards):
    server, bodies = filled
    for records in by_extent_stripe(server.drives).values():
        for shard in shards:
            flip_in(records[shard], "first payload byte")
    server.start()
    for key, body in bodies.items():
        answer = read_to_the_end_or_cut(server, key)
        if answer is None:
            continue  # Cut: as good as an error.
        status, received = answer
        if status == 200:
            assert len(received) < len(body), "a whole body from three bad shards"
            assert body.startswith(received), "wrong bytes were sent"
        else:
            assert status >= 500
    assert server.run_job("scrub")["damaged"] >= 3
    assert server.below_full_redundancy() == len(bodies), "what can't be repaired stays counted"


def read_to_the_end_or_cut(server, key):
    wire = server.wire()
    connection, headers = wire.connect(), {"host": wire.host}
    wire.signer.authorize("GET", f"/{BUCKET}/{key}", [], headers, "UNSIGNED-PAYLOAD")
    connection.request("GET", f"/{BUCKET}/{key}", headers=headers)
    try:
        answer = connection.getresponse()
        return answer.status, answer.read()
    except Exception:
        return None
    finally:
        connection.close()


def test_flips_in_the_indexes_do_no_harm(filled, rng):
    """The index is rebuilt from the segments when it is damaged."""
    server, bodies = filled
    for drive in server.drives:
        for path in (drive / "index").rglob("*"):
            if path.is_file() and path.stat().st_size > 0:
                flip(path, rng.randrange(path.stat().st_size))
    server.start()
    read_right(server, bodies)


def test_a_drive_without_its_index_rebuilds_it(filled):
    server, bodies = filled
    for drive in server.drives:
        shutil.rmtree(drive / "index")
    server.start()
    read_right(server, bodies)
    assert server.below_full_redundancy() == 0


@pytest.mark.parametrize("copy", [0, 1])
def test_either_copy_of_the_identity_is_enough(filled, copy):
    server, bodies = filled
    for drive in server.drives:
        flip(drive / "firn.drive", copy * 4096 + 40)
    server.start()
    read_right(server, bodies)


def test_metadata_survives_flips_on_two_of_its_drives(filled, rng):
    """Log and state lie on three drives."""
    server, bodies = filled
    holders = [drive for drive in server.drives if any((drive / "meta").rglob("*.log"))]
    assert len(holders) >= 3
    for drive in holders[:2]:
        for path in (drive / "meta").rglob("*"):
            if path.is_file() and path.stat().st_size > 0 and path.name != "LOCK":
                for _ in range(3):
                    flip(path, rng.randrange(min(path.stat().st_size, 200_000)))
    server.start()
    assert sorted(e["Key"] for e in server.client().list_objects_v2(Bucket=BUCKET)["Contents"]) == sorted(bodies)
    read_right(server, bodies)
