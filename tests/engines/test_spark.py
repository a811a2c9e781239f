"""Spark 3.5: Parquet by both committers, Iceberg by S3FileIO and s3a, Delta by s3a; a million rows each."""

import importlib.util
import pathlib
import subprocess
import sys
import time

import pytest

from harness.programs import client_environment, find_program
from harness.server import FirnServer

pytestmark = pytest.mark.engines

HERE = pathlib.Path(__file__).parent
ROWS, APPENDED = 1_000_000, 100_000  # As in spark_jobs.py.
APPEND_SECONDS_MAX = 300  # Far more than a machine at work on other things needs.


class Spark:
    """The process of spark_jobs.py."""

    def __init__(self, server, format, jars, folder):
        self.errors = folder / "spark.err"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([sys.executable, str(HERE / "spark_jobs.py"), format, jars], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder,
                                            env=client_environment(server, folder))
        self.finish(("ready",))

    def begin(self, job, bucket):
        self.process.stdin.write(f"{job} {bucket}\n")
        self.process.stdin.flush()

    def finish(self, words=("passed", "failed")):
        """How the job came out, and what it printed before."""
        printed = []
        for line in self.process.stdout:
            if line.strip() in words:
                return line.strip(), printed
            printed.append(line.rstrip())
        raise AssertionError(f"Spark ended: {printed}\n{self.errors.read_text(errors='replace')[-4000:]}")

    def run(self, job, bucket):
        self.begin(job, bucket)
        outcome, printed = self.finish()
        assert outcome == "passed", "\n".join(printed[-60:]) + self.errors.read_text(errors="replace")[-2000:]
        return printed

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def jars():
    if importlib.util.find_spec("pyspark") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    from engines import jars as maven
    assert find_program("java"), "there is no Java: ./dev test engines installs it"
    assert find_program("mvn"), "there is no Maven: ./dev test engines installs it"
    return ",".join(str(path) for path in maven.fetch(maven.SPARK))


@pytest.fixture(scope="module")
def lake(request, tmp_path_factory):
    """A server that the jobs share."""
    server = FirnServer(tmp_path_factory.mktemp("lake"))
    request.session.servers = [*getattr(request.session, "servers", []), server]
    server.start()
    yield server
    assert server.stop() == 0, server.log_tail()
    for drive in server.drives:
        subprocess.run(["rm", "-rf", drive], check=True)


@pytest.fixture(scope="module")
def spark(lake, jars, tmp_path_factory):
    """With Iceberg's extensions."""
    started = Spark(lake, "iceberg", jars, tmp_path_factory.mktemp("spark"))
    yield started
    started.end()


def finds_what_it_wrote(lake, spark, job):
    lake.client().create_bucket(Bucket=job)
    assert len(spark.run(job, job)) >= 3
    assert lake.client().list_multipart_uploads(Bucket=job).get("Uploads", []) == [], "uploads were left"
    assert " error " not in lake.log_text(), lake.log_tail()


@pytest.mark.parametrize("job", ["parquet-rename", "parquet-magic", "iceberg-s3fileio", "iceberg-s3a"])
def test_a_job_finds_what_it_wrote(lake, spark, job):
    finds_what_it_wrote(lake, spark, job)


def test_a_delta_table_holds_what_was_written(lake, jars, tmp_path):
    spark = Spark(lake, "delta", jars, tmp_path)
    finds_what_it_wrote(lake, spark, "delta-s3a")
    spark.end()


def test_a_table_survives_the_kill_of_its_server(lake, spark):
    s3 = lake.client(retries=5)
    s3.create_bucket(Bucket="survivor")
    assert spark.run("survivor-make", "survivor") == [f"rows: {ROWS}"]
    lake.restart()
    assert spark.run("survivor-read", "survivor") == [f"rows: {ROWS}"]

    there = data_files(s3)
    spark.begin("survivor-append", "survivor")
    assert there, "the table is not where it was looked for"
    deadline = time.monotonic() + APPEND_SECONDS_MAX
    while data_files(s3) == there:
        assert spark.process.poll() is None and time.monotonic() < deadline, "nothing was appended"
    lake.restart()
    outcome, _ = spark.finish()
    allowed = {"passed": [ROWS + APPENDED], "failed": [ROWS, ROWS + APPENDED]}[outcome]
    assert spark.run("survivor-read", "survivor") in [[f"rows: {count}"] for count in allowed]


def data_files(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="survivor", Prefix="warehouse/db/survivor/data/")
    return {found["Key"] for page in pages for found in page.get("Contents", [])}
