"""The administration of a server by its command-line client, each command on the real binaries."""

import json
import shutil
import subprocess

import pytest

from harness.firn import Firn
from harness.records import flip, records_of
from harness.server import find_binary

LARGE = 120_000  # Becomes an extent on the drives; what is up to 16 KiB stays with the metadata.
SMALL = 2_000
ADMIN = "/firn/admin/v1/"


@pytest.fixture
def own(make_server):
    """A server of the test's own: to be stopped, robbed of drives and damaged."""
    return make_server().start()


@pytest.fixture
def firn(own):
    return Firn(own)


def put(server, bodies, bucket="bkt"):
    s3 = server.client()
    if bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
    for key, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    return bodies


def objects(rng, size, names):
    return {name: rng.randbytes(size) for name in names}


def check_reads(server, bodies, bucket="bkt"):
    s3 = server.client()
    for key, body in bodies.items():
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body, key


def drive_of(status, number):
    return status["drives"][number - 1]


def below(status):
    return status["objects_below_full_redundancy"]


def lose(server, place):
    """As if it had been pulled out: its files are gone, what is open fails at the next change of the metadata."""
    shutil.rmtree(server.drives[place])


def damage(server, shards):
    """Flips a byte in these shards of one extent; the numbers of their drives."""
    records = [(number, record) for number, drive in enumerate(server.drives, 1) for record in records_of(drive)]
    extent = min(record.extent for _, record in records)
    hit = [(number, record) for number, record in records if record.extent == extent and record.shard in shards]
    assert len(hit) == len(shards)
    for _, record in hit:
        flip(record.path, record.regions()["first payload byte"])
    return [number for number, _ in hit]


# status and replace-drive


