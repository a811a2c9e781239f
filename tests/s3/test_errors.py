"""What is not there, not allowed or not implemented: the right answer, never another operation's."""

import pytest

# AWS's sub-resources that Firn does not have. Asked by any method, the plain verb must not run.
BUCKET_SUBRESOURCES = ["accelerate", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "lifecycle", "logging",
                       "metrics", "notification", "ownershipControls", "publicAccessBlock", "replication", "requestPayment",
                       "website", "object-lock", "policyStatus", "metadataTable", "session"]
OBJECT_SUBRESOURCES = ["legal-hold", "retention", "torrent", "restore", "select", "encryption"]


@pytest.mark.parametrize("name", BUCKET_SUBRESOURCES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_bucket_sub_resource_that_is_not_there_is_501(s3, wire, bucket, name, method):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = wire.request(method, f"/{bucket}", query=[(name, None)], body=b"<x/>" if method == "PUT" else b"")
    assert answer.status in ((501, 404) if method == "GET" else (501, 405)), answer
    assert answer.code in ("NotImplemented", "MethodNotAllowed") or method == "GET"
    assert wire.head(f"/{bucket}").status == 200


@pytest.mark.parametrize("name", OBJECT_SUBRESOURCES)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_an_object_sub_resource_that_is_not_there_is_501(wire, bucket, name, method):
    wire.put(f"/{bucket}/k", body=b"kept")
    answer = wire.request(method, f"/{bucket}/k", query=[(name, None)], body=b"<x/>" if method in ("PUT", "POST") else b"")
    assert answer.status in (501, 405), answer
    assert wire.get(f"/{bucket}/k").body == b"kept"


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize("name", ["somethingNew", "renameobject", "ACL2"])
def test_an_unknown_sub_resource_of_a_write_is_501(wire, bucket, method, name):
    wire.put(f"/{bucket}/k", body=b"kept")
    answer = wire.request(method, f"/{bucket}/k", query=[(name, None)], body=b"x" if method != "DELETE" else b"")
    assert answer.status == 501, answer
    assert wire.get(f"/{bucket}/k").body == b"kept"


def test_the_sdks_operation_parameter_is_ignored(wire, bucket):
    assert wire.put(f"/{bucket}/k", body=b"x", query={"x-id": "PutObject"}).status == 200
    assert wire.get(f"/{bucket}/k", query={"x-id": "GetObject"}).body == b"x"


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "OPTIONS", "FOO"])
def test_methods_s3_does_not_have(wire, bucket, method):
    answer = wire.request(method, f"/{bucket}/k")
    assert answer.status in (400, 403, 405, 501)


def test_a_post_to_an_object_alone_is_no_operation(wire, bucket):
    assert wire.post(f"/{bucket}/k", body=b"x").status in (400, 405, 501)


def test_errors_are_xml_with_a_request_id(wire, bucket):
    answer = wire.get(f"/{bucket}/none")
    assert answer.headers["content-type"] == "application/xml"
    assert [answer.text(n) is not None for n in ("Code", "Message", "Resource", "RequestId", "HostId")] == [True] * 5
    assert answer.text("Resource") == f"/{bucket}/none"


@pytest.mark.parametrize("version", ["null", "abc", "3HL4kqtJlcpXroDTDmJ"])
def test_versions_that_never_were(wire, bucket, version):
    wire.put(f"/{bucket}/k", body=b"x")
    answer = wire.get(f"/{bucket}/k", query={"versionId": version})
    assert answer.status == (200 if version == "null" else 400), answer
    assert version == "null" or answer.code == "InvalidArgument"


# Forms of request smuggling and plain noise; each must be refused, and the connection closed.
RAW = {
    "both lengths": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a negative length": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length that is no number": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "binary noise": bytes(range(256)) * 4 + b"\r\n\r\n",
    "a NUL in the target": b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown transfer coding": b"PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
def test_malformed_requests_are_refused(wire, name):
    with wire.socket() as connection:
        connection.sendall(RAW[name])
        answer = connection.recv(65_536)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")) or answer == b"", answer[:100]
        while answer:
            answer = connection.recv(65_536)


def test_xml_with_a_doctype_is_refused(wire, bucket):
    laughs = b'<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;">]><Tagging><TagSet>&m;</TagSet></Tagging>'
    wire.put(f"/{bucket}/k", body=b"x")
    answer = wire.put(f"/{bucket}/k", body=laughs, query=[("tagging", None)])
    assert (answer.status, answer.code) == (400, "MalformedXML")
