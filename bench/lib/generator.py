"""Builds and runs the load generator (bench/load)."""

import json
import os
import pathlib
import subprocess

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "load"
# A run that takes longer is given up: the generator starts nothing after `time-max`.
TIME_MAX_S = 900


class LoadError(Exception):
    """The generator itself failed, or its operations did."""


def build(folder):
    """The path of the binary. Static and without the path it was built in, so that its hash means something."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "load"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    subprocess.run(["go", "build", "-trimpath", "-o", str(binary), "."], cwd=SOURCES, env=environment, check=True)
    return binary


def arguments(options):
    """Command line of a dictionary: True is a flag alone, other values follow theirs."""
    line = []
    for name, value in options.items():
        if value is True:
            line.append(f"-{name}")
        elif value is not False and value is not None:
            line += [f"-{name}", str(value)]
    return line


class Generator:
    """Runs the binary on its own core."""

    def __init__(self, binary, cpus):
        self.binary = binary
        self._cpus = cpus

    def run(self, server, bucket, **options):
        """The summary it prints; the caller looks at its errors."""
        options.setdefault("time-max", f"{TIME_MAX_S}s")
        line = ["taskset", "-c", self._cpus, str(self.binary), "-endpoint", server.address, "-bucket", bucket]
        if server.tls:
            line.append("-tls")
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": server.access, "AWS_SECRET_ACCESS_KEY": server.secret}
        done = subprocess.run(line + arguments(options), env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LoadError(done.stderr.strip())
        return json.loads(done.stdout)

    def must(self, server, bucket, **options):
        """For what is not measured: an error ends the bench."""
        summary = self.run(server, bucket, **options)
        if summary["errors"]:
            raise LoadError(f"{server.name}: {options['op']}: {summary['errors']} errors, the first: {summary['error']}")
        return summary
