"""Programs that look at manifests, built by Go at pinned versions. Where that can't be, the tests that want them are
skipped with the reason why."""

import functools
import os
import subprocess

import pytest

from harness.server import REPOSITORY

FOLDER = REPOSITORY / "build" / "deploy-tools"
MODULES = {"helm": "helm.sh/helm/v3/cmd/helm@v3.18.6",
           "kube-score": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0"}
# The first build fetches and compiles what the clients of Kubernetes are made of: some minutes, once.
BUILD_SECONDS = 420


@functools.lru_cache
def attempt(name):
    """The program, and why there is none."""
    program = FOLDER / name / MODULES[name].rsplit("@", 1)[1] / name
    if not program.exists():
        # One package at a time: their memory adds up.
        environment = os.environ | {"GOBIN": str(program.parent), "GOFLAGS": "-p=1", "GOPATH": str(FOLDER / "go"),
                                    "GOCACHE": str(FOLDER / "cache")}
        try:
            built = subprocess.run(["nice", "go", "install", MODULES[name]], env=environment, capture_output=True,
                                   text=True, timeout=BUILD_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as failure:
            return None, str(failure)
        if built.returncode != 0:
            return None, " ".join(built.stderr.split())[-300:]
    return program, None


def tool(name):
    program, why_not = attempt(name)
    if program is None:
        pytest.skip(f"go install {MODULES[name]}: {why_not}")
    return str(program)
