"""Nodes end and come back while applications go on: what they notice of it is no more than a pause."""

import statistics
import time

import pytest

from harness.steady_clients import INLINE, STRIPED, SteadyClients


@pytest.fixture
def clients(make_cluster, seed):
    cluster = make_cluster().start()
    cluster.nodes[0].client().create_bucket(Bucket="steady")
    steady = SteadyClients(cluster, "steady", seed)
    steady.wait_for_more(20)
    yield steady
    steady.stop()


@pytest.mark.faults
def test_writes_go_on_soon_after_the_leader_is_killed(clients, full):
    """The pauses are printed, for small objects, which metadata takes, and for those that need drives."""
    pauses = {INLINE: [], STRIPED: []}
    for _ in range(12 if full else 1):
        leader = clients.cluster.leader()
        clients.up.discard(leader)
        instant = time.monotonic()
        leader.kill()
        for size, seen in pauses.items():
            seen.append(round(clients.first_after(instant, size), 2))
        leader.start(60)
        clients.up.add(leader)
        clients.cluster.wait_until_whole()
    clients.stop()
    for size, seen in pauses.items():
        print(f"{size} bytes: {seen}, median {statistics.median(seen)} s, longest {max(seen)} s")
    assert clients.failures == []


@pytest.mark.faults
def test_no_request_fails_while_nodes_are_restarted_one_after_another(clients, full):
    for _ in range(3 if full else 1):
        for node in clients.cluster.nodes:
            node.ask_to_stop()
            clients.up.discard(node)
            assert node.stop(60) == 0
            node.start(60)
            clients.up.add(node)
            clients.wait_for_more(5)
    clients.stop()
    print(f"{len(clients.answers)} objects put and read back, {len(clients.failures)} failed")
    assert clients.failures == []
    clients.cluster.wait_until_whole()


@pytest.mark.faults_only
def test_a_node_that_starts_while_nobody_leads_waits_for_the_others(make_cluster):
    cluster = make_cluster().start()
    cluster.kill()
    alone = cluster.nodes[3]
    alone.launch()
    cluster.wait_until(lambda: "waiting: no metadata leader answers" in alone.log_text(), 60)
    for node in cluster.nodes[:3]:
        node.launch()
    for node in cluster.nodes:
        node.await_ready(60)
