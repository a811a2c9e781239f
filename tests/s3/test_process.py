"""firnd as a process: how it starts, what it refuses, how it stops, and who knows its secret."""

import os
import pty
import re
import select
import shutil
import stat
import subprocess
import time

import pytest

from harness.server import DidNotStart, FirnServer, find_binary


def refusal(server):
    with pytest.raises(DidNotStart) as failure:
        server.start()
    assert server.process.returncode not in (0, -6, -11), "a refusal is no crash"
    return str(failure.value)


def test_the_first_start_makes_drives_and_the_next_finds_them(make_server):
    server = make_server().start()
    server.client().create_bucket(Bucket="kept")
    assert all((drive / "firn.drive").exists() for drive in server.drives)
    assert server.stop() == 0
    server.start()
    assert [b["Name"] for b in server.client().list_buckets()["Buckets"]] == ["kept"]


def test_nothing_is_kept_outside_the_drives(make_server, tmp_path):
    server = make_server(credentials=None).start()
    server.stop()
    assert {p.name for p in server.root.iterdir()} == {p.name for p in server.drives} | {server.log_path.name}


def test_without_credentials_a_pair_is_minted_into_a_file(make_server):
    server = make_server(credentials=None).start()
    path = server.drives[0] / "root-credentials"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in server.log_text()
    pair = dict(line.split("=", 1) for line in path.read_text().split())
    assert pair["AWS_SECRET_ACCESS_KEY"] not in server.log_text()
    assert len(pair["AWS_SECRET_ACCESS_KEY"]) >= 40
    server.access_key, server.secret_key = pair["AWS_ACCESS_KEY_ID"], pair["AWS_SECRET_ACCESS_KEY"]
    server.client().create_bucket(Bucket="mine")
    server.access_key = None  # The next start is given none either, and finds the stored pair.
    server.stop()
    server.start()
    server.access_key = pair["AWS_ACCESS_KEY_ID"]
    assert server.client().list_buckets()["Buckets"]


def test_on_a_terminal_the_secret_is_shown_once_and_written_nowhere(make_server):
    server = make_server(credentials=None)
    shown = run_on_terminal(server)
    secret = re.search(r"AWS_SECRET_ACCESS_KEY=(\S{40,})", shown).group(1)
    assert not (server.drives[0] / "root-credentials").exists()
    assert f"--endpoint-url {server.endpoint}" in shown
    assert secret not in run_on_terminal(server), "shown again"


