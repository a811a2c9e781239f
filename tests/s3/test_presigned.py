"""Presigned URLs: what they allow, for how long, and that nothing of them can be changed."""

import datetime
import urllib.request

import pytest

from harness import sigv4


@pytest.fixture
def there(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"there")
    return f"/{bucket}/k"


def send(wire, method, target, body=b"", headers=None):
    return wire.send(method, target, {"host": wire.host} | (headers or {}), body)


def test_a_url_reads(wire, there):
    assert send(wire, "GET", wire.presigned("GET", there)).body == b"there"


def test_a_url_writes(wire, bucket):
    assert send(wire, "PUT", wire.presigned("PUT", f"/{bucket}/new"), b"by url").status == 200
    assert wire.get(f"/{bucket}/new").body == b"by url"


def test_boto3s_urls_work(server, bucket):
    s3 = server.client(signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="a b+ä", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b+ä", "ResponseContentType": "a/b"})
    with urllib.request.urlopen(url) as answer:
        assert (answer.read(), answer.headers["content-type"]) == (b"x", "a/b")


def test_a_url_may_be_used_again_while_it_lasts(wire, there):
    target = wire.presigned("GET", there)
    assert [send(wire, "GET", target).status for _ in range(3)] == [200] * 3


def test_a_url_is_for_one_method(wire, there):
    for method in ("PUT", "DELETE", "HEAD"):
        assert send(wire, method, wire.presigned("GET", there)).status == 403


@pytest.mark.parametrize("change", [lambda t: t.replace("/k?", "/l?"), lambda t: t + "&versionId=1",
                                    lambda t: t.replace("Expires=300", "Expires=301"), lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"),
                                    lambda t: t.replace("SignedHeaders=host", "SignedHeaders=host%3Bdate"),
                                    lambda t: t.replace("us-east-1", "us-east-2")])
def test_nothing_of_a_url_can_be_changed(wire, there, change):
    answer = send(wire, "GET", change(wire.presigned("GET", there)))
    assert answer.status in (400, 403), answer


def test_a_url_expires(wire, there):
    past = sigv4.now() - datetime.timedelta(seconds=310)
    answer = send(wire, "GET", wire.presigned("GET", there, when=past))
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert send(wire, "GET", wire.presigned("GET", there, when=past, expires=600)).status == 200


def test_a_url_of_the_future_is_not_valid_yet(wire, there):
    future = sigv4.now() + datetime.timedelta(minutes=20)
    assert send(wire, "GET", wire.presigned("GET", there, when=future)).status == 403


@pytest.mark.parametrize("expires", [604_801, -1, "x", ""])
def test_a_url_lasts_a_week_at_most(wire, there, expires):
    answer = send(wire, "GET", wire.presigned("GET", there, expires=expires))
    assert (answer.status, answer.code) == (400, "AuthorizationQueryParametersError")


def test_the_host_must_be_signed(wire, there):
    signer, when = wire.signer, sigv4.now()
    query = [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{signer.access_key}/{signer.scope(when)}"),
             ("X-Amz-Date", f"{when:%Y%m%dT%H%M%SZ}"), ("X-Amz-Expires", "300"), ("X-Amz-SignedHeaders", "x-amz-date")]
    headers = {"x-amz-date": f"{when:%Y%m%dT%H%M%SZ}"}
    signature = signer.signature(when, signer.canonical("GET", there, query, headers, ["x-amz-date"], sigv4.UNSIGNED))
    target = f"{there}?{sigv4.canonical_query(query)}&X-Amz-Signature={signature}"
    assert send(wire, "GET", target, headers=headers).status in (400, 403)


def test_signed_headers_must_come(wire, bucket):
    target = wire.presigned("PUT", f"/{bucket}/k", headers={"content-type": "a/b"})
    assert send(wire, "PUT", target, b"x").status == 403
    assert send(wire, "PUT", target, b"x", headers={"content-type": "c/d"}).status == 403
    assert send(wire, "PUT", target, b"x", headers={"content-type": "a/b"}).status == 200


def test_headers_in_the_query_count(wire, there, bucket):
    """SDKs put x-amz-* headers into the URL they presign."""
    query = [("x-amz-meta-a", "1 2"), ("x-amz-tagging", "t=1"), ("x-amz-storage-class", "STANDARD_IA")]
    assert send(wire, "PUT", wire.presigned("PUT", f"/{bucket}/new", query), b"x").status == 200
    headers = wire.head(f"/{bucket}/new").headers
    assert [headers[n] for n in ("x-amz-meta-a", "x-amz-tagging-count", "x-amz-storage-class")] == ["1 2", "1", "STANDARD_IA"]
    assert send(wire, "PUT", wire.presigned("PUT", f"/{bucket}/copy", [("x-amz-copy-source", f"{bucket}/k")])).status == 200
    assert wire.get(f"/{bucket}/copy").body == b"there"


def test_a_checksum_in_the_query_is_not_that_of_the_body(wire, bucket):
    """aws-sdk-js presigns the CRC32 of a body it does not have."""
    query = [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "CRC32")]
    assert send(wire, "PUT", wire.presigned("PUT", f"/{bucket}/k", query), b"a body").status == 200
    assert wire.get(f"/{bucket}/k").body == b"a body"


def test_a_header_in_the_query_has_no_line_break(wire, bucket):
    answer = send(wire, "PUT", wire.presigned("PUT", f"/{bucket}/k", [("x-amz-meta-a", "1\r\nset-cookie: x")]), b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("missing", ["X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"])
def test_no_parameter_may_be_missing(wire, there, missing):
    path, query = wire.presigned("GET", there).split("?")
    kept = "&".join(p for p in query.split("&") if not p.startswith(missing + "="))
    answer = send(wire, "GET", f"{path}?{kept}")
    assert answer.status in (400, 403)


def test_a_url_and_a_header_are_one_too_many(wire, there):
    headers = {"host": wire.host}
    wire.signer.authorize("GET", there, [], headers, sigv4.EMPTY_SHA256)
    answer = send(wire, "GET", wire.presigned("GET", there), headers=headers)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_credential_in_the_url_does_not_sign_an_unsigned_trailer(wire, bucket):
    """CVE-2025-31489 and CVE-2026-41145: the access key alone wrote objects."""
    query = f"X-Amz-Credential={wire.signer.access_key}/{wire.signer.scope(sigv4.now())}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
    headers = {"x-amz-content-sha256": sigv4.UNSIGNED_TRAILER, "x-amz-decoded-content-length": "3", "x-amz-trailer": "x-amz-checksum-crc32"}
    answer = send(wire, "PUT", f"/{bucket}/forged?{query}", b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", headers)
    assert answer.status in (400, 403)
    assert wire.get(f"/{bucket}/forged").code == "NoSuchKey"
