"""Fixtures of every Python test. A test that fails leaves its server's log in the report; its drives only with --keep."""

import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.cluster import Cluster  # noqa: E402
from harness.server import FirnServer, find_binary  # noqa: E402

GB = 10**9
# What a test with four nodes takes beside the server that tests share: 15 GB were seen, most of it preallocated segments.
TESTS_BYTES = 18 * GB
# As volume/server/local_drive.cpp has them.
DRIVE_RESERVE_PERCENT = 2
DRIVE_RESERVE_BYTES_MIN = 256 << 20

# Signatures and endpoints must come from the tests alone.
for name in [n for n in os.environ if n.startswith("AWS_")]:
    del os.environ[name]


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="fault tests at their full counts")
    parser.addoption("--fault-seconds", type=int, help="how long faults befall a cluster at random: 45, with --full 1200")
    parser.addoption("--keep", action="store_true", help="leave the drives of failed tests on disk: gigabytes each")
    parser.addoption("--seed", type=int, help="repeat a run: every random choice follows from it")
    parser.addoption("--engines", action="store_true", help="also the tests that need a Java machine and downloads")


def pytest_configure(config):
    config.seed = config.getoption("--seed") or int(time.time())
    config.addinivalue_line("markers", "engines: needs Java or programs in Go, and downloads; run by ./dev test engines")
    config.addinivalue_line("markers", "faults: has a longer form, run by ./dev test faults")
    config.addinivalue_line("markers", "faults_only: has no shorter form; not collected without --full")


def pytest_sessionstart(session):
    """Too little space is said once, not by every test that is told InsufficientStorage."""
    base = pathlib.Path(session.config.getoption("--basetemp") or tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    space = shutil.disk_usage(base)
    kept = max(space.total // 100 * DRIVE_RESERVE_PERCENT, DRIVE_RESERVE_BYTES_MIN)
    if space.free < kept + TESTS_BYTES:
        pytest.exit(
            f"{base} has {space.free / GB:.1f} GB free; the tests need {TESTS_BYTES / GB:.0f} GB beside the {kept / GB:.1f} GB"
            " that firnd leaves of a file system of this size: make room, or name another place with --basetemp",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )


def pytest_report_header(config):
    return [f"firnd: {find_binary()}", f"seed: {config.seed}"]


def pytest_terminal_summary(terminalreporter, config):
    """Said of every run, quiet ones included: with it a run can be repeated."""
    terminalreporter.write_line(f"seed: --seed {config.seed}")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--full"):
        longer = [item for item in items if "faults_only" in item.keywords]
        items[:] = [item for item in items if item not in longer]
        config.hook.pytest_deselected(items=longer)
    if config.getoption("--engines"):
        return
    skip = pytest.mark.skip(reason="only with --engines (./dev test engines)")
    for item in items:
        if "engines" in item.keywords:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    item.failed = getattr(item, "failed", False) or report.failed
    if not report.failed:
        return
    report.sections.append(("seed", f"--seed {item.config.seed}"))
    for server in getattr(item, "servers", []) + getattr(item.session, "servers", []):
        report.sections.append((f"log of {server.log_path}", server.log_tail()))


@pytest.fixture
def seed(request):
    return request.config.seed


@pytest.fixture
def rng(request):
    """Randomness of this test alone: the same for the same seed, whatever ran before."""
    return random.Random(f"{request.config.seed}/{request.node.nodeid}")


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--full")


@pytest.fixture
def make_server(request, tmp_path):
    """Makes servers that end with the test, and their drives with them."""
    request.node.servers = made = []

    def make(name="data", **options):
        server = FirnServer(options.pop("root", tmp_path / name), **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()
        if not (request.config.getoption("--keep") and getattr(request.node, "failed", False)):
            shutil.rmtree(server.root, ignore_errors=True)
            for drive in server.drives:
                shutil.rmtree(drive, ignore_errors=True)


@pytest.fixture
def make_cluster(request, tmp_path):
    """Makes clusters that end with the test, and their drives with them."""
    made = []
    request.node.servers = [*getattr(request.node, "servers", [])]

    def make(name="cluster", **options):
        cluster = Cluster(tmp_path / name, **options)
        made.append(cluster)
        request.node.servers += cluster.nodes
        return cluster

    yield make
    for cluster in made:
        cluster.close()
        if not (request.config.getoption("--keep") and getattr(request.node, "failed", False)):
            for node in cluster.nodes:
                shutil.rmtree(node.root, ignore_errors=True)


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    """The server that tests share. Only tests that neither stop nor fill it may use it."""
    shared = FirnServer(tmp_path_factory.mktemp("shared"))
    request.session.servers = [shared]
    shared.start()
    yield shared
    code = shared.stop()
    shutil.rmtree(shared.root, ignore_errors=True)
    assert code == 0, f"a clean stop ended with {code}:\n{shared.log_tail()}"


@pytest.fixture(scope="session")
def s3(server):
    return server.client()


@pytest.fixture(scope="session")
def wire(server):
    return server.wire()


@pytest.fixture
def bucket(s3):
    """A bucket of the test's own."""
    name = f"t-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name)
    return name
