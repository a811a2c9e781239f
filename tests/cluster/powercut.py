#!/usr/bin/env python3
"""Cuts the power of nodes of a cluster while clients write, and counts what was acknowledged and then lost.

  tests/cluster/powercut.py --model cache --fs xfs --rounds 20

Every third cut is that of all nodes at once, every second of those after all clients fell silent; the others are of one
node, while clients go on through the rest. After each cut every key ever written is read back and the listing compared.
Needs what tests/fault/powercut.py needs.
"""

import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.cluster import Cluster  # noqa: E402
from harness.cluster_clients import ClusterLoad  # noqa: E402
from harness.failing_drives import DriveSet  # noqa: E402
from harness.power_cuts import BUCKET, SILENCE_SECONDS, Outcome, run_by_hand  # noqa: E402
from harness.server_errors import ServerErrors  # noqa: E402

NODES, DRIVES_EACH = 4, 2


class Rig:
    def __init__(self, root, plan):
        self.plan = plan
        self.drives = DriveSet(root, plan.model, plan.file_system, count=NODES * DRIVES_EACH)
        self.of_node = [self.drives.drives[n * DRIVES_EACH:(n + 1) * DRIVES_EACH] for n in range(NODES)]
        self.cluster = Cluster(pathlib.Path(root) / "cluster", NODES,
                               [[drive.directory for drive in drives] for drives in self.of_node])
        self.load = ClusterLoad(self.cluster, BUCKET, plan.seed, ServerErrors(), large=True)
        self.rng = random.Random(f"{plan.seed}/power")
        self.outcome = Outcome()

    def start(self):
        self.cluster.start()
        self.cluster.nodes[0].client().create_bucket(Bucket=BUCKET)

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
        began = time.monotonic()
        for node in nodes:
            node.launch()
        for node in nodes:
            node.await_ready(120)
        self.outcome.started_in(time.monotonic() - began)

    def cut_all(self, silent):
        self.load.start()
        time.sleep(self.plan.seconds)
        if silent:
            self.load.stop()
            time.sleep(SILENCE_SECONDS)
        drives = self.cut(self.cluster.nodes)
        self.load.stop()
        self.power_on(self.cluster.nodes, drives)
        self.outcome.cuts["all nodes"] += 1

    def cut_one(self):
        node = self.rng.choice(self.cluster.nodes)
        self.load.start()
        time.sleep(self.plan.seconds)
        drives = self.cut([node])
        self.load.wait_until_answered(10)
        self.power_on([node], drives)
        self.load.wait_until_answered(10)
        self.load.stop()
        self.outcome.cuts["one node"] += 1

    def judge(self):
        """As two nodes see it, once the cluster is whole."""
        self.cluster.wait_until_whole(180)
        self.outcome.judge(self.load.history, [node.client(retries=3) for node in self.rng.sample(self.cluster.nodes, 2)])

    def close(self):
        self.load.abandon()
        self.cluster.close()
        self.drives.close()
        self.drives.remove()


def cut_power(root, plan):
    rig = Rig(root, plan)
    try:
        rig.start()
        for number in range(plan.rounds):
            if number % 3 == 0:
                rig.cut_all(silent=number % 2 == 1)
            else:
                rig.cut_one()
            rig.judge()
    finally:
        rig.close()
    return rig.outcome


if __name__ == "__main__":
    run_by_hand(cut_power, __doc__, rounds=6)
