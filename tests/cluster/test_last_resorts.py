"""What is left when most nodes, or all metadata, are gone: forcing the membership, and a backup."""

import json
import shutil
import subprocess

import pytest

from harness.server import find_binary

# Two data shards of six: any two of four nodes have enough, so that two may be destroyed with their drives.
SPARE = ["--erasure", "2+4"]


def firn(node, *arguments):
    return subprocess.run([find_binary("firn"), "metadata", *map(str, arguments), "--drives", *map(str, node.drives)],
                          capture_output=True, text=True, env=node.full_environment())


def fill(cluster, rng, count=20):
    s3 = cluster.nodes[0].client(retries=5)
    s3.create_bucket(Bucket="bucket")
    bodies = {f"{number}": rng.randbytes(rng.choice([100, 30_000, 700_000])) for number in range(count)}
    for key, body in bodies.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    return bodies


def names(node):
    return [entry["Key"] for entry in node.client(retries=8).list_objects_v2(Bucket="bucket")["Contents"]]


def holds(node, bodies):
    s3 = node.client(retries=8)
    assert names(node) == sorted(bodies)
    for key, body in bodies.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body, f"{key} on node {node.number}"


def forget_metadata(node):
    for drive in node.drives:
        if (drive / "meta").exists():
            (drive / "meta").rename(drive.parent / f"{drive.name}-meta-of-before")


def destroy(node):
    node.kill()
    for drive in node.drives:
        shutil.rmtree(drive)


def voters_of(cluster):
    rows = cluster.leader().status()["nodes"]
    return [row["node"] for row in rows if row["votes"]]


def test_the_last_voter_goes_on_with_all_that_it_had(make_cluster, rng):
    cluster = make_cluster(flags=SPARE).start()
    bodies = fill(cluster, rng)
    voters = [cluster.nodes[number - 1] for number in voters_of(cluster)]
    assert len(voters) == 3
    survivor = rng.choice(voters)
    refused = firn(survivor, "force-membership")
    assert refused.returncode == 2 and "firnd runs on these drives" in refused.stderr
    lost = [node for node in voters if node is not survivor]
    for node in lost:
        destroy(node)
    # What was acknowledged is on two of three: all of it came here if this one is the farthest. It has time to.
    for node in cluster.nodes:
        node.kill()
    follower = next(node for node in cluster.nodes if node not in voters)

    looked = firn(survivor, "force-membership")
    assert looked.returncode == 0 and "NOTHING WAS CHANGED" in looked.stdout
    found = json.loads(firn(survivor, "force-membership", "--json").stdout)
    assert found["node"] == survivor.number and sorted(found["voters_before"]) == sorted(n.number for n in voters)
    forced = firn(survivor, "force-membership", "--accept-loss")
    assert forced.returncode == 0, forced.stderr
    assert f"NODE {survivor.number} IS THE ONLY ONE THAT VOTES NOW" in forced.stdout

    survivor.start(60)
    assert names(survivor) == sorted(bodies), "it has all of the metadata"
    forget_metadata(follower)
    follower.start(120)
    # A read needs both: before the survivor has reached the other one's drives it breaks off.
    cluster.wait_until(lambda: cluster.drives_in() == len(survivor.drives) + len(follower.drives), 60)
    holds(survivor, bodies)
    for node in lost:
        node.start(120)
    cluster.wait_until(lambda: len(voters_of(cluster)) == 3, 60)
    cluster.wait_until_whole(180)
    bodies["after"] = rng.randbytes(500_000)
    lost[0].client(retries=8).put_object(Bucket="bucket", Key="after", Body=bodies["after"])
    # Others vote again: the survivor is not needed any more.
    survivor.kill()
    holds(lost[1], bodies)


@pytest.mark.parametrize("drives", ["with their data", "empty"])
def test_a_backup_brings_a_cluster_back_whose_metadata_is_gone(make_cluster, rng, tmp_path, drives):
    cluster = make_cluster().start()
    bodies = fill(cluster, rng)
    small = {key: body for key, body in bodies.items() if len(body) == 100}
    backup = tmp_path / "backup"
    done = subprocess.run([find_binary("firn"), "--endpoint", cluster.nodes[1].endpoint, "metadata", "backup", str(backup)],
                          capture_output=True, text=True, env=cluster.nodes[1].full_environment())
    assert done.returncode == 0, done.stderr
    late = cluster.nodes[0].client(retries=5)
    late.put_object(Bucket="bucket", Key="later", Body=b"not in the backup")
    assert cluster.stop() == [0, 0, 0, 0]
    for node in cluster.nodes:
        if drives == "empty":
            destroy(node)
        else:
            forget_metadata(node)

    first = cluster.nodes[2]
    if drives == "empty":
        unknown = firn(first, "restore", backup)
        assert unknown.returncode == 2 and "--node says which" in unknown.stderr
    else:
        wrong = firn(first, "restore", backup, "--node", "1")
        assert wrong.returncode == 2 and "is a drive of node 3" in wrong.stderr
    restored = firn(first, "restore", backup, *(["--node", "3"] if drives == "empty" else []))
    assert restored.returncode == 0, restored.stderr
    assert "Start node 3 now" in restored.stdout
    assert "holds metadata" in firn(first, "restore", backup).stderr, "a restore replaces nothing"
    first.start(60)
    for node in cluster.nodes:
        if node is not first:
            node.start(120)
    cluster.wait_until(lambda: len(voters_of(cluster)) == 3, 60)
    if drives == "empty":  # Small objects lie in the metadata.
        s3 = cluster.nodes[0].client(retries=8)
        assert names(cluster.nodes[0]) == sorted(bodies)
        for key, body in small.items():
            assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    else:
        cluster.wait_until_whole(120)
        for node in cluster.nodes:
            holds(node, bodies)
        first.kill()
        cluster.leader()
        s3 = cluster.nodes[3].client(retries=8)
        s3.put_object(Bucket="bucket", Key="after", Body=b"goes on")
        assert s3.get_object(Bucket="bucket", Key="after")["Body"].read() == b"goes on"
