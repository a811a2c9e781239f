"""Several firnd processes on this machine that form one cluster."""

import pathlib
import random
import signal
import socket
import time

from harness.network import Network, Unavailable
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


class Places:
    """Where the nodes listen: on this machine's own address, one port after another."""

    def __init__(self, nodes, room=None, first=None):
        self.first = first or free_ports(room or nodes)
        self.list = f"http://127.0.0.1:{{{self.first}...{self.first + nodes - 1}}}"
        self.flags = ["--metadata-port-offset", str(METADATA_OFFSET), "--shard-port-offset", str(SHARD_OFFSET)]

    def with_nodes(self, nodes):
        return Places(nodes, first=self.first)

    def of(self, number):
        return "127.0.0.1", self.first + number - 1

    def command(self, _, argv):
        return argv


class NetworkPlaces:
    """The same in a network: an address for each node, and the ports that operators have."""

    flags = []

    def __init__(self, network, nodes):
        self.network = network
        self.list = f"http://{network.subnet}.{{1...{nodes}}}:9000"

    def of(self, number):
        return self.network.address(number), 9000

    def command(self, number, argv):
        return self.network.command(number, argv)


class Node(FirnServer):
    """One process of a cluster; `number` counts from 1."""

    def __init__(self, root, number, places, drives, flags=(), authority=None):
        paths = drives if isinstance(drives, list) else [pathlib.Path(root) / f"drive{i}" for i in range(1, drives + 1)]
        super().__init__(root, drives=paths, environment={"FIRN_CLUSTER_KEY": CLUSTER_KEY},
                         scheme="https" if authority else "http", ca_file=authority and authority.file,
                         flags=["--nodes", places.list, *places.flags, *flags])
        self.number, self.places = number, places
        self.host, self.port = places.of(number)
        self.frozen = False
        self.clock_offset = 0  # Seconds ahead of everybody else's.
        if authority:
            self.flags += tls_flags(authority, f"node-{number}")

    def command(self):
        return self.places.command(self.number, super().command())

    def full_environment(self):
        return super().full_environment() | (skewed_clock(self.clock_offset) if self.clock_offset else {})

    def freeze(self):
        """Not a word until `thaw`, and yet its connections stand."""
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        if self.frozen and self.is_running():
            self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def kill(self):
        super().kill()
        self.frozen = False


def tls_flags(authority, name):
    """A node with a certificate of its own, which S3 clients and other nodes are shown."""
    certificate, key = authority.issue(name)
    return ["--tls-cert", str(certificate), "--tls-key", str(key), "--peer-tls-ca", str(authority.file)]


def skewed_clock(seconds):
    """Environment of a process whose wall clock is wrong; time that is measured passes as everywhere."""
    library = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    if library is None:
        raise Unavailable("no libfaketime in /usr/lib")
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1"}


class Cluster:
    """Nodes with two drives each by default. All are told the same; each finds itself by the address it listens on.

    `network`: each in a namespace of its own. `drives`: how many each has, or one list of directories for each. `room`:
    it may grow to so many nodes, where there is no network. `authority`: of certificates, with which they speak TLS to
    clients and to each other.
    """

    def __init__(self, root, nodes=4, drives=2, flags=(), network=False, room=None, authority=None):
        self.root, self.flags, self.drives_each, self.authority = pathlib.Path(root), flags, drives, authority
        self.network = Network(nodes) if network else None
        self.places = NetworkPlaces(self.network, nodes) if network else Places(nodes, room)
        self.nodes = [self.make_node(number, self.places) for number in range(1, nodes + 1)]
        self.access_key, self.secret_key = ACCESS_KEY, SECRET_KEY

    def make_node(self, number, places):
        drives = self.drives_each[number - 1] if isinstance(self.drives_each, list) else self.drives_each
        return Node(self.root / f"node{number}", number, places, drives, self.flags, self.authority)

    def add_node(self):
        """One more, with the list that is longer by it. The others keep theirs."""
        number = len(self.nodes) + 1
        node = self.make_node(number, self.places.with_nodes(number))
        self.nodes.append(node)
        node.launch()
        return node

    def start(self, seconds=60):
        """All at once; returns when every node answers S3 clients and every drive is in."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready(seconds)
        self.wait_until(lambda: self.drives_in() == sum(len(node.drives) for node in self.nodes), seconds)
        return self

    def living(self):
        return [node for node in self.nodes if node.is_running() and not node.frozen]

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

    def close(self):
        """Ends all that the cluster has on this machine but files."""
        self.kill()
        if self.network:
            self.network.close()
