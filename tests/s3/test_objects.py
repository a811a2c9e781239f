"""PutObject, GetObject, HeadObject and DeleteObject: bytes, names and headers come back as they went."""

import email.utils
import hashlib
import time

import pytest
from botocore.exceptions import ClientError

from harness.wire import md5_header

KIB, MIB = 1 << 10, 1 << 20

# Around every boundary of the layout: pages, inline bodies, chunks and stripes of 4+2.
SIZES = [0, 1, 3, 4, 5, 4095, 4096, 4097, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 20 * KIB, 64 * KIB, 256 * KIB + 1, MIB - 1, MIB,
         MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB + 4097, 13 * MIB + 5]


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back_as_they_went(s3, bucket, rng, size):
    body = rng.randbytes(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])


KEYS = ["plain", "a/b", "a/b/c", "a", "//", "/", "a//b", "..", "a/../b", ".", "./x", "trailing/", "with space", "plus+plus",
        "percent%20", "percent%", "q?a=b&c", "hash#tag", "ünïcödé/日本語/🧊", "quote\"'<>&", "back\\slash", "tab\tnew\nline",
        "semi;colon,comma", "a" * 1024, "é" * 512, "~tilde-._", "*(){}[]^`|", "\u202e rtl", "x\x7f", "\x01low"]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key[:20]))
