"""Each fault alone, and all at random, while clients go on: nothing acknowledged is lost, and no answer is stale."""

import collections
import contextlib
import time

import pytest

from harness import cluster_faults, failing_drives
from harness.cluster_trial import Trial, build_checker
from harness.failing_drives import DriveSet
from harness.network import Unavailable

KINDS = {fault.__name__.replace("_", " "): fault for fault in cluster_faults.OF_PROCESSES + cluster_faults.OF_NETWORKS}


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    return build_checker(tmp_path_factory.mktemp("linearizability"))


@pytest.fixture
def make_network_cluster(make_cluster):
    def make(**options):
        try:
            return make_cluster(network=True, **options).start()
        except Unavailable as cause:
            pytest.skip(str(cause))
    return make


@pytest.fixture
def trial(make_network_cluster, checker, tmp_path, seed):
    trial = Trial(make_network_cluster(), checker, tmp_path, seed).start()
    yield trial
    trial.abandon()


@pytest.mark.faults_only
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_one_node_is_survived(trial, rng, kind):
    cluster = trial.cluster
    trial.wait_for_more(20)
    for node in cluster.leader(), rng.choice(cluster.nodes):
        with KINDS[kind](cluster, node, rng):
            trial.wait_for_more(20)
    print(trial.judge())


@pytest.mark.faults_only
def test_flipped_bytes_on_one_node_are_survived(trial, rng):
    trial.wait_for_more(40)
    with cluster_faults.flipped(trial.cluster, rng.choice(trial.cluster.nodes), rng):
        trial.wait_for_more(20)
    print(trial.judge())


@pytest.mark.faults_only
def test_full_drives_of_one_node_are_survived(make_network_cluster, checker, tmp_path, seed, rng):
    try:
        drives = DriveSet(tmp_path, "log", "xfs", mib=640, count=8)
    except failing_drives.Unavailable as cause:
        pytest.skip(str(cause))
    trial = None
    try:
        pairs = [drives.directories[at:at + 2] for at in range(0, 8, 2)]
        trial = Trial(make_network_cluster(drives=pairs), checker, tmp_path, seed).start()
        trial.wait_for_more(20)
        with cluster_faults.full(trial.cluster, rng.choice(trial.cluster.nodes), rng):
            trial.wait_for_more(20, 120)
        print(trial.judge())
    finally:
        if trial:
            trial.abandon()
            trial.cluster.kill()
        drives.close()
        drives.remove()


@pytest.mark.faults_only
def test_restarts_one_after_another_and_of_all_nodes_at_once_are_survived(trial, rng):
    counts = collections.Counter()
    while sum(counts.values()) < 32:
        how = rng.choice(["all killed", "all stopped", "one after another", "the leader killed"])
        restart(trial.cluster, how, rng)
        counts[how] += 1
        trial.wait_for_more(2, 90)
    print(f"{dict(counts)}: {trial.judge()}")


def restart(cluster, how, rng):
    if how == "one after another":
        for node in rng.sample(cluster.nodes, len(cluster.nodes)):
            node.stop(60)
            node.start(60)
        return
    nodes = [cluster.leader()] if how == "the leader killed" else cluster.nodes
    for node in nodes:
        node.ask_to_stop() if how == "all stopped" else node.kill()
    for node in rng.sample(nodes, len(nodes)):
        node.stop(60)
        node.launch()
        time.sleep(rng.choice([0, 0, 1]))
    for node in nodes:
        node.await_ready(90)


@pytest.mark.faults
def test_all_faults_at_random_are_survived(trial, rng, full, request):
    seconds = request.config.getoption("--fault-seconds") or (1_200 if full else 45)
    end = time.monotonic() + seconds
    # Bytes that flip stay flipped until they are read: two nodes of which some are damaged are more than may be lost.
    damaged = rng.choice(trial.cluster.nodes)
    faults = collections.Counter()
    while time.monotonic() < end:
        befall(trial, rng, damaged, faults)
    print(f"{sum(faults.values())} faults in {seconds} s: {dict(faults)}; {trial.judge()}")


def befall(trial, rng, damaged, faults):
    """One or two faults at once, on nodes at random, one within the other."""
    cluster = trial.cluster
    with contextlib.ExitStack() as stack:
        for _ in range(rng.choice([1, 1, 2])):
            kind = rng.choice([*KINDS.values(), cluster_faults.flipped])
            node = damaged if kind is cluster_faults.flipped else rng.choice(cluster.nodes)
            if node.is_running() and not node.frozen and not node.clock_offset:
                stack.enter_context(kind(cluster, node, rng))
                faults[kind.__name__] += 1
            time.sleep(rng.uniform(0, 3))
        time.sleep(rng.uniform(0, 5))
    trial.look()
    for node in cluster.nodes:
        if not node.is_running():
            node.launch()
    if rng.random() < 0.5:
        trial.wait_for_more(1, 90)
