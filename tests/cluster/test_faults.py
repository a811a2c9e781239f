"""Each fault alone, and all at random, while clients go on: nothing acknowledged is lost, and no answer is stale."""

import contextlib
import random
import time

import pytest

from harness import cluster_faults
from harness.cluster_trial import Trial, build_checker
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
    return Trial(make_network_cluster(), checker, tmp_path, seed).start()


@pytest.mark.faults_only
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_one_node_is_survived(trial, rng, kind):
    cluster = trial.cluster
    trial.wait_for_more(20)
    for node in cluster.leader(), rng.choice(cluster.nodes):
        with KINDS[kind](cluster, node, rng):
            trial.wait_for_more(20)
    print(trial.judge())


@pytest.mark.faults
def test_all_faults_at_random_are_survived(trial, rng, full):
    seconds = 1_200 if full else 45
    end = time.monotonic() + seconds
    faults = 0
    while time.monotonic() < end:
        befall(trial, rng)
        faults += 1
    print(f"{faults} faults in {seconds} s; {trial.judge()}")


def befall(trial, rng):
    """One or two faults at once, on nodes at random, one within the other."""
    cluster = trial.cluster
    with contextlib.ExitStack() as stack:
        for _ in range(rng.choice([1, 1, 2])):
            kind = rng.choice(list(KINDS.values()))
            node = rng.choice(cluster.nodes)
            if node.is_running() and not node.frozen and not node.clock_offset:
                stack.enter_context(kind(cluster, node, rng))
            time.sleep(rng.uniform(0, 3))
        time.sleep(rng.uniform(0, 5))
    for node in cluster.nodes:
        if not node.is_running():
            node.launch()
    if rng.random() < 0.5:
        trial.wait_for_more(1, 90)
