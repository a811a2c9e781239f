"""Spark 3.5: Parquet by both committers, Iceberg by S3FileIO and s3a, Delta by s3a; a million rows each."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

from harness.programs import find_program, run

pytestmark = pytest.mark.engines


HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def jars():
    if importlib.util.find_spec("pyspark") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    from engines import jars as maven
    assert find_program("java"), "there is no Java: ./dev test engines installs it"
    assert find_program("mvn"), "there is no Maven: ./dev test engines installs it"
    return ",".join(str(path) for path in maven.fetch(maven.SPARK))


@pytest.mark.parametrize("job", ["parquet", "magic", "iceberg-s3fileio", "iceberg-s3a", "delta"])
def test_a_spark_job(make_server, jars, tmp_path, job):
    server = make_server().start()
    server.client().create_bucket(Bucket="spark")
    printed = run(server, [sys.executable, HERE / "spark_job.py", job, "spark", jars], tmp_path,
                  environment={"HOME": str(pathlib.Path.home())}, seconds=1200)
    assert "all passed" in printed
    unfinished = server.client().list_multipart_uploads(Bucket="spark").get("Uploads", [])
    assert unfinished == []
