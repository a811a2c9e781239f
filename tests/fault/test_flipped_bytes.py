"""Bytes that change on a drive: readers get the right bytes or an error, never wrong ones, and the damage is found."""

import collections

import pytest

from harness.history import digest
from harness.records import flip, records_of

MIB = 1 << 20


@pytest.fixture
def filled(make_server, rng):
    """A stopped server with one object of a single stripe and one of several."""
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="faults")
    bodies = {"one": rng.randbytes(300_000), "many": rng.randbytes(9 * MIB + 12_345)}
    for key, body in bodies.items():
        s3.put_object(Bucket="faults", Key=key, Body=body)
    assert server.stop() == 0
    return server, bodies


def by_extent_stripe(server):
    """{(extent, stripe): {shard: record}} over all drives."""
    places = collections.defaultdict(dict)
    for drive in server.drives:
        for record in records_of(drive):
            places[record.extent, record.stripe][record.shard] = record
    return places


def read_right(server, bodies):
    s3 = server.client()
    for key, body in bodies.items():
        assert digest(s3.get_object(Bucket="faults", Key=key)["Body"].read()) == digest(body), key


def test_every_stripe_has_a_record_on_every_drive(filled):
    server, bodies = filled
    places = by_extent_stripe(server)
    assert len(places) == 1 + 3  # Stripes of 4 MiB: one of the small object, three of the large.
    assert all(sorted(shards) == [0, 1, 2, 3, 4, 5] for shards in places.values())


def test_one_flipped_byte_in_any_region_of_a_record_does_no_harm(filled, rng):
    server, bodies = filled
    places = by_extent_stripe(server)
    for region in next(iter(places.values()))[0].regions():
        flipped = []
        for shards in places.values():
            record = shards[rng.choice([0, 1, 2, 3])]
            if region in record.regions():
                flip(record.path, record.regions()[region])
                flipped.append(record)
        assert flipped
        server.start()
        read_right(server, bodies)
        assert server.stop() == 0
        for record in flipped:  # Put right again, whether it was repaired elsewhere or not: damages must not add up.
            flip(record.path, record.regions()[region])


@pytest.mark.parametrize("shards", [(0, 1), (0, 5), (4, 5), (2, 3)])
def test_two_damaged_shards_of_every_stripe_do_no_harm(filled, shards):
    server, bodies = filled
    for records in by_extent_stripe(server).values():
        for shard in shards:
            place = "first payload byte" if records[shard].stored_bytes else "stripe"
            flip(records[shard].path, records[shard].regions()[place])
    server.start()
    read_right(server, bodies)


def test_three_damaged_shards_are_an_error_never_wrong_bytes(filled):
    server, bodies = filled
    for records in by_extent_stripe(server).values():
        for shard in (0, 1, 2):
            place = "first payload byte" if records[shard].stored_bytes else "stripe"
            flip(records[shard].path, records[shard].regions()[place])
    server.start()
    for key, body in bodies.items():
        connection = server.wire().connect()
        headers = {"host": server.wire().host}
        server.wire().signer.authorize("GET", f"/faults/{key}", [], headers, "UNSIGNED-PAYLOAD")
        connection.request("GET", f"/faults/{key}", headers=headers)
        try:
            answer = connection.getresponse()
            received = answer.read()
        except Exception:
            continue  # Cut: as good as an error.
        if answer.status == 200:
            assert len(received) < len(body), "a whole body from three bad shards"
            assert body.startswith(received), "wrong bytes were sent"
        else:
            assert answer.status >= 500


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
    import shutil
    server, bodies = filled
    for drive in server.drives:
        shutil.rmtree(drive / "index")
    server.start()
    read_right(server, bodies)


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
    assert sorted(e["Key"] for e in server.client().list_objects_v2(Bucket="faults")["Contents"]) == sorted(bodies)
    read_right(server, bodies)
