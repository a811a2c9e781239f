#!/usr/bin/env python3
"""Cuts the power of all six drives at once while clients write, and counts what was acknowledged and then lost.

  tests/fault/powercut.py --model cache --fs xfs --rounds 20

Every second cut comes after all clients fell silent, so that no later flush hides one that was missing; after it no shard
of what was acknowledged may be missing or damaged, for two could be without a reader's noticing. After each cut every key
ever written is read back and the listing compared. A rig proves nothing until it has failed: run it once on a build
with a sync left out. Needs root, loop devices, xfsprogs or e2fsprogs; for the cache model nbdkit and libnbd-bin.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.failing_drives import POWER_MODELS, DriveSet, Unavailable  # noqa: E402
from harness.load import Load  # noqa: E402
from harness.server import FirnServer  # noqa: E402

# Between the last answer and a silent cut: longer than any request, shorter than any background flush.
SILENCE_SECONDS = 0.3


@dataclass
class Outcome:
    cuts: int = 0
    acknowledged: int = 0
    wrong: list = field(default_factory=list)
    slowest_start_seconds: float = 0.0


def cut_power(root, model, file_system, rounds, seed, seconds=3.0, say=print):
    """Runs the rig in the directory `root`. Raises Unavailable where the machine can't."""
    drives = DriveSet(root, model, file_system)
    server = FirnServer(pathlib.Path(root) / "server", drives=drives.directories)
    outcome = Outcome()
    try:
        server.start()
        server.client().create_bucket(Bucket="power-cut")
        load = Load(server, "power-cut", seed)
        for number in range(1, rounds + 1):
            silent = number % 2 == 0
            one_cut(server, drives, load, silent, seconds)
            began = time.monotonic()
            server.start()
            outcome.slowest_start_seconds = max(outcome.slowest_start_seconds, time.monotonic() - began)
            s3 = server.client()
            damage = verified_damage(server) if silent else []  # First of all: reads would have it repaired.
            wrong = load.history.verify(s3, "power-cut")
            wrong += [(key, "listing and reading differ") for key in load.history.verify_listing(s3, "power-cut")]
            for key, _ in wrong:
                load.history.states.pop(key, None)
            outcome.cuts, outcome.acknowledged = number, load.history.acknowledged
            wrong += damage
            outcome.wrong += wrong
            say(f"{model} {file_system} cut {number}: {outcome.acknowledged} acknowledged so far, {len(wrong)} wrong {wrong[:3]}")
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="log", choices=POWER_MODELS)
    parser.add_argument("--fs", default="xfs", choices=["xfs", "ext4"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of writing before each cut")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="firn-powercut-") as root:
        try:
            outcome = cut_power(root, asked.model, asked.fs, asked.rounds, asked.seed, asked.seconds)
        except Unavailable as cause:
            sys.exit(f"not possible here: {cause}")
    print(f"{asked.model} {asked.fs} seed {asked.seed}: {outcome.cuts} cuts, {outcome.acknowledged} acknowledged, "
          f"{len(outcome.wrong)} lost, changed or resurrected, slowest start {outcome.slowest_start_seconds:.2f} s")
    sys.exit(1 if outcome.wrong or not outcome.acknowledged else 0)


if __name__ == "__main__":
    main()
