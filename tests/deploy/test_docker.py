"""The image and the composition, as far as they can be looked at without a container engine."""

import os
import re
import subprocess

import pytest
import yaml

from harness.server import REPOSITORY, find_binary

FOLDER = REPOSITORY / "deploy" / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
SECRETS = {"FIRN_ROOT_USER": "firn-test-root", "FIRN_ROOT_PASSWORD": "firn-test-secret",
           "FIRN_CLUSTER_KEY": "0123456789abcdef"}


def instructions(stage):
    """Of one stage, as (name, rest); lines that go on are joined."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#")))
    stages = re.split(r"(?m)^(?=FROM )", joined)[1:]
    return [tuple(line.split(None, 1)) for line in stages[stage].splitlines() if line.strip()]


def test_the_image_runs_as_nobody_in_particular():
    final = instructions(-1)
    assert ("USER", "10001:10001") in final
    assert dict(final)["ENTRYPOINT"] == '["/usr/bin/firnd"]'
    assert dict(final)["STOPSIGNAL"] == "SIGTERM"
    assert len(instructions(0)) > 3 and dict(instructions(0))["FROM"].endswith("AS build"), "compilers stay behind"
    bases = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert all(":" in base and not base.endswith(":latest") for base in bases)


def test_what_is_copied_is_there():
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().split()
    for path in ("dev", "deploy/packages.txt", "deploy/docker/runtime-packages.sh", "CMakeLists.txt", "LICENSE"):
        assert (REPOSITORY / path).exists()
        assert path in DOCKERFILE or path in ("dev", "CMakeLists.txt", "LICENSE") or "dev build" in DOCKERFILE
        assert not any(path == each or path.startswith(each + "/") for each in ignored), f"{path} would be missing"


def test_the_packages_of_the_libraries_are_found():
    if not os.path.exists("/etc/debian_version"):
        pytest.skip("this is not Debian")
    programs = [str(find_binary("firnd")), str(find_binary("firn"))]
    done = subprocess.run([FOLDER / "runtime-packages.sh", *programs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    packages = done.stdout.split()
    assert {"libc6", "liburing2"} <= set(packages) or {"libc6", "libssl3"} <= set(packages)
    assert [each for each in packages if each.endswith("-dev")] == []


def composition():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def test_the_composition_makes_one_cluster():
    services = composition()["services"]
    given = {name: each["environment"] for name, each in services.items()}
    assert len({str(each) for each in given.values()}) == 1, "all are told the same"
    assert all(each["hostname"] == name for name, each in services.items()), "a node finds itself by its name"
    settings = {name: SECRETS.get(name, value) for name, value in next(iter(given.values())).items()}
    known = subprocess.run([find_binary(), "--help"], capture_output=True, text=True, check=True).stdout
    assert [name for name in settings if name not in known] == []
    assert settings["FIRN_NODES"] == f"http://firn-{{1...{len(services)}}}:9000"
    refused = subprocess.run([find_binary(), "--node-id", str(len(services) + 1)], capture_output=True, text=True,
                             env={"PATH": os.environ["PATH"]} | settings)
    assert (refused.returncode, f"between 1 and {len(services)}" in refused.stderr) == (2, True)


def test_the_composition_confines_its_containers():
    for service in composition()["services"].values():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["user"] == "10001:10001"
        (profile,) = [each.split("=", 1)[1] for each in service["security_opt"] if each.startswith("seccomp=")]
        assert (FOLDER / profile).resolve() == REPOSITORY / "deploy" / "seccomp" / "firn.json"


def test_docker_compose_understands_it():
    try:
        usable = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True)
    except OSError as failure:
        pytest.skip(f"docker compose: {failure}")
    if usable.returncode != 0:
        pytest.skip(f"docker compose: {' '.join(usable.stderr.split())[:200]}")
    done = subprocess.run(["docker", "compose", "-f", FOLDER / "compose.yaml", "config", "--quiet"], capture_output=True,
                          text=True, env=dict(os.environ) | SECRETS)
    assert done.returncode == 0, done.stderr