def run_on_terminal(server):
    """Starts the server with a terminal, waits until it is ready, stops it; returns what it printed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(server.command(), stdout=slave, stderr=subprocess.DEVNULL, stdin=slave, env=server.full_environment())
    os.close(slave)
    printed, deadline, ready = b"", time.monotonic() + 30, False
    while time.monotonic() < deadline and not (ready and b"s3 ls" in printed):
        if select.select([master], [], [], 0.05)[0]:
            printed += os.read(master, 65_536)
        ready = ready or server.health("/firn/health/ready") == 200
    process.terminate()
    assert process.wait(30) == 0
    os.close(master)
    return printed.decode()


def test_given_credentials_replace_the_stored_pair(make_server):
    server = make_server().start()
    server.client().create_bucket(Bucket="bkt")
    old = server.wire()
    server.stop()
    server.access_key, server.secret_key = "another-root", "another-secret-key"
    server.start()
    assert server.wire().get("/").status == 200
    assert old.get("/").code == "InvalidAccessKeyId"
    server.stop()
    server.access_key = None
    server.start()
    server.access_key = "another-root"
    assert server.wire().get("/").status == 200, "the pair of the last start was not stored"


def test_minios_variables_are_understood(make_server, tmp_path):
    server = make_server(credentials=None, environment={
        "MINIO_ROOT_USER": "moved-user", "MINIO_ROOT_PASSWORD": "moved-password", "MINIO_REGION": "eu-moved-1",
        "MINIO_VOLUMES": str(tmp_path / "data" / "moved{1...6}")})
    server.command = lambda: [str(find_binary()), "--listen", f"127.0.0.1:{server.port}"]
    server.start()
    assert (tmp_path / "data" / "moved6" / "firn.drive").exists()
    server.access_key, server.secret_key = "moved-user", "moved-password"
    wire = server.wire()
    assert wire.put("/bkt").status == 200
    assert wire.head("/bkt").headers["x-amz-bucket-region"] == "eu-moved-1"


@pytest.mark.parametrize("user, password", [("minioadmin", "minioadmin"), ("ab", "long-enough"), ("user", "short")])
def test_weak_and_well_known_credentials_are_refused(make_server, user, password):
    server = make_server(credentials=(user, password))
    said = refusal(server)
    assert "PASSWORD" in said or "USER" in said
    assert not any(drive.exists() for drive in server.drives), "refused, and yet drives were made"


def test_a_foreign_directory_is_refused_and_not_touched(make_server):
    server = make_server()
    server.drives[2].mkdir()
    (server.drives[2] / "holiday.jpg").write_bytes(b"precious")
    assert "holds something else" in refusal(server)
    assert [p.name for p in server.drives[2].iterdir()] == ["holiday.jpg"]
    assert not server.drives[0].exists()


def test_drives_of_another_cluster_are_refused(make_server):
    one, two = make_server("one").start(), make_server("two").start()
    one.stop()
    two.stop()
    shutil.rmtree(one.drives[3])
    shutil.copytree(two.drives[3], one.drives[3])
    assert "different clusters" in refusal(one)


def test_a_copied_drive_is_refused(make_server):
    server = make_server().start()
    server.stop()
    shutil.rmtree(server.drives[3])
    shutil.copytree(server.drives[2], server.drives[3])
    assert "both stand for drive 3" in refusal(server)


def test_one_process_has_the_drives(make_server):
    first = make_server().start()
    second = FirnServer(first.root / "second", drives=first.drives)
    assert "in use by another process" in refusal(second)
    assert first.wire().get("/").status == 200


def test_a_port_in_use_is_said_to_be_in_use(make_server):
    first = make_server("one").start()
    second = make_server("two")
    second.port = first.port
    # The first server answers the readiness probe, so only the second one's own end tells.
    process = subprocess.run(second.command(), capture_output=True, text=True, timeout=30, env=second.full_environment())
    assert process.returncode != 0
    assert str(first.port) in process.stderr


def test_the_shape_is_fixed_at_the_first_start(make_server):
    server = make_server(flags=["--erasure", "3+3"]).start()
    server.stop()
    server.flags = ["--erasure", "4+2"]
    assert "3+3, which is fixed" in refusal(server)
    server.flags = []
    server.start()


def test_fewer_drives_need_a_shape(make_server, tmp_path):
    server = make_server(drives=[tmp_path / "data" / f"d{i}" for i in range(4)])
    assert "--erasure" in refusal(server)
    server.flags = ["--erasure", "2+2"]
    s3 = server.start().client()
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"x" * 3_000_000)
    server.stop()
    for drive in server.drives[1:3]:
        shutil.rmtree(drive)
    assert server.start().client().get_object(Bucket="bkt", Key="k")["Body"].read() == b"x" * 3_000_000


@pytest.mark.parametrize("flags, message", [
    (["--data", "x"], "exclude each other"), (["--nonsense"], "--nonsense"), (["--erasure", "9"], "K+M"),
    (["--config", "/nowhere.yaml"], "/nowhere.yaml"), (["--log-level", "loud"], "loud")])
def test_mistakes_on_the_command_line_are_explained(make_server, flags, message):
    server = make_server(flags=flags)
    assert message in refusal(server)
    assert server.process.returncode == 2


def test_a_file_of_settings_is_read(make_server, tmp_path):
    (tmp_path / "firn.yaml").write_text(f"drives: ['{tmp_path}/data/y{{1...6}}']\nregion: eu-file-1\n")
    server = make_server(flags=["--config", str(tmp_path / "firn.yaml")])
    server.command = lambda: [str(find_binary()), "--listen", f"127.0.0.1:{server.port}", *server.flags]
    wire = server.start().wire()
    wire.put("/bkt")
    assert wire.head("/bkt").headers["x-amz-bucket-region"] == "eu-file-1"


def test_help_and_version_start_nothing(tmp_path):
    for flag, expected in (("--help", "--erasure K+M"), ("--version", "firnd ")):
        done = subprocess.run([find_binary(), flag], capture_output=True, text=True, cwd=tmp_path, timeout=10)
        assert (done.returncode, expected in done.stdout, list(tmp_path.iterdir())) == (0, True, [])


def test_an_upload_under_way_may_finish_after_sigterm(make_server):
    server = make_server().start()
    wire = server.wire()
    wire.put("/bkt")
    with wire.socket() as connection:
        headers = {"host": wire.host, "content-length": "100000"}
        wire.signer.authorize("PUT", "/bkt/last", [], headers, "UNSIGNED-PAYLOAD")
        connection.sendall(("PUT /bkt/last HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "Expect: 100-continue\r\n\r\n").encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 "), "the server has begun to read the body"
        connection.sendall(b"x" * 50_000)
        server.process.terminate()
        time.sleep(0.3)
        connection.sendall(b"x" * 50_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(30) == 0
    assert server.start().wire().get("/bkt/last").body == b"x" * 100_000


def test_an_empty_directory_becomes_the_drive_that_was_there(make_server):
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"x" * 3_000_000)
    server.stop()
    shutil.rmtree(server.drives[4])
    server.drives[4].mkdir()
    s3 = server.start().client()
    assert (server.drives[4] / "firn.drive").exists()
    assert s3.get_object(Bucket="bkt", Key="k")["Body"].read() == b"x" * 3_000_000
    s3.put_object(Bucket="bkt", Key="new", Body=b"y" * 3_000_000)


def test_a_missing_directory_is_not_made_again(make_server):
    server = make_server().start()
    server.stop()
    shutil.rmtree(server.drives[4])
    server.start()
    assert not server.drives[4].exists()


def test_more_drives_missing_than_parity_covers_is_refused(make_server):
    server = make_server().start()
    server.stop()
    for drive in server.drives[:3]:
        drive.rename(drive.with_name(drive.name + "-away"))
    assert "3 of 6 drives are missing" in refusal(server)
    for drive in server.drives[:3]:
        drive.with_name(drive.name + "-away").rename(drive)
    server.start()


def test_drives_that_lost_their_metadata_are_not_taken_for_new_ones(make_server):
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="k", Body=b"x" * 300_000)
    server.stop()
    for drive in server.drives:
        shutil.rmtree(drive / "meta")
    with pytest.raises(DidNotStart, match="none holds metadata"):
        server.start()


def test_a_drive_whose_files_are_removed_is_put_out_before_the_next_answer(make_server):
    server = make_server(environment={"FIRN_BODY_CACHE": "0"}).start()
    s3 = server.client()
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="before", Body=b"a" * 300_000)
    shutil.rmtree(server.drives[4])
    s3.put_object(Bucket="kept", Key="after", Body=b"b" * 300_000)
    server.kill()
    server.drives[1].rename(server.drives[1].with_name("away"))  # Two losses in all: no shard may have gone astray.
    server.start()
    assert server.client().get_object(Bucket="kept", Key="before")["Body"].read() == b"a" * 300_000
    assert server.client().get_object(Bucket="kept", Key="after")["Body"].read() == b"b" * 300_000