def test_a_key_is_any_text(s3, bucket, key):
    body = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    listed = s3.list_objects_v2(Bucket=bucket, )
    assert [entry["Key"] for entry in listed["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ClientError):
        s3.head_object(Bucket=bucket, Key=key)


def test_keys_that_other_stores_confuse_live_side_by_side(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    listed = [e["Key"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=str.encode)


@pytest.mark.parametrize("key", ["a" * 1025, "é" * 513])
def test_a_key_beyond_1024_bytes_is_refused(wire, bucket, key):
    answer = wire.put(f"/{bucket}/{key}", body=b"x")
    assert (answer.status, answer.code) == (400, "KeyTooLongError")


def test_a_key_that_is_no_utf_8_is_refused(wire, bucket):
    answer = wire.put("/", raw_path=f"/{bucket}/%ff%fe", body=b"x")
    assert answer.status == 400


def test_headers_of_the_content_come_back(s3, bucket):
    given = {"ContentType": "text/x-snow; charset=utf-8", "ContentEncoding": "gzip", "CacheControl": "max-age=60, private",
             "ContentDisposition": 'attachment; filename="ice.txt"', "ContentLanguage": "de, en"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires="Thu, 01 Dec 2044 16:00:00 GMT", **given)
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in given} == given
        assert answer["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Thu, 01 Dec 2044 16:00:00 GMT"


def test_the_default_content_type_is_binary(s3, wire, bucket):
    wire.put(f"/{bucket}/k", body=b"x")
    assert wire.head(f"/{bucket}/k").headers["content-type"] == "binary/octet-stream"


def test_user_metadata_comes_back(s3, bucket):
    metadata = {"one": "1", "mixed-case": "Value With Spaces", "x-hadoop-s3a-magic-data-length": "12345"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata)
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == metadata
    assert s3.get_object(Bucket=bucket, Key="k")["Metadata"] == metadata


def test_user_metadata_beyond_2_kib_is_refused(wire, bucket):
    answer = wire.put(f"/{bucket}/k", body=b"x", headers={"x-amz-meta-large": "v" * 2048})
    assert (answer.status, answer.code) == (400, "MetadataTooLarge")
    assert wire.put(f"/{bucket}/k", body=b"x", headers={"x-amz-meta-a": "v" * 2000}).status == 200


def test_the_storage_class_is_shown_unless_it_is_standard(wire, bucket):
    wire.put(f"/{bucket}/ia", body=b"x", headers={"x-amz-storage-class": "STANDARD_IA"})
    wire.put(f"/{bucket}/plain", body=b"x", headers={"x-amz-storage-class": "STANDARD"})
    assert wire.head(f"/{bucket}/ia").headers["x-amz-storage-class"] == "STANDARD_IA"
    assert "x-amz-storage-class" not in wire.head(f"/{bucket}/plain").headers
    assert wire.get(f"/{bucket}").texts("Contents/StorageClass") == ["STANDARD_IA", "STANDARD"]
    refused = wire.put(f"/{bucket}/odd", body=b"x", headers={"x-amz-storage-class": "ODD"})
    assert (refused.status, refused.code) == (400, "InvalidStorageClass")


def test_responses_can_be_given_other_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="a/b")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="c/d", ResponseCacheControl="no-cache",
                        ResponseContentDisposition="inline", ResponseContentEncoding="br", ResponseContentLanguage="fr",
                        ResponseExpires="Thu, 01 Dec 1994 16:00:00 GMT")
    headers = got["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["content-type"], headers["cache-control"], headers["content-disposition"]) == ("c/d", "no-cache", "inline")
    assert (headers["content-encoding"], headers["content-language"]) == ("br", "fr")
    assert headers["expires"] == "Thu, 01 Dec 1994 16:00:00 GMT"


def test_a_later_object_replaces_all_of_the_earlier(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"a" * 100_000, Metadata={"old": "1"}, ContentType="a/a")
    s3.put_object(Bucket=bucket, Key="k", Body=b"b")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"b", {}, "binary/octet-stream")


def test_the_modification_time_is_that_of_the_put(wire, bucket):
    before = int(time.time())
    wire.put(f"/{bucket}/k", body=b"x")
    head = wire.head(f"/{bucket}/k")
    modified = email.utils.parsedate_to_datetime(head.headers["last-modified"]).timestamp()
    assert before - 1 <= modified <= time.time() + 1
    assert wire.get(f"/{bucket}/k").headers["last-modified"] == head.headers["last-modified"]


def test_deleting_is_idempotent(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for _ in range(2):
        answer = wire.delete(f"/{bucket}/k")
        assert (answer.status, answer.body) == (204, b"")
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


def test_a_missing_key_is_named_in_the_answer(wire, bucket):
    answer = wire.get(f"/{bucket}/no/such")
    assert (answer.status, answer.code, answer.text("Key")) == (404, "NoSuchKey", "no/such")
    assert answer.text("RequestId") == answer.headers["x-amz-request-id"]
    head = wire.head(f"/{bucket}/no/such")
    assert (head.status, head.body) == (404, b"")


def test_content_md5_is_compared(wire, bucket):
    assert wire.put(f"/{bucket}/k", body=b"abc", headers={"content-md5": md5_header(b"abc")}).status == 200
    wrong = wire.put(f"/{bucket}/k", body=b"abd", headers={"content-md5": md5_header(b"abc")})
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    malformed = wire.put(f"/{bucket}/k", body=b"abd", headers={"content-md5": "no digest"})
    assert (malformed.status, malformed.code) == (400, "InvalidDigest")
    assert wire.get(f"/{bucket}/k").body == b"abc", "a refused upload changed the object"


def test_a_wrong_digest_of_a_large_upload_leaves_nothing(wire, bucket):
    body = b"x" * (3 * MIB)
    wrong = wire.put(f"/{bucket}/large", body=body, headers={"content-md5": md5_header(b"other")})
    assert wrong.code == "BadDigest"
    assert wire.get(f"/{bucket}/large").code == "NoSuchKey"


def test_a_body_cut_short_leaves_nothing(wire, bucket):
    with wire.socket() as connection:
        headers = {"host": wire.host, "content-length": "100000"}
        wire.signer.authorize("PUT", f"/{bucket}/cut", [], headers, "UNSIGNED-PAYLOAD")
        head = f"PUT /{bucket}/cut HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        connection.sendall(head.encode() + b"x" * 50_000)
    assert wire.get(f"/{bucket}/cut").code == "NoSuchKey"


def test_an_upload_needs_a_length(wire, bucket):
    with wire.socket() as connection:
        headers = {"host": wire.host}
        wire.signer.authorize("PUT", f"/{bucket}/k", [], headers, "UNSIGNED-PAYLOAD")
        head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 411 ")


def test_more_than_5_gib_in_one_put_is_refused_before_the_body(wire, bucket):
    headers = {"content-length": str(5 * 1024 * MIB + 1)}
    answer = wire.request("PUT", f"/{bucket}/k", headers=headers, payload="UNSIGNED-PAYLOAD")
    assert (answer.status, answer.code) == (400, "EntityTooLarge")


def test_the_payload_digest_is_compared(wire, bucket):
    wrong = wire.put(f"/{bucket}/k", body=b"abc", payload=hashlib.sha256(b"abd").hexdigest())
    assert (wrong.status, wrong.code) == (400, "XAmzContentSHA256Mismatch")
    assert wire.get(f"/{bucket}/k").status == 404


def test_an_unsigned_payload_is_taken(wire, bucket):
    assert wire.put(f"/{bucket}/k", body=b"abc", payload="UNSIGNED-PAYLOAD").status == 200
    assert wire.get(f"/{bucket}/k").body == b"abc"


def test_a_client_that_waits_for_100_continue_gets_it(wire, bucket):
    with wire.socket() as connection:
        headers = {"host": wire.host, "content-length": "5", "expect": "100-continue"}
        wire.signer.authorize("PUT", f"/{bucket}/k", [], headers, "UNSIGNED-PAYLOAD")
        head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert wire.get(f"/{bucket}/k").body == b"hello"


def test_a_client_that_waits_is_refused_without_sending_its_body(wire):
    with wire.socket() as connection:
        headers = {"host": wire.host, "content-length": "5", "expect": "100-continue"}
        wire.signer.authorize("PUT", "/no-such-bucket-anywhere/k", [], headers, "UNSIGNED-PAYLOAD")
        head = "PUT /no-such-bucket-anywhere/k HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 404 ")


def test_one_connection_serves_many_requests(wire, bucket):
    connection = wire.connect()
    for i in range(20):
        headers = {"host": wire.host}
        wire.signer.authorize("PUT", f"/{bucket}/k{i}", [], headers, "UNSIGNED-PAYLOAD")
        connection.request("PUT", f"/{bucket}/k{i}", body=b"x" * i, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        assert not answer.will_close
    connection.close()


def test_requests_have_ids_of_their_own(wire, bucket):
    ids = {wire.head(f"/{bucket}").headers["x-amz-request-id"] for _ in range(5)}
    assert len(ids) == 5
