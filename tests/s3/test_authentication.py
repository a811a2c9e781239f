"""Who may ask: signatures in the header, their clock, and everything forged."""

import datetime

import pytest

from harness import sigv4


@pytest.fixture
def path(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"there")
    return f"/{bucket}/k"


def changed(name, change):
    def prepare(headers):
        headers[name] = change(headers[name])
    return prepare


# Every operation that writes: a forged signature must do nothing, whatever the operation (CVE-2026-40344).
WRITES = [("PUT", "k", []), ("PUT", "k", [("tagging", None)]), ("PUT", "k", [("renameObject", None)]), ("POST", "k", [("uploads", None)]),
          ("PUT", "k", [("partNumber", "1"), ("uploadId", "x")]), ("POST", "k", [("uploadId", "x")]), ("DELETE", "k", []),
          ("DELETE", "k", [("tagging", None)]), ("DELETE", "k", [("uploadId", "x")]), ("POST", "", [("delete", None)]), ("PUT", "", []),
          ("DELETE", "", [])]


@pytest.mark.parametrize("method, key, query", WRITES, ids=lambda v: str(v))
@pytest.mark.parametrize("forgery", ["signature", "unsigned", "presigned", "streaming", "unsigned-trailer"])
def test_no_write_takes_a_forged_signature(wire, bucket, path, method, key, query, forgery):
    target = f"/{bucket}/{key}".rstrip("/")
    if forgery == "presigned":
        url = wire.presigned(method, target, query=query)[:-4] + "0000"
        answer = wire.send(method, url, {"host": wire.host}, b"<x/>")
    else:
        payload = {"streaming": sigv4.STREAMING, "unsigned-trailer": sigv4.UNSIGNED_TRAILER}.get(forgery)
        answer = wire.request(method, target, query=query, body=b"<x/>", payload=payload,
                              prepare=changed("authorization", lambda a: a[:-4] + "0000"),
                              headers={"x-amz-decoded-content-length": "4"} if payload else {})
        if forgery == "unsigned":
            answer = wire.request(method, target, query=query, body=b"<x/>", sign=False)
    assert answer.status == 403, answer
    assert wire.get(path).body == b"there"


def test_an_anonymous_request_is_denied(wire, path):
    answer = wire.get(path, sign=False)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert wire.get("/", sign=False).code == "AccessDenied"


def test_an_unknown_key_is_said_to_be_unknown(server, path):
    stranger = server.wire()
    stranger.signer.access_key = "STRANGER"
    assert (stranger.get(path).status, stranger.get(path).code) == (403, "InvalidAccessKeyId")


def test_a_wrong_secret_does_not_sign(server, path):
    forger = server.wire()
    forger.signer.secret_key += "x"
    assert (forger.get(path).status, forger.get(path).code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("minutes, status", [(-14, 200), (14, 200), (-16, 403), (16, 403)])
def test_clocks_may_differ_by_a_quarter_of_an_hour(wire, path, minutes, status):
    answer = wire.get(path, when=sigv4.now() + datetime.timedelta(minutes=minutes))
    assert answer.status == status
    assert status == 200 or answer.code == "RequestTimeTooSkewed"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "anything"])
def test_any_region_signs(server, path, region):
    wire = server.wire()
    wire.signer.region = region
    assert wire.get(path).status == 200


@pytest.mark.parametrize("header", ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 nonsense", "AWS AKIA:signature", "Bearer x",
                                    "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0",
                                    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0" + "," * 2000])
def test_what_is_no_signature_is_refused(wire, path, header):
    answer = wire.get(path, prepare=changed("authorization", lambda _: header))
    assert answer.status in (400, 403)
    assert answer.code in ("AuthorizationHeaderMalformed", "AccessDenied", "InvalidRequest", "MissingSecurityHeader",
                           "InvalidArgument", "InvalidAccessKeyId", "SignatureDoesNotMatch"), answer


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-meta-m"])
def test_signed_headers_cannot_be_changed(wire, path, name):
    answer = wire.put(path, body=b"x", headers={"x-amz-meta-m": "1"}, prepare=changed(name, lambda v: v[:-1] + ("2" if v[-1] != "2" else "3")))
    assert answer.status in (400, 403), answer
    assert wire.get(path).body == b"there"


def test_amz_headers_must_be_signed(wire, path):
    def add(headers):
        headers["x-amz-meta-smuggled"] = "1"
    answer = wire.put(path, body=b"x", prepare=add)
    assert answer.status == 403
    assert "x-amz-meta-smuggled" not in wire.head(path).headers


@pytest.mark.parametrize("key", ["a b", "a+b", "a%2Fb", "a//b", "a/./b", "a/../b", "ä", "~-._", "(a)!*'", "a=b&c", "$@:;,", "%41", "a%"])
def test_odd_keys_are_canonical_alike(s3, wire, bucket, key):
    """Our own signer and botocore's must both agree with the server."""
    assert wire.put(f"/{bucket}/{key}", body=key.encode()).status == 200
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()


@pytest.mark.parametrize("value", ["a b", "a+b", "a%2Fb", "ä=&", "", "/"])
def test_odd_query_values_are_canonical_alike(wire, bucket, value):
    assert wire.get(f"/{bucket}", query={"prefix": value, "list-type": "2"}).status == 200


def test_an_empty_security_token_counts_as_none(wire, path):
    assert wire.get(path, headers={"x-amz-security-token": ""}).status == 200


def test_a_security_token_nobody_gave_is_refused(wire, path):
    answer = wire.get(path, headers={"x-amz-security-token": "made-up"})
    assert (answer.status, answer.code) == (403, "InvalidTokenId") or answer.code == "InvalidToken"


def test_the_secret_is_in_no_log(server, path):
    from harness.server import SECRET_KEY
    assert SECRET_KEY not in server.log_text()
