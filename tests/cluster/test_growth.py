"""A cluster that grows and shrinks while clients read and write: shards move, and nobody notices."""

import pytest
from cluster.test_cluster import Writers, client_with_retries, on_one_node, sets_of

from harness.client_threads import ClientThreads
from harness.firn import Firn


class Readers(ClientThreads):
    """Clients that read again and again what writers have put. A body of other bytes, or an error that an SDK's retries
    don't cure, is a fault."""

    def __init__(self, writers, nodes, count=2):
        super().__init__(count)
        self.writers, self.nodes, self.read = writers, nodes, 0
        self.start()

    def loop(self, number):
        clients = [client_with_retries(node) for node in self.nodes]
        turn = number
        while not self.stopping.is_set():
            for key, digest in list(self.writers.acknowledged.items()):
                turn += 1
                if self.stopping.is_set():
                    return
                self.writers.check_one(clients[turn % len(clients)], key, digest)
                self.read += 1

    def stop(self):
        super().stop()
        assert self.read > 0


def places(status):
    """Shards of sets by drive."""
    counts = {drive["drive"]: 0 for drive in status["drives"]}
    for each in status["sets"]:
        for drive in each["drives"]:
            counts[drive] += 1
    return counts


def settled(status):
    return status["growth"]["moving"] == 0 and status["growth"]["waiting"] == 0


def wait_until_settled(cluster, node, seconds=120):
    """Until nothing moves, and nothing is to; at no time may an object be short of a shard."""
    def look():
        status = node.status()
        assert status["objects_below_full_redundancy"] == 0
        return settled(status)

    cluster.wait_until(look, seconds)


def put_some(cluster, rng, count=40):
    s3 = cluster.nodes[0].client()
    s3.create_bucket(Bucket="bucket")
    bodies = {f"{number}": rng.randbytes(rng.choice([40_000, 300_000, 3_000_000])) for number in range(count)}
    for key, body in bodies.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    return bodies


def check_all(node, bodies):
    s3 = client_with_retries(node)
    for key, body in bodies.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body, f"{key} on node {node.number}"


def test_a_drained_drive_is_empty_and_may_go(make_cluster, rng):
    cluster = make_cluster().start()
    bodies = put_some(cluster, rng)
    firn = Firn(cluster.nodes[1])
    assert "Drain it first" in firn.refused("retire-drive", 3)
    assert "takes no new data" in firn.text("drain-drive", 3)
    wait_until_settled(cluster, cluster.nodes[0])
    status = cluster.nodes[0].status()
    assert places(status)[3] == 0
    assert max(on_one_node(members) for members in sets_of(status)) == 2
    assert "no more" in firn.text("retire-drive", 3)
    assert [drive["drive"] for drive in cluster.nodes[0].status()["drives"]] == [1, 2, 4, 5, 6, 7, 8]
    cluster.nodes[3].kill()  # Two shards of many sets are gone with it: those that have moved are needed.
    check_all(cluster.nodes[0], bodies)


def test_a_drive_more_takes_its_share(make_cluster, rng, tmp_path):
    cluster = make_cluster().start()
    bodies = put_some(cluster, rng, 10)
    added = tmp_path / "more"
    added.mkdir()
    node = cluster.nodes[2]
    assert "one of 9 drives" in Firn(node).text("add-drive", added)
    cluster.wait_until(lambda: places(node.status())[9] > 0, 60)
    wait_until_settled(cluster, node)
    counts = places(node.status())
    assert counts[9] > 0.4 * counts[1], counts
    node.drives.append(added)
    node.ask_to_stop()
    assert node.stop() == 0
    node.launch()
    node.await_ready(60)
    cluster.wait_until(lambda: cluster.drives_in() == 9, 60)
    check_all(node, bodies)


@pytest.mark.faults_only
def test_a_cluster_of_four_grows_to_six_and_lets_one_go(make_cluster, seed):
    """Clients go on meanwhile; whoever leads is killed in the midst of it."""
    cluster = make_cluster(room=6).start()
    cluster.nodes[0].client().create_bucket(Bucket="bucket")
    writers = Writers(cluster, "bucket", seed, count=2)
    readers = None
    try:
        writers.wait_for_more(20)
        stays = [node for node in cluster.nodes if node.number not in (2,)]
        readers = Readers(writers, stays)
        for _ in range(2):
            cluster.add_node()
        cluster.wait_until(lambda: len(stays[0].status()["nodes"]) == 6 and cluster.drives_in() == 12, 90)
        cluster.wait_until(lambda: stays[0].status()["growth"]["moving"] > 0, 60)
        readers.stop()  # Those of a killed node would fail.
        readers = None
        leader = cluster.leader()
        leader.kill()
        writers.wait_for_more(10)
        leader.launch()
        leader.await_ready(60)
        cluster.wait_until(lambda: cluster.drives_in() == 12, 60)
        readers = Readers(writers, stays)
        cluster.wait_until(lambda: settled(stays[0].status()), 180)
        status = stays[0].status()
        assert max(on_one_node(members) for members in sets_of(status)) == 1, "one shard of a set on each of six"
        counts = places(status).values()
        assert max(counts) - min(counts) <= 2, counts
        firn = Firn(stays[0])
        firn.text("drain-node", 2)
        cluster.wait_until(lambda: settled(stays[0].status()), 180)
        counts = places(stays[0].status())
        assert [counts[drive] for drive in (3, 4)] == [0, 0]
        firn.text("retire-node", 2)
        retired = cluster.nodes[1]
        cluster.wait_until(lambda: not retired.is_running(), 30)
        assert [row["node"] for row in stays[0].status()["nodes"]] == [1, 3, 4, 5, 6]
        writers.wait_for_more(10)
        readers.stop()
        readers = None
    finally:
        writers.stop()
        if readers:
            readers.abandon()
    cluster.wait_until(lambda: stays[0].below_full_redundancy() == 0, 60)
    for node in cluster.living():
        writers.check(node)
