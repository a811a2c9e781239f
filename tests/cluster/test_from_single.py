"""A single machine that has data becomes a cluster of four."""

import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from cluster.test_cluster import Writers, on_one_node, sets_of
from cluster.test_growth import client_with_retries, settled

from harness.server import DidNotStart, find_binary


class Machine:
    """What is to become node 1: the same drives, started one way or the other."""

    def __init__(self, single):
        self.single = single
        self.drives = single.drives

    def command(self, node, *arguments):
        """`firn metadata become-cluster`, with what `node` will be started with."""
        return [find_binary("firn"), "metadata", "become-cluster", "--drives", *map(str, self.drives), "--nodes",
                node.places.list, "--node-id", "1", *arguments]

    def change(self, node, *arguments):
        return subprocess.run(self.command(node, *arguments), capture_output=True, text=True, env=node.full_environment())

    def change_and_kill(self, node, seconds):
        process = subprocess.Popen(self.command(node), stdout=subprocess.DEVNULL, env=node.full_environment())
        time.sleep(seconds)
        process.kill()
        process.wait()

    def refused(self, node, *arguments):
        done = self.change(node, *arguments)
        assert done.returncode == 2, (done.stdout, done.stderr)
        return done.stderr

    def changed(self, node, *arguments):
        done = self.change(node, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def machine(make_server):
    return Machine(make_server("machine"))


def fill(s3, rng):
    """Objects in line and in extents, one of several extents, and an upload that is not finished."""
    s3.create_bucket(Bucket="bucket")
    sizes = [10, 3_000, 40_000, 300_000, 3_000_000] * 4 + [20_000_000]
    bodies = {f"{number}": rng.randbytes(size) for number, size in enumerate(sizes)}
    for key, body in bodies.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    s3.put_object_tagging(Bucket="bucket", Key="3", Tagging={"TagSet": [{"Key": "colour", "Value": "red"}]})
    upload = s3.create_multipart_upload(Bucket="bucket", Key="upload")["UploadId"]
    bodies["upload"] = rng.randbytes(5 << 20) + rng.randbytes(100_000)
    first = s3.upload_part(Bucket="bucket", Key="upload", UploadId=upload, PartNumber=1, Body=bodies["upload"][: 5 << 20])
    return bodies, upload, first["ETag"]


def finish(s3, body, upload, first):
    second = s3.upload_part(Bucket="bucket", Key="upload", UploadId=upload, PartNumber=2, Body=body[5 << 20 :])
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second["ETag"]}]
    s3.complete_multipart_upload(Bucket="bucket", Key="upload", UploadId=upload, MultipartUpload={"Parts": parts})


def check_all(node, bodies):
    s3 = client_with_retries(node)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]] == sorted(bodies)
    for key, body in bodies.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body, f"{key} on node {node.number}"


def spread(status):
    assert (status["growth"]["sets_on_a_node"] > 0) or max(on_one_node(each) for each in sets_of(status)) == 2
    return settled(status) and status["growth"]["sets_on_a_node"] == 0 and len(sets_of(status)) > 1


def grow_to_four(cluster, writers):
    """Until any node may be lost, while clients write."""
    writers.wait_for_more(5)
    cluster.wait_until(lambda: spread(cluster.nodes[2].status()), 120)
    cluster.wait_until_whole()
    writers.wait_for_more(5)


