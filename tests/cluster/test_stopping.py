"""A node that is stopped: who takes over is there before its last requests are."""

import http.client
import urllib.parse

from harness.steady_clients import INLINE, LARGE, STRIPED, SteadyClients


def begin_put(node, key, length):
    """A PUT whose body is still to come."""
    url = urllib.parse.urlsplit(node.client().generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": key}))
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    return connection


def test_leadership_is_handed_over_before_the_last_requests_end(make_cluster, rng):
    cluster = make_cluster(flags=["--stop-grace", "60"]).start()
    leader = cluster.leader()
    others = [node for node in cluster.nodes if node is not leader]
    leader.client().create_bucket(Bucket="bucket")
    body = rng.randbytes(2_000_000)
    put = begin_put(leader, "k", len(body))
    put.send(body[:1_000_000])
    leader.ask_to_stop()

    def another_leads():
        rows = [row for node in others for row in node.status()["nodes"] if row["leads"]]
        return rows and all(row["node"] != leader.number for row in rows)

    cluster.wait_until(another_leads, 30)
    assert leader.is_running(), "its last request is not answered yet"
    assert leader.health("/firn/health/ready") != 200
    put.send(body[1_000_000:])
    assert put.getresponse().status == 200, "its drives were not put out before"
    put.close()
    assert leader.stop(60) == 0
    assert others[0].client(retries=5).get_object(Bucket="bucket", Key="k")["Body"].read() == body


def test_no_request_is_refused_while_nodes_are_stopped_one_after_another(make_cluster, seed):
    """Clients that send a request again only when its node has ended, not when one answers that it should be."""
    cluster = make_cluster().start()
    leader = cluster.leader()
    leader.client().create_bucket(Bucket="bucket")
    clients = SteadyClients(cluster, "bucket", seed, [INLINE, STRIPED, LARGE, LARGE], lambda node: node.client())
    try:
        clients.wait_for_more(10)
        for node in [leader] + [node for node in cluster.nodes if node is not leader]:
            node.ask_to_stop()
            clients.up.discard(node)
            assert node.stop(60) == 0
            clients.wait_for_more(10)
            node.start(60)
            cluster.wait_until(lambda: cluster.drives_in() == 8, 60)
            clients.up.add(node)
            clients.wait_for_more(10)
    finally:
        clients.stop()
    print(f"{len(clients.answers)} objects put and read back, {len(clients.failures)} failed")
    assert clients.failures == []
    cluster.wait_until_whole()
