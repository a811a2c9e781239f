"""A cluster under load while faults befall it, and the judgement of what its clients saw."""

import collections
import pathlib
import signal
import subprocess
import time

from harness.cluster_clients import ClusterLoad, ContendedClients
from harness.server_errors import ServerErrors

CHECKER = pathlib.Path(__file__).parents[1] / "fault" / "linearizability"
BUCKET = "trial"


def build_checker(folder):
    """The Go program that decides, built with porcupine at the version that its go.sum names."""
    program = folder / "check"
    subprocess.run(["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(program), "."], cwd=CHECKER, check=True)
    return program


class Trial:
    """Contended conditional requests and listings, and beside them a mixed load, from `start` to `judge`."""

    def __init__(self, cluster, checker, folder, seed, large=False):
        self.cluster, self.checker, self.folder, self.seed = cluster, checker, folder, seed
        cluster.nodes[0].client().create_bucket(Bucket=BUCKET)
        self.errors = ServerErrors()
        self.load = ClusterLoad(cluster, BUCKET, seed, self.errors, large=large)
        self.contended = ContendedClients(cluster, BUCKET, seed, self.errors)

    def start(self):
        self.load.start()
        self.contended.start()
        return self

    def progress(self):
        """How many changes were acknowledged: of the mixed load, and of contended keys."""
        statuses = dict(self.contended.statuses)
        return self.load.history.acknowledged, sum(n for label, n in statuses.items() if label.endswith((" 200", " 204")))

    def wait_for_more(self, more, seconds=60):
        before, deadline = self.progress(), time.monotonic() + seconds
        while any(now < then + more for now, then in zip(self.progress(), before)):
            assert time.monotonic() < deadline, f"seed {self.seed}: no more is acknowledged: {before} {self.progress()}"
            self.look()
            time.sleep(0.05)

    def look(self):
        """Fails as soon as there is something that must not be."""
        assert not self.faults(), f"seed {self.seed}: {self.faults()}"
        for node in self.cluster.nodes:
            ended = None if node.process is None else node.process.poll()
            assert ended in (None, 0, -signal.SIGKILL), f"seed {self.seed}: node {node.number} ended by itself with {ended}"

    def faults(self):
        return [*self.load.faults, *self.contended.faults]

    def end(self):
        self.contended.stopping.set()
        self.load.stop()
        self.contended.stop()

    def abandon(self):
        self.contended.stopping.set()
        self.load.abandon()
        self.contended.abandon()

    def judge(self, seconds=120):
        """Once all faults are over: the cluster gets whole by itself, and nothing that was answered is contradicted."""
        self.wait_for_more(10, seconds)
        self.end()
        self.cluster.wait_until_whole(seconds)
        self.look()
        assert len(self.cluster.living()) == len(self.cluster.nodes), f"seed {self.seed}"
        path = self.folder / "history.jsonl"
        self.contended.write(path)
        verdict = subprocess.run([str(self.checker), str(path)], capture_output=True, text=True).stdout.strip()
        assert verdict == "Ok", f"seed {self.seed}: {len(self.contended.notes)} requests are {verdict}: {path}"
        for node in self.cluster.nodes:
            s3 = node.client(retries=3)
            wrong = self.load.history.verify(s3, BUCKET)
            assert wrong == [], f"seed {self.seed}: on node {node.number}"
            wrong = self.load.history.verify_listing(s3, BUCKET, prefix="c")
            unexplained = [key for key in wrong if key.startswith(tuple(f"c{n}/" for n in range(self.load.clients)))]
            assert unexplained == [], f"seed {self.seed}: on node {node.number}"
        return self.summary(verdict)

    def summary(self, verdict):
        counts = dict(collections.Counter(self.load.history.counts))
        return (f"seed {self.seed}: {len(self.contended.notes)} requests {verdict}, {self.contended.statuses}; "
                f"{len(self.errors.found)} server errors other than 503; mixed load {self.load.history.acknowledged} acknowledged {counts}")