def test_a_single_machine_becomes_a_cluster_with_its_data_and_may_then_be_lost(machine, make_cluster, rng, seed):
    machine.single.start()
    bodies, upload, first = fill(machine.single.client(), rng)
    before = machine.single.status()
    cluster = make_cluster(drives=[machine.drives, 2, 2, 2])
    node = cluster.nodes[0]
    assert "firnd runs on these drives" in machine.refused(node)
    assert machine.single.stop() == 0
    with pytest.raises(DidNotStart, match="become-cluster"):
        node.start()
    assert "Node 1 of 4" in machine.changed(node)
    with pytest.raises(DidNotStart, match="has made these drives"):
        machine.single.start()

    node.start()  # It answers before there is any other.
    check_all(node, {key: body for key, body in bodies.items() if key != "upload"})
    assert [drive["uuid"] for drive in node.status()["drives"]] == [drive["uuid"] for drive in before["drives"]]
    assert "there is nothing to take back" in machine.refused(node, "--undo")
    client_with_retries(node).create_bucket(Bucket="load")
    assert node.status()["growth"]["sets_on_a_node"] == 1
    node.client().put_object(Bucket="load", Key="small", Body=b"with the metadata")
    with pytest.raises(ClientError, match="503|SlowDown|ServiceUnavailable"):  # It would not bear the loss of a node.
        node.client().put_object(Bucket="load", Key="large", Body=bytes(1_000_000))
    for other in cluster.nodes[1:]:
        other.launch()
    for other in cluster.nodes[1:]:
        other.await_ready(60)
    cluster.wait_until(lambda: cluster.drives_in() == 12, 60)
    writers = Writers(cluster, "load", seed, count=2)
    try:
        grow_to_four(cluster, writers)
    finally:
        writers.stop()
    finish(client_with_retries(cluster.nodes[1]), bodies["upload"], upload, first)
    for each in cluster.nodes:
        check_all(each, bodies)
    tags = client_with_retries(cluster.nodes[3]).get_object_tagging(Bucket="bucket", Key="3")["TagSet"]
    assert tags == [{"Key": "colour", "Value": "red"}]

    node.kill()
    for other in cluster.nodes[1:]:
        check_all(other, bodies)
    writers.check(cluster.nodes[3])
    bodies["9 after"] = rng.randbytes(500_000)
    client_with_retries(cluster.nodes[1]).put_object(Bucket="bucket", Key="9 after", Body=bodies["9 after"])
    check_all(cluster.nodes[2], bodies)
    with pytest.raises(DidNotStart, match="cluster"):
        machine.single.start()


def test_a_machine_that_has_not_started_as_a_node_is_a_single_one_again(machine, make_cluster, rng):
    machine.single.start()
    bodies, _, _ = fill(machine.single.client(), rng)
    machine.single.kill()  # The last entries are in the log alone.
    node = make_cluster(drives=[machine.drives, 2, 2, 2]).nodes[0]
    del bodies["upload"]
    machine.changed(node)
    assert "Node 1 of 4" in machine.changed(node), "said twice, done once"
    assert "single one again" in machine.changed(node, "--undo")
    with pytest.raises(DidNotStart, match="become-cluster"):
        node.start()
    machine.single.start()
    machine.single.number = 0
    check_all(machine.single, bodies)
    bodies["later"] = b"written by the single machine"
    machine.single.client().put_object(Bucket="bucket", Key="later", Body=bodies["later"])
    machine.single.kill()
    machine.changed(node)
    node.start()
    check_all(node, bodies)


def test_what_can_not_become_a_cluster_is_refused_in_words(machine, make_cluster):
    machine.single.start()
    assert machine.single.stop() == 0
    node = make_cluster(drives=[machine.drives, 2, 2, 2]).nodes[0]
    two = make_cluster("two", nodes=2, drives=[machine.drives, 2]).nodes[0]
    assert "over 2 nodes would not bear the loss of one" in machine.refused(two)
    away = machine.drives[2].rename(machine.drives[2].parent / "away")
    assert "drive 3 is not there" in machine.refused(node)
    away.rename(machine.drives[2])
    machine.drives = [path.parent / f"other-{path.name}" for path in machine.drives]
    assert "hold no metadata" in machine.refused(node)


@pytest.mark.faults
def test_a_kill_in_the_middle_leaves_the_machine_or_the_node(machine, make_cluster, rng, full):
    machine.single.start()
    machine.single.number = 0
    bodies, _, _ = fill(machine.single.client(), rng)
    del bodies["upload"]
    assert machine.single.stop() == 0
    node = make_cluster(drives=[machine.drives, 2, 2, 2]).nodes[0]
    begun = time.monotonic()
    machine.changed(node)
    whole = time.monotonic() - begun
    machine.changed(node, "--undo")
    for _ in range(60 if full else 4):
        machine.change_and_kill(node, rng.uniform(0, whole))
        try:
            machine.single.start()
            bodies["again"] = rng.randbytes(50_000)
            machine.single.client().put_object(Bucket="bucket", Key="again", Body=bodies["again"])
        except DidNotStart as refused:
            assert "has made these drives" in str(refused)
            machine.changed(node, "--undo")
            machine.single.start()
        check_all(machine.single, bodies)
        machine.single.kill()
    machine.change_and_kill(node, rng.uniform(whole / 2, whole))
    machine.changed(node)
    node.start()
    check_all(node, bodies)
