"""Four real nodes: what is put on one is there on all, and any one of them may be killed."""

import hashlib
import pathlib
import random
import shutil
import subprocess
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from harness.client_threads import ClientThreads
from harness.conditional_clients import Clients
from harness.server import DidNotStart

SIZES = {"empty": 0, "inline": 1_000, "striped": 300_000, "stripes": 9 * (1 << 20) + 13}
LINEARIZABILITY = pathlib.Path(__file__).parents[1] / "fault" / "linearizability"


def test_what_is_put_on_one_node_is_read_on_all(make_cluster, rng):
    cluster = make_cluster().start()
    cluster.nodes[0].client().create_bucket(Bucket="bucket")
    bodies = {}
    for node in cluster.nodes:
        for name, size in SIZES.items():
            key = f"{name}-{node.number}"
            bodies[key] = rng.randbytes(size)
            node.client().put_object(Bucket="bucket", Key=key, Body=bodies[key])
    for node in cluster.nodes:
        s3 = node.client()
        listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]]
        assert listed == sorted(bodies), f"node {node.number}"
        for key, body in bodies.items():
            assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body, f"{key} on node {node.number}"
    status = cluster.nodes[2].status()
    assert [row["state"] for row in status["nodes"]] == ["reached", "reached", "here", "reached"]
    assert sum(row["votes"] for row in status["nodes"]) in (0, 3), "three of four vote; who does not lead may not know"
    assert max(on_one_node(members) for members in sets_of(status)) == 2
    assert cluster.stop() == [0, 0, 0, 0]
    cluster.start()
    for node in cluster.nodes:
        assert node.client().get_object(Bucket="bucket", Key="stripes-1")["Body"].read() == bodies["stripes-1"]


def sets_of(status):
    node_of = {drive["drive"]: drive["node"] for drive in status["drives"]}
    return [[node_of[drive] for drive in each["drives"]] for each in status["sets"]]


def on_one_node(members):
    return max(members.count(node) for node in members)


class Writers(ClientThreads):
    """Clients that put objects through whichever node lives, with an SDK's retries, and keep what was acknowledged."""

    def __init__(self, cluster, bucket, seed, count=4):
        super().__init__(count)
        self.cluster, self.bucket, self.seed = cluster, bucket, seed
        self.acknowledged = {}
        self.start()

    def loop(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        clients = {node.number: client_with_retries(node) for node in self.cluster.nodes}
        serial = 0
        while not self.stopping.is_set():
            serial += 1
            key, body = f"{number}/{serial}", rng.randbytes(rng.choice([100, 5_000, 60_000, 700_000]))
            node = rng.choice(self.cluster.living())
            if node.number not in clients:  # It came later.
                clients[node.number] = client_with_retries(node)
            try:
                clients[node.number].put_object(Bucket=self.bucket, Key=key, Body=body)
                self.acknowledged[key] = hashlib.md5(body).hexdigest()
            except (ClientError, BotoCoreError):
                pass  # Killed amid the request, or no quorum for a moment: not acknowledged.

    def wait_for_more(self, more, seconds=60):
        goal, deadline = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, "nothing is acknowledged any more"
            time.sleep(0.05)

    def check(self, node):
        """Every acknowledged object, whole, as this node gives it."""
        s3 = client_with_retries(node)
        for key, digest in sorted(self.acknowledged.items()):
            self.check_one(s3, key, digest)

    def check_one(self, s3, key, digest):
        body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        assert hashlib.md5(body).hexdigest() == digest, f"{key} at {s3.meta.endpoint_url}"


def client_with_retries(node):
    return boto3.client("s3", endpoint_url=node.endpoint, region_name="us-east-1", aws_access_key_id=node.access_key,
                        aws_secret_access_key=node.secret_key,
                        config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5},
                                      connect_timeout=2, read_timeout=30))


@pytest.mark.parametrize("role", ["the leader", "a follower"])
def test_a_killed_node_is_survived(make_cluster, seed, role):
    cluster = make_cluster().start()
    cluster.nodes[0].client().create_bucket(Bucket="bucket")
    writers = Writers(cluster, "bucket", seed)
    try:
        writers.wait_for_more(20)
        leader = cluster.leader()
        victim = leader if role == "the leader" else next(node for node in cluster.nodes if node is not leader)
        victim.kill()
        writers.wait_for_more(40)
    finally:
        writers.stop()
    for node in cluster.living():
        writers.check(node)
    victim.launch()
    victim.await_ready(60)
    cluster.wait_until_whole()
    for node in cluster.nodes:
        writers.check(node)


def test_conditional_writes_through_all_nodes_are_linearizable(make_cluster, tmp_path, seed):
    checker = tmp_path / "check"
    subprocess.run(["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(checker), "."], cwd=LINEARIZABILITY,
                   check=True)
    cluster = make_cluster().start()
    cluster.nodes[0].client().create_bucket(Bucket="bucket")
    clients = Clients(cluster.nodes[0], "bucket", seed, clients=8)
    clients.ports = [node.port for node in cluster.nodes]
    clients.run(1_000)
    clients.write(tmp_path / "history.jsonl")
    verdict = subprocess.run([str(checker), str(tmp_path / "history.jsonl")], capture_output=True, text=True).stdout
    assert verdict.strip() == "Ok", f"seed {seed}"
    for answer in ("put 200", "put 412"):
        assert clients.statuses.get(answer, 0) > 10, clients.statuses


def test_a_cluster_begins_when_all_its_nodes_are_there(make_cluster):
    cluster = make_cluster()
    for node in cluster.nodes[:3]:
        node.launch()
    cluster.wait_until(lambda: "node 4 does not answer" in cluster.nodes[0].log_text(), 20)
    assert all(node.health("/firn/health/live") == 200 for node in cluster.nodes[:3])
    assert all(node.health("/firn/health/ready") == 503 for node in cluster.nodes[:3])
    assert not any((drive / "firn.drive").exists() for node in cluster.nodes for drive in node.drives)
    cluster.nodes[1].ask_to_stop()
    assert cluster.nodes[1].stop() == 0, "a node that waits can be stopped"
    for node in cluster.nodes[1], cluster.nodes[3]:
        node.launch()
    for node in cluster.nodes:
        node.await_ready(60)


def test_a_node_with_another_key_or_without_one_stays_outside(make_cluster):
    cluster = make_cluster()
    cluster.nodes[3].environment["FIRN_CLUSTER_KEY"] = "another-cluster-key"
    for node in cluster.nodes:
        node.launch()
    cluster.wait_until(lambda: "node 4 has another cluster key" in cluster.nodes[0].log_text(), 20)
    cluster.nodes[3].kill()
    cluster.nodes[3].environment["FIRN_CLUSTER_KEY"] = ""
    with pytest.raises(DidNotStart, match="FIRN_CLUSTER_KEY"):
        cluster.nodes[3].start()


def test_a_node_that_lost_all_its_drives_is_filled_again(make_cluster, rng):
    cluster = make_cluster().start()
    s3 = cluster.nodes[0].client()
    s3.create_bucket(Bucket="bucket")
    bodies = {f"{number}": rng.randbytes(200_000) for number in range(20)}
    for key, body in bodies.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    wiped = cluster.nodes[2]
    wiped.kill()
    for drive in wiped.drives:
        shutil.rmtree(drive)
    wiped.start(60)
    cluster.wait_until_whole()
    cluster.nodes[3].kill()  # Now the rebuilt shards are needed.
    for key, body in bodies.items():
        assert client_with_retries(wiped).get_object(Bucket="bucket", Key=key)["Body"].read() == body
