"""Several firnd processes on this machine that form one cluster."""

import pathlib
import random
import socket
import time

from harness.server import ACCESS_KEY, PORTS, SECRET_KEY, DidNotStart, FirnServer

CLUSTER_KEY = "firn-test-cluster-key"
# Below each other: S3's ports, then metadata's, then those of shards.
METADATA_OFFSET, SHARD_OFFSET = 20, 40


def free_ports(count):
    """The first of so many neighbouring ports that are free, and free at the offsets too."""
    for _ in range(1000):
        first = random.SystemRandom().choice(PORTS[: -SHARD_OFFSET - count])
        wanted = [first + offset + i for offset in (0, METADATA_OFFSET, SHARD_OFFSET) for i in range(count)]
        if all(is_free(port) for port in wanted):
            return first
    raise RuntimeError("no free ports")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


class Node(FirnServer):
    """One process of a cluster; `number` counts from 1."""

    def __init__(self, root, number, nodes, first_port, drives, flags=(), environment=None):
        paths = [pathlib.Path(root) / f"drive{i}" for i in range(1, drives + 1)]
        ports = f"{{{first_port}...{first_port + nodes - 1}}}"
        super().__init__(root, drives=paths, environment={"FIRN_CLUSTER_KEY": CLUSTER_KEY} | (environment or {}),
                         flags=["--nodes", f"http://127.0.0.1:{ports}", "--metadata-port-offset", str(METADATA_OFFSET),
                                "--shard-port-offset", str(SHARD_OFFSET), *flags])
        self.number = number
        self.port = first_port + number - 1


class Cluster:
    """Nodes with two drives each by default. All are told the same; each finds itself by the port it listens on."""

    def __init__(self, root, nodes=4, drives=2, flags=()):
        first = free_ports(nodes)
        self.nodes = [Node(pathlib.Path(root) / f"node{n}", n, nodes, first, drives, flags) for n in range(1, nodes + 1)]
        self.access_key, self.secret_key = ACCESS_KEY, SECRET_KEY

    def start(self, seconds=60):
        """All at once; returns when every node answers S3 clients and every drive is in."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready(seconds)
        self.wait_until(lambda: self.drives_in() == sum(len(node.drives) for node in self.nodes), seconds)
        return self

    def living(self):
        return [node for node in self.nodes if node.is_running()]

    def drives_in(self):
        return sum(drive["state"] == "in" for drive in self.living()[0].status()["drives"])

    def leader(self):
        """The node that leads the metadata, as the others see it; waits until there is one."""
        found = []

        def look():
            rows = [row for node in self.living() for row in node.status()["nodes"] if row["leads"]]
            found[:] = [self.nodes[row["node"] - 1] for row in rows if self.nodes[row["node"] - 1].is_running()]
            return bool(found)

        self.wait_until(look, 30)
        return found[0]

    def wait_until_whole(self, seconds=60):
        """Until all drives are in and no object is short of a shard."""
        count = sum(len(node.drives) for node in self.nodes)
        self.wait_until(lambda: self.drives_in() == count and self.living()[0].below_full_redundancy() == 0, seconds)

    def wait_until(self, holds, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds():
                    return
            except (AssertionError, OSError) as failure:  # A node that is busy with an election answers 503.
                if time.monotonic() > deadline:
                    raise failure
            if time.monotonic() > deadline:
                tails = "\n".join(f"node {node.number}:\n{node.log_tail(15)}" for node in self.nodes)
                raise DidNotStart(f"the cluster did not get there within {seconds} s\n{tails}")
            time.sleep(0.1)

    def stop(self):
        """All at once; their exit codes."""
        for node in self.nodes:
            node.ask_to_stop()
        return [node.stop() for node in self.nodes]

    def kill(self):
        for node in self.nodes:
            node.kill()
