#!/usr/bin/env python3
"""Cuts the power of nodes of a cluster while clients write, and counts what was acknowledged and then lost.

  tests/cluster/powercut.py --model cache --fs xfs --rounds 20

Every third cut is that of all nodes at once, every second of those after all clients fell silent; the others are of one
node, while clients go on through the rest. After each cut every key ever written is read back and the listing compared.
Needs what tests/fault/powercut.py needs.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.cluster import Cluster  # noqa: E402
from harness.cluster_clients import ClusterLoad  # noqa: E402
from harness.failing_drives import POWER_MODELS, DriveSet, Unavailable  # noqa: E402

BUCKET = "power-cut"
NODES, DRIVES_EACH = 4, 2
# Between the last answer and a silent cut: longer than any request, shorter than any background flush.
SILENCE_SECONDS = 0.3


@dataclass
class Outcome:
    cuts_of_all: int = 0
    cuts_of_one: int = 0
    acknowledged: int = 0
    wrong: list = field(default_factory=list)


class Rig:
    def __init__(self, root, model, file_system, seed):
        self.drives = DriveSet(root, model, file_system, count=NODES * DRIVES_EACH)
        self.of_node = [self.drives.drives[n * DRIVES_EACH:(n + 1) * DRIVES_EACH] for n in range(NODES)]
        self.cluster = Cluster(pathlib.Path(root) / "cluster", NODES,
                               [[drive.directory for drive in drives] for drives in self.of_node])
        self.rng = random.Random(f"{seed}/power")
        self.outcome = Outcome()

    def start(self, seed):
        self.cluster.start()
        self.cluster.nodes[0].client().create_bucket(Bucket=BUCKET)
        self.load = ClusterLoad(self.cluster, BUCKET, seed, large=True)

    def cut(self, nodes):
        """Their drives forget, all at the same moment, and their processes end; then power is back."""
        drives = [drive for node in nodes for drive in self.of_node[node.number - 1]]
        self.drives.cut(drives)
        for node in nodes:
            node.kill()
        return drives

    def power_on(self, nodes, drives):
        self.drives.detach(drives)
        self.drives.attach(drives)
        for node in nodes:
            node.launch()
        for node in nodes:
            node.await_ready(120)

    def cut_all(self, seconds, silent):
        self.load.start()
        time.sleep(seconds)
        if silent:
            self.load.stop()
            time.sleep(SILENCE_SECONDS)
        drives = self.cut(self.cluster.nodes)
        self.load.stop()
        self.power_on(self.cluster.nodes, drives)
        self.outcome.cuts_of_all += 1

    def cut_one(self, seconds):
        node = self.rng.choice(self.cluster.nodes)
        self.load.start()
        time.sleep(seconds)
        drives = self.cut([node])
        self.load.wait_until_answered(10)
        self.power_on([node], drives)
        self.load.wait_until_answered(10)
        self.load.stop()
        self.outcome.cuts_of_one += 1

    def judge(self):
        """Every key as each node gives it, once the cluster is whole."""
        self.cluster.wait_until_whole(180)
        wrong = []
        history = self.load.history
        for node in self.rng.sample(self.cluster.nodes, 2):
            s3 = node.client(retries=3)
            wrong += history.verify(s3, BUCKET)
            wrong += [(key, "listing and reading differ") for key in history.verify_listing(s3, BUCKET)]
        for key, _ in wrong:
            history.states.pop(key, None)
        self.outcome.wrong += wrong
        self.outcome.acknowledged = history.acknowledged
        return wrong

    def close(self):
        self.cluster.close()
        self.drives.close()
        self.drives.remove()


def cut_power(root, model, file_system, rounds, seed, seconds=3.0, say=print):
    """Runs the rig in the directory `root`. Raises Unavailable where the machine can't."""
    rig = Rig(root, model, file_system, seed)
    try:
        rig.start(seed)
        for number in range(rounds):
            if number % 3 == 0:
                rig.cut_all(seconds, silent=number % 2 == 1)
            else:
                rig.cut_one(seconds)
            wrong = rig.judge()
            say(f"{model} {file_system} cut {number + 1}: {rig.outcome.acknowledged} acknowledged so far, "
                f"{len(wrong)} wrong {wrong[:3]}", flush=True)
    finally:
        rig.close()
    return rig.outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="log", choices=POWER_MODELS)
    parser.add_argument("--fs", default="xfs", choices=["xfs", "ext4"])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3.0, help="of writing before each cut")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="firn-powercut-") as root:
        try:
            outcome = cut_power(root, asked.model, asked.fs, asked.rounds, asked.seed, asked.seconds)
        except Unavailable as cause:
            sys.exit(f"not possible here: {cause}")
    print(f"{asked.model} {asked.fs} seed {asked.seed}: {outcome.cuts_of_all} cuts of all nodes, {outcome.cuts_of_one} of one, "
          f"{outcome.acknowledged} acknowledged, {len(outcome.wrong)} lost, changed or resurrected")
    sys.exit(1 if outcome.wrong or not outcome.acknowledged else 0)


if __name__ == "__main__":
    main()
