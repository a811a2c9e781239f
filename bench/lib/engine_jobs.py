"""Real engines' jobs: what the server spends on them, and how long they take.

The engines come from the environment that the tests install (`./dev test`, and `./dev test engines` for Spark); what is not
there is left out, and the result says so.
"""

import contextlib
import os
import pathlib
import subprocess
import time

from .measure import measured_load
from .processes import children_cpu_seconds

BENCH = pathlib.Path(__file__).resolve().parents[1]
TESTS = BENCH.parent / "tests"
PYTHON = BENCH.parent / "build/venv/bin/python"

PLAIN_JOBS = {"pyiceberg": "pyiceberg_job.py", "deltalake": "deltalake_job.py"}
SPARK_JOBS = {"spark-iceberg-s3fileio": ("iceberg", "iceberg-s3fileio"), "spark-iceberg-s3a": ("iceberg", "iceberg-s3a"),
              "spark-delta-s3a": ("delta", "delta-s3a")}


class JobError(Exception):
    """An engine failed, or read what it had not written."""


def environment(server, folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    scheme = "https" if server.tls else "http"
    return kept | {"AWS_ENDPOINT_URL": f"{scheme}://{server.address}", "AWS_ACCESS_KEY_ID": server.access,
                   "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_REGION": "us-east-1", "HOME": str(folder)}


def summary(began, client_cpu_s):
    """As the generator's, with the job as the one operation."""
    seconds = time.monotonic() - began
    return {"operation": "job", "operations": 1, "errors": 0, "error": "", "retries": 0, "seconds": seconds, "bytes": 0,
            "verified": 0, "keys": 0, "p50_ms": None, "p99_ms": None, "max_ms": None, "client_cpu_seconds": client_cpu_s}


def run_plain(script, server, bucket, cpus, folder):
    began, cpu_before = time.monotonic(), children_cpu_seconds()
    done = subprocess.run(["taskset", "-c", cpus, str(PYTHON), str(BENCH / "jobs" / script), bucket], cwd=folder,
                          env=environment(server, folder), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise JobError(f"{script} on {server.name}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return summary(began, children_cpu_seconds() - cpu_before)


class Spark:
    """One session for all jobs of a format, so that the start of a virtual machine is not measured."""

    def __init__(self, server, format, jars, cpus, folder):
        self._errors = open(folder / f"spark-{server.name}.err", "wb")
        self._process = subprocess.Popen(
            ["taskset", "-c", cpus, str(PYTHON), str(TESTS / "engines/spark_jobs.py"), format, jars], cwd=folder, text=True,
            env=environment(server, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        self._wait_for("ready")

    def _wait_for(self, word):
        printed = []
        for line in self._process.stdout:
            if line.strip() == word:
                return
            printed.append(line)
            if line.strip() == "failed":
                break
        raise JobError("".join(printed)[-2000:])

    def run(self, job, bucket):
        began = time.monotonic()
        self._process.stdin.write(f"{job} {bucket}\n")
        self._process.stdin.flush()
        self._wait_for("passed")
        return summary(began, 0.0)

    def end(self):
        self._process.stdin.close()
        self._process.wait(120)
        self._errors.close()


def has(module):
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def plain_jobs(bench, cpus, folder):
    """Results by job and server, for the engines that are there."""
    results = {}
    for job, script in PLAIN_JOBS.items():
        if not has(job):
            bench.note(f"engine jobs: {job} is not installed (./dev test installs it)")
            continue
        results[job] = on_all(bench, job, lambda server, bucket, script=script: run_plain(script, server, bucket, cpus, folder))
    return results


def spark_jobs(bench, cpus, folder):
    jars = spark_jars()
    if jars is None:
        bench.note("engine jobs: Spark is not installed (./dev test engines installs it)")
        return {}
    results = {}
    for job, (format, name) in SPARK_JOBS.items():
        with contextlib.ExitStack() as stack:
            sessions = {}
            for server in bench.servers:
                with bench.alone(server):
                    sessions[server.name] = Spark(server, format, jars, cpus, folder)
                    stack.callback(sessions[server.name].end)
            results[job] = on_all(bench, job, lambda server, bucket, name=name: sessions[server.name].run(name, bucket))
            for server in bench.servers:
                server.thaw()  # A session says goodbye to it.
    return results


def spark_jars():
    """The jars that the tests have fetched, separated by commas."""
    found = subprocess.run([str(PYTHON), "-c", "from engines import jars; import pyspark; print(','.join(map(str, map(jars.path_of, jars.SPARK))))"],
                           cwd=TESTS, capture_output=True, text=True, check=False) if PYTHON.exists() else None
    if found is None or found.returncode != 0:
        return None
    names = found.stdout.strip()
    return names if all(pathlib.Path(name).exists() for name in names.split(",")) else None


def on_all(bench, job, run):
    """Interleaved, as the rows are: a bucket of its own for each run."""
    results = {server.name: [] for server in bench.servers}
    for number in range(bench.runs):
        bucket = f"job-{job}-{number}"
        for server in bench.order(number):
            with bench.alone(server):
                bench.generator.must(server, bucket, op="bucket", count=1, conc=1)
                try:
                    result = measured_load(server, lambda: run(server, bucket))
                except JobError as failure:
                    result = {"errors": 1, "error": str(failure)}
            results[server.name].append(result)
            bench.say(job, server.name, number, result)
    return results


def engine_jobs(bench, cpus, folder):
    """Server CPU and wall time of each job, on servers that begin empty."""
    for server in bench.servers:
        server.fresh()
        if len(bench.servers) > 1:
            server.freeze()
    results = plain_jobs(bench, cpus, folder) | spark_jobs(bench, cpus, folder)
    for server in bench.servers:
        server.remove()
    return results
