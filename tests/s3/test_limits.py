"""What a client may ask of the server's memory and patience, and what it hears when it asks for more."""

import contextlib
import hashlib
import resource
import socket

import pytest

MIB = 1 << 20


def head_of(wire, method, path, headers=None, payload="UNSIGNED-PAYLOAD", query=()):
    """A signed request up to its body, as bytes."""
    headers = {"host": wire.host} | {name.lower(): str(value) for name, value in (headers or {}).items()}
    wire.signer.authorize(method, path, list(query), headers, payload)
    target = path + ("?" + "&".join(name for name, _ in query) if query else "")
    return (f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode()


def received(connection):
    """Everything until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def answer_to(wire, sent):
    """Status and error code of what bytes as they are get, and that nothing but one answer came."""
    with wire.socket() as connection:
        with contextlib.suppress(ConnectionError):  # Refused before its end.
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        text = received(connection).decode(errors="replace")
    assert text.startswith("HTTP/1.1 ") and text.count("HTTP/1.1 ") == 1, text[:200]
    code = text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in text else None
    return int(text.split()[1]), code


HEADS = {
    "a header too large": b"GET /b/k HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 40_000 + b"\r\n\r\n",
    "headers too large together": b"GET /b/k HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(40)) + b"\r\n",
    "too many headers": b"GET /b/k HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) + b"\r\n",
    "a request line too long": b"GET /b/" + b"k" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query too long": b"GET /b?prefix=" + b"k" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a head without an end": b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"x" * (2 * MIB),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_beyond_the_limit_is_refused_by_its_name(wire, bucket, name):
    assert answer_to(wire, HEADS[name]) == (400, "RequestHeaderSectionTooLarge")
    assert wire.head(f"/{bucket}").status == 200


def test_a_head_as_large_as_s3_allows_is_served(wire, bucket):
    """The longest key, 2 KiB of metadata, ten long tags and a token's worth of other headers, all at once."""
    key = "ключ" * 128
    tags = "&".join(f"{i:0>120}={'%D1%8F' * 60}" for i in range(10))
    headers = {"x-amz-tagging": tags, "x-amz-meta-note": "m" * 2000, "x-other": "o" * 4000}
    assert wire.put(f"/{bucket}/{key}", body=b"x", headers=headers).status == 200
    answer = wire.get(f"/{bucket}/{key}")
    assert (answer.body, answer.headers["x-amz-meta-note"], answer.headers["x-amz-tagging-count"]) == (b"x", "m" * 2000, "10")


@pytest.mark.parametrize("name, headers, expected", [
    ("metadata", {"x-amz-meta-a": "m" * 2100}, (400, "MetadataTooLarge")),
    ("metadata in many", {f"x-amz-meta-{i}": "m" * 50 for i in range(50)}, (400, "MetadataTooLarge")),
    ("tags", {"x-amz-tagging": "&".join(f"k{i}=v" for i in range(11))}, (400, "InvalidTag")),
    ("a length", {"content-length": str(6 << 30)}, (400, "EntityTooLarge"))])
def test_an_object_with_too_much_of_something_is_refused(wire, bucket, name, headers, expected):
    sent = head_of(wire, "PUT", f"/{bucket}/k", {"content-length": "0"} | headers)
    assert answer_to(wire, sent) == expected
    assert wire.head(f"/{bucket}/k").status == 404


def test_a_key_too_long_is_refused(wire, bucket):
    assert wire.put(f"/{bucket}/{'k' * 1024}", body=b"x").status == 200
    assert wire.put(f"/{bucket}/{'k' * 1025}", body=b"x").code == "KeyTooLongError"
    assert wire.put(f"/{bucket}/{'ключ' * 129}", body=b"x").code == "KeyTooLongError"


TRANSFER_CHUNKS = {
    "no number": b"x\r\nabc\r\n0\r\n\r\n",
    "a number too large": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a negative number": b"-3\r\nabc\r\n0\r\n\r\n",
    "more than announced": b"3\r\nabcdef\r\n0\r\n\r\n",
    "a bare line feed": b"3\nabc\n0\n\n",
    "an endless size line": b"3" + b";x" * 4000 + b"\r\nabc\r\n0\r\n\r\n",
    "endless trailers": b"3\r\nabc\r\n0\r\n" + b"x-trailer: y\r\n" * 4000 + b"\r\n",
    "no end": b"3\r\nabc\r\n",
    "half a chunk": b"400\r\nabc",
}


@pytest.mark.parametrize("name", TRANSFER_CHUNKS)
def test_malformed_transfer_chunks_are_refused_and_store_nothing(wire, bucket, name):
    mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers = {"transfer-encoding": "chunked", "x-amz-decoded-content-length": "3", "content-encoding": "aws-chunked"}
    status, code = answer_to(wire, head_of(wire, "PUT", f"/{bucket}/k", headers, mode) + TRANSFER_CHUNKS[name])
    assert (status, code in ("BadRequest", "InvalidRequest", "IncompleteBody", "MalformedTrailerError")) == (400, True), code
    assert wire.head(f"/{bucket}/k").status == 404


DOCUMENTS = {
    "nothing": b"", "text": b"delete everything", "an open tag": b"<Delete><Object><Key>k</Key>", "another root": b"<Tagging/>",
    "two roots": b"<Delete/><Delete/>", "a NUL": b"<Delete>\0</Delete>", "no UTF-8": b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>",
    "an entity of its own": b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
    "an unknown entity": b"<Delete><Object><Key>&nope;</Key></Object></Delete>", "no objects": b"<Delete></Delete>",
    "an object without a key": b"<Delete><Object></Object></Delete>",
    "1,001 objects": b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
    "a bare ampersand": b"<Delete><Object><Key>k&</Key></Object></Delete>",
    "a NUL by reference": b"<Delete><Object><Key>k&#0;</Key></Object></Delete>",
    "a tower": b"<Delete>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</Delete>",
    "a crowd": b"<Delete>" + b"<a/>" * 400_000 + b"</Delete>",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_no_delete_document_deletes_nothing(wire, bucket, name):
    assert wire.put(f"/{bucket}/k", body=b"kept").status == 200
    document = DOCUMENTS[name]
    answer = wire.post(f"/{bucket}", body=document, query=[("delete", None)],
                       headers={"x-amz-checksum-sha256": sha256_base64(document)})
    assert (answer.status, answer.code) == (400, "MalformedXML"), answer
    assert wire.get(f"/{bucket}/k").body == b"kept"


def sha256_base64(body):
    import base64
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@pytest.mark.parametrize("path, query, method", [
    ("/{bucket}", "delete", "POST"), ("/{bucket}/k", "tagging", "PUT"), ("/{bucket}-new", None, "PUT")])
def test_a_huge_document_is_refused_before_it_is_read(wire, bucket, path, query, method):
    wire.put(f"/{bucket}/k", body=b"x")
    name, _, value = (query or "").partition("=")
    pairs = [(name, value or None)] if query else []
    with wire.socket() as connection:
        headers = {"host": wire.host, "content-length": str(1 << 30), "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
        wire.signer.authorize(method, path.format(bucket=bucket), pairs, headers, "UNSIGNED-PAYLOAD")
        target = path.format(bucket=bucket) + (f"?{query}" if query else "")
        connection.sendall((f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode())
        answer = connection.recv(65_536).decode()
    assert answer.startswith("HTTP/1.1 400 ") and "<Code>MaxMessageLengthExceeded</Code>" in answer, answer


# Strange, and no single range: by RFC 9110 the header is ignored, and the whole is sent.
IGNORED_RANGES = ["bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=--1", "bytes=1-2-3", "bytes 0-1", "lines=0-1", "bytes=0x0-0x1",
                  "bytes=0-1,3-4", "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 2000, 2)),
                  "bytes=+1-2", "bytes=0-1;q=1", "=0-1", "bytes=,"]


@pytest.mark.parametrize("spec", IGNORED_RANGES, ids=lambda spec: spec[:24])
def test_a_strange_range_gets_the_whole(wire, bucket, spec):
    wire.put(f"/{bucket}/k", body=b"0123456789")
    answer = wire.get(f"/{bucket}/k", headers={"range": spec})
    assert (answer.status, answer.body, "content-range" in answer.headers) == (200, b"0123456789", False)


@pytest.mark.parametrize("spec, expected", [
    ("bytes=10-", 416), ("bytes=-0", 416), ("bytes=18446744073709551616-", 416), ("bytes=9223372036854775807-", 416), ("bytes=0-9223372036854775807", 206),
    ("bytes=-9223372036854775807", 206), ("bytes=9-9", 206)])
def test_a_range_at_the_edge_is_exact(wire, bucket, spec, expected):
    wire.put(f"/{bucket}/k", body=b"0123456789")
    answer = wire.get(f"/{bucket}/k", headers={"range": spec})
    assert answer.status == expected
    assert answer.code == "InvalidRange" if expected == 416 else answer.headers["content-range"].endswith("/10")


@contextlib.contextmanager
def connections(server, count):
    """That many, open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 1000)), hard))
    opened = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(("127.0.0.1", server.port), timeout=120))
        yield opened
    finally:
        for connection in opened:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.faults
def test_a_thousand_slow_clients_cost_little_and_are_let_go(make_server, full):
    """Silent ones, some within their head, some within their body, and some that don't take what they asked for."""
    server = make_server().start()
    wire = server.wire()
    wire.put("/bucket")
    wire.put("/bucket/large", body=bytes(32 * MIB))
    before = server.resident_bytes()
    with connections(server, 1000) as slow:
        for i, connection in enumerate(slow[:250]):
            connection.sendall(b"PUT /bucket/never HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * i)
        for i, connection in enumerate(slow[250:500]):
            connection.sendall(head_of(wire, "PUT", f"/bucket/never{i}", {"content-length": "100000"}) + b"x" * i)
        for connection in slow[500:750]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head_of(wire, "GET", "/bucket/large"))
        for i in range(20):
            assert wire.put(f"/bucket/k{i}", body=b"x" * 100_000).status == 200
            assert wire.get(f"/bucket/k{i}").body == b"x" * 100_000
        # Unbounded, readers alone would hold 4 MiB each; they share 256 MiB.
        assert server.resident_bytes() - before < 400 * MIB, f"{(server.resident_bytes() - before) >> 20} MiB"
        # Within the server's deadlines; what is silent between requests may stay longer.
        for connection in slow[0:500:25]:
            received(connection)
        # What the system has taken for them counts as progress: they are given some two minutes for it.
        for connection in slow[500:750:125] if full else ():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
            assert len(received(connection)) < 32 * MIB
        assert wire.put("/bucket/after", body=b"x").status == 200
    keys = [found["Key"] for found in server.client().list_objects_v2(Bucket="bucket")["Contents"]]
    assert not [key for key in keys if key.startswith("never")]


def test_uploads_that_hold_all_memory_leave_reads_and_small_objects_be(make_server):
    server = make_server(flags=["--write-memory", "32MiB"]).start()
    wire = server.wire()
    wire.put("/bucket")
    wire.put("/bucket/there", body=b"x" * 200_000)
    with connections(server, 16) as stalled:
        for i, connection in enumerate(stalled):
            connection.sendall(head_of(wire, "PUT", f"/bucket/stalled{i}", {"content-length": str(64 * MIB)}) + b"x" * MIB)
        refused = wire.put("/bucket/large", body=bytes(8 * MIB))
        assert (refused.status, refused.code) == (503, "SlowDown")
        assert wire.get("/bucket/there").body == b"x" * 200_000
        assert wire.put("/bucket/small", body=b"small").status == 200
        assert len(wire.get("/bucket").texts("Contents")) == 2
    for _ in range(100):  # Until the server has noticed that they went.
        answer = wire.put("/bucket/large", body=bytes(8 * MIB))
        if answer.status == 200:
            break
    assert answer.status == 200
    assert len(wire.get("/bucket/large").body) == 8 * MIB
