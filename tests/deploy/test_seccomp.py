"""firnd under the system calls that a container, or systemd, lets it make."""

import functools
import json
import pathlib
import platform
import shutil
import subprocess
import sys

import pytest

from harness import seccomp
from harness.server import REPOSITORY, DidNotStart

PROFILE = REPOSITORY / "deploy" / "seccomp" / "firn.json"
UNIT = REPOSITORY / "deploy" / "systemd" / "firnd.service"
IO_URING = ["io_uring_setup", "io_uring_enter", "io_uring_register"]

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64" or not seccomp.NUMBERS.exists(),
                                reason=f"filters are made from {seccomp.NUMBERS}, which is not there")


def confine(server, profile):
    """The server's command under a profile."""
    command = server.command
    server.command = lambda: [sys.executable, seccomp.__file__, str(profile), *command()]
    return server


def use(server, rng):
    body = rng.randbytes(3_000_000)
    s3 = server.client(retries=5)
    s3.create_bucket(Bucket="confined")
    s3.put_object(Bucket="confined", Key="k", Body=body)
    assert s3.get_object(Bucket="confined", Key="k")["Body"].read() == body
    s3.delete_object(Bucket="confined", Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket="confined")


@pytest.mark.parametrize("answer, text", [(1, "Operation not permitted"), (38, "Function not implemented")])
def test_without_io_uring_it_says_what_to_do_and_ends(make_server, tmp_path, answer, text):
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": IO_URING, "action": "SCMP_ACT_ERRNO", "errnoRet": answer}]}))
    server = confine(make_server(), profile)
    with pytest.raises(DidNotStart):
        server.start()
    assert server.process.returncode == 1
    said = server.log_text().splitlines()[-1]
    assert text in said and "deploy/seccomp/firn.json" in said and "kernel.io_uring_disabled" in said


def test_the_containers_profile_has_all_that_one_machine_needs(make_server, rng):
    server = confine(make_server(), PROFILE).start()
    use(server, rng)
    assert server.stop() == 0
    server.start()
    assert server.stop() == 0


def test_the_containers_profile_has_all_that_a_cluster_needs(make_cluster, rng):
    cluster = make_cluster()
    for node in cluster.nodes:
        confine(node, PROFILE)
    cluster.start(120)
    use(cluster.nodes[1], rng)
    cluster.nodes[2].kill()
    cluster.nodes[2].start()
    cluster.wait_until_whole()
    assert cluster.stop() == [0, 0, 0, 0]


def test_the_containers_profile_allows_no_more_than_it_should():
    profile = json.loads(PROFILE.read_text())
    names = {name for rule in profile["syscalls"] for name in rule["names"]}
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert names >= set(IO_URING)
    assert not names & {"bpf", "mount", "umount2", "ptrace", "unshare", "setns", "keyctl", "add_key", "perf_event_open",
                        "kexec_load", "init_module", "finit_module", "reboot", "swapon", "userfaultfd", "pivot_root",
                        "process_vm_readv", "open_by_handle_at", "personality"}


@functools.lru_cache
def in_set(name):
    """What systemd's name for a set of calls stands for."""
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    calls = set()
    for line in lines.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            calls |= in_set(word) if word.startswith("@") else {word}
    return calls


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_units_filter_has_all_that_firnd_needs(make_server, tmp_path, rng):
    allowed = set()
    for line in UNIT.read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.split("=", 1)[1]
            calls = set()
            for word in words.removeprefix("~").split():
                calls |= in_set(word) if word.startswith("@") else {word}
            allowed = allowed - calls if words.startswith("~") else allowed | calls
    assert allowed >= set(IO_URING)
    # What systemd itself allows always, to be able to start anything.
    allowed |= in_set("@default") | {"execve"}
    profile = tmp_path / "unit.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"}]}))
    server = confine(make_server(), pathlib.Path(profile)).start()
    use(server, rng)
    assert server.stop() == 0
