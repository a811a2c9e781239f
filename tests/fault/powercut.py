#!/usr/bin/env python3
"""Cuts the power of all six drives at once while clients write, and counts what was acknowledged and then lost.

  tests/fault/powercut.py --model cache --fs xfs --rounds 20

Every second cut comes after all clients fell silent, so that no later flush hides one that was missing; after it no shard
of what was acknowledged may be missing or damaged, for two could be without a reader's noticing. After each cut every key
ever written is read back and the listing compared. A rig proves nothing until it has failed: run it once on a build
with a sync left out. Needs root, loop devices, xfsprogs or e2fsprogs; for the cache model nbdkit and libnbd-bin.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.failing_drives import DriveSet  # noqa: E402
from harness.load import Load  # noqa: E402
from harness.power_cuts import BUCKET, SILENCE_SECONDS, Outcome, run_by_hand  # noqa: E402
from harness.server import FirnServer  # noqa: E402


def cut_power(root, plan):
    drives = DriveSet(root, plan.model, plan.file_system)
    server = FirnServer(pathlib.Path(root) / "server", drives=drives.directories)
    outcome = Outcome()
    try:
        server.start()
        server.client().create_bucket(Bucket=BUCKET)
        load = Load(server, BUCKET, plan.seed)
        for number in range(1, plan.rounds + 1):
            silent = number % 2 == 0
            one_cut(server, drives, load, silent, plan.seconds)
            began = time.monotonic()
            server.start()
            outcome.started_in(time.monotonic() - began)
            outcome.cuts["all drives"] += 1
            damage = verified_damage(server) if silent else []  # First of all: reads would have it repaired.
            outcome.judge(load.history, [server.client()], damage)
    finally:
        server.kill()
        drives.close()
        drives.remove()
    return outcome


def verified_damage(server):
    found = server.run_job("verify")
    return [("verify", f"{found['extents']} {found['metadata']}")] if found["problems"] else []


def one_cut(server, drives, load, silent, seconds):
    load.start()
    time.sleep(seconds)
    if silent:
        load.stop()
        time.sleep(SILENCE_SECONDS)
    drives.cut()
    server.kill()
    load.join()
    drives.detach()
    drives.attach()


if __name__ == "__main__":
    run_by_hand(cut_power, __doc__, rounds=5)
