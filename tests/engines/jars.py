"""Jars by Maven coordinates, fetched once into a cache folder by Maven's own client."""

import os
import pathlib
import subprocess

CACHE = pathlib.Path(os.environ.get("FIRN_JAR_CACHE", pathlib.Path.home() / ".cache" / "firn" / "jars"))

SPARK = [
    "org.apache.hadoop:hadoop-aws:3.3.4",
    "com.amazonaws:aws-java-sdk-bundle:1.12.262",
    "org.apache.spark:spark-hadoop-cloud_2.12:3.5.7",
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "org.apache.iceberg:iceberg-aws-bundle:1.10.0",
    "io.delta:delta-spark_2.12:3.3.2",
    "io.delta:delta-storage:3.3.2",
    "com.h2database:h2:2.3.232",
]

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


def fetch(coordinates):
    """Paths of the jars, in order. Raises RuntimeError with what Maven said."""
    CACHE.mkdir(parents=True, exist_ok=True)
    paths = []
    for coordinate in coordinates:
        _, artifact, version = coordinate.split(":")
        path = CACHE / f"{artifact}-{version}.jar"
        if not path.exists():
            done = subprocess.run(["mvn", "-q", "-B", COPY_GOAL, f"-Dartifact={coordinate}", f"-DoutputDirectory={CACHE}",
                                   "-Dmdep.useBaseVersion=true"], capture_output=True, text=True)
            if done.returncode or not path.exists():
                raise RuntimeError(f"{coordinate}: {done.stdout[-1500:]}{done.stderr[-500:]}")
        paths.append(path)
    return paths
