"""A network for the nodes of a cluster: each in a namespace of its own, joined by a bridge on which the tests sit.

What is done to it holds between nodes. Clients, which are on the bridge itself, reach every node at any time.
"""

import itertools
import os
import subprocess
import uuid

# Set aside for tests of networks (RFC 2544): no machine has addresses of it.
SUBNETS = [f"198.{second}.{third}" for second in (18, 19) for third in range(256)]
BRIDGE_HOST = 254


class Unavailable(Exception):
    """This machine can't do it; says what was tried and how it failed."""


def run(*argv):
    try:
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True)
    except OSError as failure:
        raise Unavailable(f"{argv[0]}: {failure}") from failure
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, argv))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def used_subnets():
    return {line.split()[3].rsplit(".", 1)[0] for line in run("ip", "-4", "-o", "address").splitlines()}


class Network:
    """Hosts 1 to `count`. Everything that was cut stays so until `heal`."""

    def __init__(self, count):
        self.name = f"fn{uuid.uuid4().hex[:7]}"  # Interfaces have at most 15 letters.
        self.hosts = range(1, count + 1)
        self.made = []
        try:
            self.make()
        except Unavailable:
            self.close()
            raise

    def make(self):
        taken = used_subnets()
        start = os.getpid() % len(SUBNETS)
        self.subnet = next(each for each in itertools.islice(itertools.cycle(SUBNETS), start, None) if each not in taken)
        run("ip", "link", "add", self.name, "type", "bridge")
        self.made.append(("ip", "link", "delete", self.name))
        run("ip", "address", "add", f"{self.subnet}.{BRIDGE_HOST}/24", "dev", self.name)
        run("ip", "link", "set", self.name, "up")
        for host in self.hosts:
            self.make_host(host)

    def make_host(self, host):
        space, outer = self.space(host), f"{self.name}-{host}"
        run("ip", "netns", "add", space)
        self.made.append(("ip", "netns", "delete", space))
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "set", outer, "master", self.name, "up")
        self.inside(host, "ip", "link", "set", "lo", "up")
        self.inside(host, "ip", "address", "add", f"{self.address(host)}/24", "dev", "eth0")
        self.inside(host, "ip", "link", "set", "eth0", "up")
        self.rule(host, "-L")  # Fails here where there is no packet filter.

    def space(self, host):
        return f"{self.name}-{host}"

    def address(self, host):
        return f"{self.subnet}.{host}"

    def command(self, host, argv):
        """As it is run there. The process is the command's own."""
        return ["nsenter", f"--net=/run/netns/{self.space(host)}", "--", *argv]

    def inside(self, host, *argv):
        return run(*self.command(host, argv))

    def rule(self, host, *words):
        self.inside(host, "iptables-legacy", "-w", *words)

    def cut_way(self, source, target):
        """What `source` sends does not arrive at `target`; the other way all is well."""
        self.rule(target, "-A", "INPUT", "-s", self.address(source), "-j", "DROP")

    def cut(self, one, other):
        self.cut_way(one, other)
        self.cut_way(other, one)

    def part(self, some):
        """`some` hosts see each other, and the others see each other, and that is all."""
        for one in some:
            for other in self.hosts:
                if other not in some:
                    self.cut(one, other)

    def lose(self, host, share):
        """Of what other hosts send to it."""
        for other in self.hosts:
            if other != host:
                self.rule(host, "-A", "INPUT", "-s", self.address(other), "-m", "statistic", "--mode", "random",
                          "--probability", share, "-j", "DROP")

    def heal(self):
        for host in self.hosts:
            self.rule(host, "-F")

    def close(self):
        for argv in reversed(self.made):
            subprocess.run(argv, capture_output=True)
        self.made = []
