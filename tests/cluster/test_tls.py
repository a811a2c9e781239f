"""Four nodes that speak TLS to each other: who has no certificate of their authority is refused, and told why."""

import socket
import ssl
import time

import pytest

from harness.certificates import Authority
from harness.cluster import METADATA_OFFSET, SHARD_OFFSET, tls_flags


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def ports(node):
    """Of what nodes say to each other."""
    return [node.port + METADATA_OFFSET, node.port + SHARD_OFFSET]


def visit(port, authority, identity=None):
    """The certificate that a node shows to one that comes with this identity, and its answer's first byte."""
    context = ssl.create_default_context(cafile=authority.file)
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    if identity:
        context.load_cert_chain(*identity)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with context.wrap_socket(connection) as tls:
            shown = tls.getpeercert(binary_form=True)
            # TLS 1.3 tells a client that its certificate is refused in the place of the first answer. A shard server
            # answers these bytes, which are no frame of its own, by the end of the connection.
            tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return shown, tls.recv(1)


def answers(port, authority, identity):
    try:
        return bool(visit(port, authority, identity)[1])
    except (ssl.SSLError, ConnectionError):
        return False


def test_four_nodes_work_over_tls(make_cluster, authority, rng):
    cluster = make_cluster(authority=authority).start()
    body = rng.randbytes(3_000_000)
    cluster.nodes[0].client().create_bucket(Bucket="secret")
    cluster.nodes[1].client().put_object(Bucket="secret", Key="k", Body=body)
    for node in cluster.nodes:
        assert node.client().get_object(Bucket="secret", Key="k")["Body"].read() == body
    cluster.nodes[3].kill()
    assert cluster.nodes[2].client().get_object(Bucket="secret", Key="k")["Body"].read() == body
    cluster.nodes[3].start()
    cluster.wait_until_whole()
    assert cluster.stop() == [0, 0, 0, 0]


def test_an_outsiders_certificate_is_refused(make_cluster, authority, tmp_path):
    cluster = make_cluster(authority=authority).start()
    ours = authority.issue("member")
    theirs = Authority(tmp_path / "other", "other-authority").issue("member")
    for node in cluster.nodes[:2]:
        metadata, shards = ports(node)
        assert answers(metadata, authority, ours)
        assert not answers(metadata, authority, theirs)
        assert not answers(metadata, authority, None)
        for identity, why in [(theirs, "TLS: certificate verify failed"), (None, "TLS: peer did not return a certificate"),
                              (ours, "not a frame of the shard protocol")]:
            assert f"shard port was refused: {why}" not in node.log_text()
            answers(shards, authority, identity)
            cluster.wait_until(lambda: f"shard port was refused: {why}" in node.log_text(), 60)


@pytest.mark.parametrize("stranger", ["plain", "of another authority"])
def test_a_node_that_does_not_fit_is_refused_and_both_say_why(make_cluster, authority, tmp_path, stranger):
    cluster = make_cluster(authority=authority)
    odd = cluster.nodes[3]
    odd.flags = odd.flags[:odd.flags.index("--tls-cert")]
    expected = {"its side": "node 1 ends the connection at once: it speaks TLS and this one does not",
                "the others'": "node 4 does not speak TLS, and this one does"}
    if stranger != "plain":
        odd.flags += tls_flags(Authority(tmp_path / "other", "other-authority"), "node-4")
        expected = {"its side": "node 1 shows a certificate that is not trusted here",
                    "the others'": "node 4 shows a certificate that is not trusted here"}
    for node in cluster.nodes:
        node.launch()
    cluster.wait_until(lambda: expected["its side"] in odd.log_text(), 60)
    cluster.wait_until(lambda: expected["the others'"] in cluster.nodes[0].log_text(), 60)
    assert all(node.is_running() for node in cluster.nodes)
    assert [node.health("/firn/health/ready") for node in cluster.nodes[:3]] == [503, 503, 503]


def test_new_certificates_are_taken_without_a_restart(make_cluster, authority):
    cluster = make_cluster(authority=authority).start()
    member = authority.issue("member")
    node = cluster.nodes[1]
    before = {port: visit(port, authority, member)[0] for port in ports(node)}
    authority.issue("node-2")
    deadline = time.monotonic() + 60
    for port in ports(node):
        while visit(port, authority, member)[0] == before[port]:
            assert time.monotonic() < deadline, f"the new certificate was not taken on port {port}"
            time.sleep(0.2)
    # What is connected anew goes on.
    cluster.nodes[2].restart()
    cluster.wait_until_whole()