def test_status_tells_drives_capacity_and_that_nothing_is_amiss(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    status = firn.json("status")
    assert [(d["drive"], d["state"], d["path"]) for d in status["drives"]] == [
        (n, "in", str(path)) for n, path in enumerate(own.drives, 1)]
    assert all(d["capacity_bytes"] > d["allocated_bytes"] >= d["live_bytes"] > 0 for d in status["drives"])
    assert (status["erasure"], below(status), status["write_quorum"]) == ("4+2", 0, True)
    assert (status["repair"]["state"], status["repair"]["extents_owed"]) == ("idle", 0)
    shown = firn.text("status")
    assert "6 of 6 in" in shown and "0 below full redundancy" in shown
    assert all(str(path) in shown for path in own.drives)


def test_a_lost_drive_is_counted_exactly_and_made_good_by_an_empty_one(own, firn, rng):
    bodies = put(own, objects(rng, LARGE, "abcde") | objects(rng, SMALL, "xyz"))
    lose(own, 1)
    bodies |= put(own, objects(rng, LARGE, "fg") | objects(rng, SMALL, "w"))
    status = firn.status_when(lambda s: drive_of(s, 2)["state"] == "out")
    assert below(status) == 7, "five that were there, and two written since; small ones are on other drives"
    assert "7 below full redundancy" in firn.text("status")
    assert "waiting for a drive" in firn.text("status")

    own.drives[1].mkdir()
    said = firn.text("replace-drive", "2")
    assert f"Drive 2 is {own.drives[1]} now" in said
    status = firn.status_when(lambda s: below(s) == 0)
    assert drive_of(status, 2)["state"] == "in"
    assert drive_of(status, 2)["live_bytes"] == drive_of(status, 1)["live_bytes"]
    firn.status_when(lambda s: s["repair"]["state"] == "idle" and s["repair"]["extents_repaired"] == 7)
    assert firn.json("verify")["problems"] == 0

    own.stop()
    for place in (0, 5):
        lose(own, place)
    check_reads(own.start(), bodies)
    assert below(firn.json("status")) == 7


def test_an_absent_drive_is_told_with_the_reason(own, firn):
    own.stop()
    lose(own, 3)
    own.start()
    drive = drive_of(firn.json("status"), 4)
    assert (drive["state"], drive["why"]) == ("absent", "not there")
    assert f"{own.drives[3]} (not there)" in firn.text("status")


def test_a_drive_may_be_replaced_by_another_directory(own, firn, rng):
    bodies = put(own, objects(rng, LARGE, "abc"))
    own.stop()
    lose(own, 4)
    own.start()
    elsewhere = own.root / "spare"
    elsewhere.mkdir()
    said = firn.text("replace-drive", "5", "spare")
    assert str(elsewhere) in said and "when firnd is started next" in said
    status = firn.status_when(lambda s: below(s) == 0)
    assert drive_of(status, 5)["path"] == str(elsewhere)
    own.stop()
    own.drives[4] = elsewhere
    lose(own, 0)
    lose(own, 1)
    check_reads(own.start(), bodies)


def test_a_drive_that_comes_back_gets_only_what_it_missed(own, firn, rng):
    bodies = put(own, objects(rng, LARGE, "abc"))
    own.stop()
    away = own.root / "away"
    own.drives[2].rename(away)
    own.start()
    bodies |= put(own, objects(rng, LARGE, "de"))
    verified = firn.json("verify")
    assert (verified["problems"], verified["extents"]["short_of_a_drive"]) == (0, 5)
    away.rename(own.drives[2])
    firn.text("replace-drive", "3")
    status = firn.status_when(lambda s: below(s) == 0)
    assert (drive_of(status, 3)["state"], status["repair"]["extents_repaired"]) == ("in", 2)
    verified = firn.json("verify")
    assert (verified["problems"], verified["extents"]["short_of_a_drive"]) == (0, 0)
    check_reads(own, bodies)


def test_a_drive_is_never_replaced_by_something_else(own, firn, make_server, rng):
    put(own, objects(rng, LARGE, "a"))
    assert "in use and well" in firn.refused("replace-drive", "3")
    assert "no drive 7" in firn.refused("replace-drive", "7")
    assert "stands for another drive" in firn.refused("replace-drive", "3", own.drives[3])
    lose(own, 2)
    put(own, objects(rng, LARGE, "b"))
    firn.status_when(lambda s: drive_of(s, 3)["state"] == "out")
    assert "is not there" in firn.refused("replace-drive", "3")
    own.drives[2].mkdir()
    (own.drives[2] / "diary.txt").write_text("mine")
    assert "something else" in firn.refused("replace-drive", "3")
    other = make_server("other").start()
    other.stop()
    assert "another cluster" in firn.refused("replace-drive", "3", other.drives[2])
    assert (own.drives[2] / "diary.txt").read_text() == "mine"
    assert drive_of(firn.json("status"), 3)["state"] == "out"


# scrub and verify


def test_scrub_finds_a_flipped_byte_and_it_is_repaired(own, firn, rng):
    bodies = put(own, objects(rng, LARGE, "abc"))
    assert firn.json("scrub")["damaged"] == 0
    assert "No damage." in firn.text("scrub")
    damaged_drive, = damage(own, [1])
    found = firn.json("scrub", code=3)
    assert [d["damaged"] for d in found["drives"]] == [1 if n == damaged_drive else 0 for n in range(1, 7)]
    assert all(d["records"] == 3 and d["bytes"] > 0 for d in found["drives"])
    status = firn.status_when(lambda s: s["repair"]["extents_repaired"] == 1)
    assert (below(status), drive_of(status, damaged_drive)["damaged_records"]) == (0, 1)
    assert firn.json("scrub")["damaged"] == 0
    own.stop()
    for place in {0, 1, 2} - {damaged_drive - 1}:  # Two others: without the repair one shard too many would be gone.
        lose(own, place)
    check_reads(own.start(), bodies)


def test_only_one_scrub_runs_and_a_stop_ends_it(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    slow = firn.start("scrub", "--rate", "1")
    said = firn.run("scrub")
    while said.returncode == 0:  # It was quicker than the slow one's start, and may have been in that one's way.
        if slow.poll() is not None:
            slow.communicate()
            slow = firn.start("scrub", "--rate", "1")
        said = firn.run("scrub")
    assert "running already" in said.stderr
    assert own.stop() == 0
    assert slow.wait(30) == 1
    slow.communicate()


def test_verify_finds_nothing_in_a_sound_cluster(own, firn, rng):
    put(own, objects(rng, LARGE, "abc") | objects(rng, SMALL, "xy"))
    verified = firn.json("verify")
    assert verified["problems"] == 0
    assert (verified["metadata"]["objects"], verified["extents"]["checked"]) == (5, 3)
    assert verified["extents"]["bytes"] == 3 * LARGE
    assert firn.text("verify").endswith("Sound.\n")


def test_verify_finds_a_damaged_shard_and_it_is_repaired(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    damage(own, [4])
    verified = firn.json("verify", code=3)
    assert (verified["problems"], verified["extents"]["damaged"], verified["extents"]["unreadable"]) == (1, 1, 0)
    assert "shards 4 bad" in verified["extents"]["details"][0]
    firn.status_when(lambda s: s["repair"]["extents_repaired"] == 1 and below(s) == 0)
    assert firn.json("verify")["problems"] == 0


def test_verify_finds_an_object_whose_data_is_gone(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    damage(own, [0, 2, 5])
    verified = firn.json("verify", code=3)
    assert (verified["extents"]["damaged"], verified["extents"]["unreadable"]) == (0, 1)
    shown = firn.run("verify")
    assert shown.returncode == 3 and "1 unreadable" in shown.stdout and "shards 0 2 5 bad" in shown.stdout
    assert below(firn.json("status")) == 1


# fsck


def lose_records(server, shards):
    """These shards of one extent are not found again: their headers are damaged, and so were their drives' indexes."""
    server.stop()
    extent = min(record.extent for drive in server.drives for record in records_of(drive))
    for drive in server.drives:
        for record in records_of(drive):
            if record.extent == extent and record.shard in shards:
                flip(record.path, record.regions()["magic"])
                shutil.rmtree(drive / "index")
    server.start()


def test_fsck_finds_nothing_in_a_sound_cluster(own, firn, rng):
    put(own, objects(rng, LARGE, "abc") | objects(rng, SMALL, "xy"))
    checked = firn.json("fsck")
    assert (checked["problems"], checked["extents"], checked["records"]) == (0, 3, 18)
    assert (checked["orphaned"]["records"], checked["unchecked_drives"]) == (0, [])
    assert firn.text("fsck").endswith("Sound.\n")


def test_fsck_finds_a_record_that_a_drive_has_lost_and_it_is_rebuilt(own, firn, rng):
    bodies = put(own, objects(rng, LARGE, "abc"))
    lose_records(own, [1])
    checked = firn.json("fsck", code=3)
    assert (checked["missing"], checked["unreadable"]["extents"]) == ({"extents": 1, "records": 1}, 0)
    assert "lacks shard 1" in checked["details"][0]
    firn.status_when(lambda s: s["repair"]["extents_repaired"] == 1 and below(s) == 0)
    assert firn.json("fsck")["problems"] == 0
    check_reads(own, bodies)


def test_fsck_finds_an_object_of_which_too_little_is_left(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    lose_records(own, [0, 2, 5])
    checked = firn.json("fsck", code=3)
    assert (checked["missing"], checked["unreadable"]["extents"]) == ({"extents": 1, "records": 3}, 1)
    shown = firn.run("fsck")
    assert shown.returncode == 3 and "is unreadable" in shown.stdout


def test_fsck_names_the_drives_it_could_not_compare(own, firn, rng):
    put(own, objects(rng, LARGE, "abc"))
    own.stop()
    lose(own, 3)
    own.start()
    checked = firn.json("fsck")
    assert (checked["problems"], checked["unchecked_drives"]) == (0, [4])


def test_verify_puts_a_damaged_copy_of_the_metadata_right(own, firn, rng):
    put(own, objects(rng, SMALL, "abcdefgh"))
    own.stop()  # A clean stop leaves the state in tables.
    own.start()
    repaired = 0
    while repaired == 0:  # A table may be replaced by a newer one while it is being damaged.
        table = max((own.drives[2] / "meta" / "state").glob("*.sst"))
        flip(table, table.stat().st_size // 3)
        assert firn.json("verify")["problems"] == 0
        repaired = firn.json("status")["metadata"]["copies_repaired"]
    verified = firn.json("verify")
    assert (verified["problems"], verified["metadata"]["copies_repaired"]) == (0, 0)
    assert own.stop() == 0
    tables = [{t.name: t.read_bytes() for t in (own.drives[i] / "meta" / "state").glob("*.sst")} for i in range(3)]
    assert tables[0] and tables[0] == tables[1] == tables[2]


# usage


def test_usage_counts_what_the_buckets_hold(own, firn, rng):
    s3 = own.client()
    put(own, objects(rng, LARGE, "abc"), "first")
    put(own, objects(rng, SMALL, "ab"), "first-too")
    s3.put_object(Bucket="first", Key="a", Body=b"shorter")
    s3.delete_object(Bucket="first", Key="b")
    s3.create_multipart_upload(Bucket="first-too", Key="u")
    first = {"bucket": "first", "objects": 2, "bytes": LARGE + 7, "uploads": 0}
    second = {"bucket": "first-too", "objects": 2, "bytes": 2 * SMALL, "uploads": 1}
    assert firn.json("usage") == {"buckets": [first, second], "objects": 4, "bytes": LARGE + 7 + 2 * SMALL}
    assert firn.json("usage", "first") == {"buckets": [first], "objects": 2, "bytes": LARGE + 7}
    shown = firn.text("usage").splitlines()
    assert [line.split()[0] for line in shown] == ["BUCKET", "first", "first-too", "total"]
    assert str(LARGE + 7) in shown[1]
    assert "NoSuchBucket" in firn.refused("usage", "firs")


# metadata backup and restore


def restore(server, file, *flags):
    """Restores to the drives of a stopped server. The ended process."""
    return subprocess.run([find_binary("firn"), "metadata", "restore", str(file), "--drives", *map(str, server.drives), *flags],
                          capture_output=True, text=True, timeout=60, cwd=server.root)


def remove_metadata(server):
    for drive in server.drives:
        shutil.rmtree(drive / "meta")


@pytest.fixture
def backed_up(own, firn, rng):
    """A stopped server, what was in it when its backup was made, and the backup. Two objects were written later."""
    bodies = put(own, objects(rng, LARGE, "abc") | objects(rng, SMALL, "xy") | {"big": rng.randbytes(9_000_000)})
    file = own.root / "backup.firn"
    assert firn.json("metadata", "backup", "backup.firn") == {"file": str(file), "bytes": file.stat().st_size}
    assert file.stat().st_mode & 0o777 == 0o600, "it holds the root credential and small objects"
    assert "is there already" in firn.refused("metadata", "backup", file)
    put(own, {"later": rng.randbytes(LARGE)})
    # The drives get to know a newer epoch of their set than the backup has, and one is not the one that it names.
    lose(own, 2)
    put(own, {"later still": rng.randbytes(LARGE)})
    firn.status_when(lambda s: drive_of(s, 3)["state"] == "out")
    own.drives[2].mkdir()
    firn.text("replace-drive", "3")
    firn.status_when(lambda s: drive_of(s, 3)["state"] == "in" and below(s) == 0)
    assert own.stop() == 0
    return own, bodies, file


def test_a_restored_cluster_reads_all_and_takes_writes(backed_up, firn, rng):
    own, bodies, file = backed_up
    remove_metadata(own)
    done = restore(own, file)
    assert done.returncode == 0 and "on 6 drives again" in done.stdout, done
    own.start()
    check_reads(own, bodies)
    assert sorted(e["Key"] for e in own.client().list_objects_v2(Bucket="bkt")["Contents"]) == sorted(bodies)
    put(own, {"new": rng.randbytes(LARGE)})
    firn.status_when(lambda s: below(s) == 0)
    assert firn.json("verify")["problems"] == 0
    assert own.stop() == 0

    # Once more from the same backup: what was written in between is on the drives, and must not be met again.
    remove_metadata(own)
    assert restore(own, file, "--json").returncode == 0
    own.start()
    bodies |= put(own, {"newer": rng.randbytes(LARGE)})
    firn.status_when(lambda s: below(s) == 0)
    assert firn.json("verify")["problems"] == 0
    own.stop()
    for place in (1, 4):
        lose(own, place)
    check_reads(own.start(), bodies)


def test_a_restore_to_empty_drives_has_the_names_and_the_small_objects(backed_up, make_server):
    own, bodies, file = backed_up
    fresh = make_server("fresh")
    done = restore(fresh, file, "--json")
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["drives_without_data"] == 6
    s3 = fresh.start().client()
    assert sorted(e["Key"] for e in s3.list_objects_v2(Bucket="bkt")["Contents"]) == sorted(bodies)
    check_reads(fresh, {key: body for key, body in bodies.items() if len(body) == SMALL})
    assert fresh.wire().get("/bkt/a").status >= 500, "its data was on the other drives"
    assert Firn(fresh).json("verify", code=3)["extents"]["unreadable"] == 4
    assert below(Firn(fresh).json("status")) == 4


def test_a_restore_replaces_nothing(backed_up, make_server, tmp_path):
    own, bodies, file = backed_up
    assert "holds metadata" in restore(own, file).stderr
    check_reads(own.start(), bodies)
    assert "holds metadata" in restore(own, file).stderr, "nor while it runs"
    assert own.stop() == 0

    remove_metadata(own)
    other = make_server("other").start()
    other.stop()
    remove_metadata(other)
    assert "is one of cluster" in restore(other, file).stderr
    short = tmp_path / "short.firn"
    short.write_bytes(file.read_bytes()[:-5_000])
    assert "no sound backup" in restore(own, short).stderr
    assert "no sound backup" in restore(own, tmp_path / "nowhere").stderr
    spare = own.drives.pop()
    assert "a restore needs all of them" in restore(own, file).stderr
    own.drives.append(spare)
    assert not any((drive / "meta").exists() for drive in own.drives)
    assert restore(own, file).returncode == 0
    check_reads(own.start(), bodies)


# who may ask


def test_requests_without_the_root_signature_are_refused(server):
    wire = server.wire()
    requests = [("GET", "status"), ("GET", "usage"), ("POST", "jobs/scrub"), ("GET", "jobs/scrub"), ("POST", "jobs/verify"),
                ("POST", "jobs/backup"), ("POST", "drives/1/take"), ("GET", "nothing")]
    for method, path in requests:
        answer = wire.request(method, ADMIN + path, sign=False)
        assert (answer.status, answer.code) == (403, "AccessDenied"), path

        def tamper(headers):
            headers["authorization"] = headers["authorization"][:-1] + ("1" if headers["authorization"][-1] == "0" else "0")
        answer = wire.request(method, ADMIN + path, prepare=tamper)
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), path
    signed_for_another = wire.presigned("GET", ADMIN + "usage").replace("usage", "status", 1)
    assert wire.send("GET", signed_for_another, {"host": wire.host}).code == "SignatureDoesNotMatch"
    assert json.loads(wire.get(ADMIN + "jobs/scrub").body)["state"] == "never", "nothing of it was done"
    assert json.loads(wire.get(ADMIN + "jobs/verify").body)["state"] == "never"

    wrong_secret = Firn(server, {"FIRN_ROOT_USER": server.access_key, "FIRN_ROOT_PASSWORD": "not-the-secret"})
    assert wrong_secret.refused("status").startswith("SignatureDoesNotMatch: ")
    stranger = Firn(server, {"FIRN_ROOT_USER": "stranger", "FIRN_ROOT_PASSWORD": server.secret_key})
    assert stranger.refused("scrub").startswith("InvalidAccessKeyId: ")


def test_requests_that_do_not_exist_are_refused(server):
    wire = server.wire()
    for method, path in [("GET", ""), ("GET", "nothing"), ("PUT", "status"), ("POST", "jobs/nothing"), ("POST", "drives/1/nothing")]:
        assert wire.request(method, ADMIN + path).status == 501, path
    for path in ["drives/x/take", "drives/0/take", "drives/70000/take", "jobs/backup", "jobs/scrub?bytes-per-second=fast"]:
        path, _, query = path.partition("?")
        answer = wire.post(ADMIN + path, query=[tuple(query.split("="))] if query else [])
        assert (answer.status, answer.code) == (400, "InvalidArgument"), path


# finding the server


def test_the_credential_is_found_beside_the_data(make_server):
    server = make_server(credentials=None).start()
    firn = Firn(server, environment={})
    assert "FIRN_ROOT_PASSWORD" in firn.refused("status", code=2)
    assert firn.json("status", "--data", server.root)["write_quorum"]
    assert firn.json("status", "--drives", *server.drives)["write_quorum"]


def test_without_an_endpoint_the_server_of_the_same_settings_is_asked(server):
    environment = {"FIRN_LISTEN": f"127.0.0.1:{server.port}", "FIRN_ROOT_USER": server.access_key,
                   "FIRN_ROOT_PASSWORD": server.secret_key}
    done = subprocess.run([find_binary("firn"), "status"], capture_output=True, text=True, timeout=30, env=environment)
    assert (done.returncode, "6 of 6 in" in done.stdout) == (0, True), done


def test_a_server_that_does_not_answer_is_named(make_server):
    never_started = make_server()
    assert Firn(never_started).refused("status") == f"no answer from {never_started.endpoint}: Connection refused"


def test_https_needs_a_certificate_that_is_trusted(make_server, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    server = make_server(flags=["--tls-cert", str(cert), "--tls-key", str(key)], scheme="https", ca_file=cert).start()
    firn = Firn(server)
    assert firn.json("status")["write_quorum"]
    server.ca_file = None
    assert "certificate verify failed" in firn.refused("status")
