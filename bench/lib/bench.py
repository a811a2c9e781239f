"""Runs rows on all servers, interleaved."""

import contextlib

from . import workloads
from .generator import LoadError
from .measure import measured, wait_until_quiet


class Bench:
    """The servers, the generator and how often. `servers[0]` is the one that others are compared with."""

    def __init__(self, servers, generator, runs, scale, say):
        self.servers = servers
        self.generator = generator
        self.runs = runs
        self.scale = scale
        self.say = say
        self.notes = []  # What the reader of the result must know.

    def note(self, text):
        self.notes.append(text)

    @contextlib.contextmanager
    def alone(self, server):
        """The others that are ours do not run meanwhile."""
        server.thaw()
        wait_until_quiet(server)
        try:
            yield server
        finally:
            if len(self.servers) > 1:
                server.freeze()

    def order(self, run):
        """Every other run goes backwards, so that a drift of the machine favours nobody."""
        return self.servers if run % 2 == 0 else self.servers[::-1]

    def start_family(self, bucket):
        for server in self.servers:
            server.fresh()
            self.generator.must(server, bucket, op="bucket", count=1, conc=1)
            if len(self.servers) > 1:
                server.freeze()

    def restart(self, uncached):
        for server in self.servers:
            if server.owned:
                server.stop()
                server.start(uncached)
                if len(self.servers) > 1:
                    server.freeze()

    def options(self, row, server, run):
        return workloads.options_of(row, run, server.quick, self.scale, self.runs)

    def run_family(self, name, rows, keep):
        """Measures the rows and hands each result to `keep(row name, runs by server)`."""
        bucket = f"bench-{name}"
        self.start_family(bucket)
        self.load_datasets(bucket, rows)
        for row in rows:
            keep(row.name, self.run_row(bucket, row))
        cold = [row for row in rows if row.cold]
        if cold:
            self.restart(uncached=True)
            for row in cold:
                keep(row.name + "-cold", self.run_cold(bucket, row))
        for server in self.servers:
            server.remove()

    def load_datasets(self, bucket, rows):
        datasets = dict.fromkeys(row.dataset for row in rows if not row.writes)
        for server in self.servers:
            with self.alone(server):
                for dataset in datasets:
                    self.generator.must(server, bucket, **dataset.load_options(), seed=workloads.DATASET_SEED)

    def run_row(self, bucket, row):
        for server in self.servers:
            warm = workloads.warm_up(row, self.options(row, server, 0))
            if warm:
                with self.alone(server):
                    self.generator.must(server, bucket, **warm)
        results = {server.name: [] for server in self.servers}
        for run in range(self.runs):
            for server in self.order(run):
                options = self.options(row, server, run)
                result = self.measure(server, bucket, options)
                check_keys(result, workloads.expected_keys(row, options))
                results[server.name].append(result)
                self.say(row.name, server.name, run, result)
        self.read_back(bucket, row)
        return results

    def run_cold(self, bucket, row):
        results = {server.name: [] for server in self.servers}
        for run in range(self.runs):
            for server in self.order(run):
                server.drives.drop_caches()
                result = self.measure(server, bucket, workloads.cold_options(self.options(row, server, run)))
                results[server.name].append(result)
                self.say(row.name + "-cold", server.name, run, result)
        return results

    def measure(self, server, bucket, options):
        with self.alone(server):
            return measured(server, self.generator, bucket, options)

    def read_back(self, bucket, row):
        """What the last run wrote is what was sent: else the figures are worth nothing."""
        for server in self.servers:
            reads = workloads.read_back(row, self.options(row, server, self.runs - 1))
            if not reads:
                continue
            with self.alone(server):
                summary = self.generator.must(server, bucket, **reads)
            if summary["verified"] != reads["count"] * reads["size"]:
                raise LoadError(f"{server.name}: {row.name}: only {summary['verified']} bytes could be verified")


def check_keys(result, expected):
    """A listing that misses keys is an error like a failed request."""
    if expected is not None and result["keys"] != expected and not result["errors"]:
        result["errors"] += 1
        result["error"] = f"{result['keys']} keys, expected {expected}"
