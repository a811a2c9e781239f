"""Conditional puts, completes and deletes on few keys, from many clients at once, are linearizable; kill -9 included."""

import pathlib
import subprocess
import time

import pytest

from harness.conditional_clients import Clients

CHECKER = pathlib.Path(__file__).parent / "linearizability"
WRITES, WRITES_FULL = 10_000, 100_000
KILLS, KILLS_FULL = 2, 10


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    """The Go program that decides, built with porcupine at the version that its go.sum names."""
    program = tmp_path_factory.mktemp("linearizability") / "check"
    subprocess.run(["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(program), "."], cwd=CHECKER, check=True)
    return program


def verdict(checker, clients, path):
    clients.write(path)
    return subprocess.run([str(checker), str(path)], capture_output=True, text=True).stdout.strip()


@pytest.mark.faults
def test_conditional_requests_are_linearizable(make_server, checker, tmp_path, seed, full):
    server = make_server().start()
    server.client().create_bucket(Bucket="conditions")
    clients = Clients(server, "conditions", seed)
    writes, kills = (WRITES_FULL, KILLS_FULL) if full else (WRITES, KILLS)

    def kill_now_and_then():
        for number in range(1, kills + 1):
            while clients.conditional_writes < writes * number // (kills + 1):
                if clients.finished():
                    return
                time.sleep(0.02)
            clients.kill_and_restart()

    began = time.monotonic()
    clients.run(writes, kill_now_and_then)
    spent = time.monotonic() - began
    outcome = verdict(checker, clients, tmp_path / "history.jsonl")
    print(f"seed {seed}: {clients.conditional_writes} conditional writes of {len(clients.notes)} requests in {spent:.0f} s, "
          f"{kills} kills, {clients.statuses}: {outcome}")
    assert outcome == "Ok"
    # A history without refusals, or without successes, would prove little.
    for answer in ("put 200", "put 412", "put 404", "delete 204", "delete 412", "read 200", "read 304", "read 404"):
        assert clients.statuses.get(answer, 0) > writes / 1000, answer


def test_the_checker_finds_a_history_that_no_order_explains(checker, tmp_path):
    """Two puts of one key, each on the condition that nothing is there, and both succeed."""
    history = tmp_path / "history.jsonl"
    put = '{{"key":"k","client":{n},"call":{n},"return":{end},"kind":"put","unless":"*","new":"tag{n}","status":200}}\n'
    for ends, expected in (((10, 11), "Illegal"), ((10,), "Ok")):
        history.write_text("".join(put.format(n=n, end=end) for n, end in enumerate(ends, 1)))
        assert subprocess.run([str(checker), str(history)], capture_output=True, text=True).stdout.strip() == expected
