"""Jars by Maven coordinates, fetched once into a folder below build/ by Maven's own client."""

import os
import pathlib
import subprocess

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
CACHE = pathlib.Path(os.environ.get("FIRN_MAVEN_CACHE", BUILD / "maven"))

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

GET_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get"
TRIES = 3  # A mirror may fail once.


def fetch(coordinates):
    """Paths of the jars, in order. Raises RuntimeError with what Maven said."""
    return [path_of(coordinate) if path_of(coordinate).exists() else download(coordinate) for coordinate in coordinates]


def path_of(coordinate):
    group, artifact, version = coordinate.split(":")
    return CACHE.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def download(coordinate):
    for _ in range(TRIES):
        done = subprocess.run(["mvn", "-q", "-B", GET_GOAL, f"-Dartifact={coordinate}", "-Dtransitive=false",
                               f"-Dmaven.repo.local={CACHE}"], capture_output=True, text=True)
        if done.returncode == 0 and path_of(coordinate).exists():
            return path_of(coordinate)
    raise RuntimeError(f"{coordinate}: {done.stdout[-1500:]}{done.stderr[-500:]}")
