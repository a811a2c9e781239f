"""DeleteObjects: many keys at once, each with an answer of its own."""

import hashlib
import base64
from xml.sax.saxutils import escape

import pytest

from harness import checksums
from harness.wire import md5_header


def document(keys, quiet=False, extra=""):
    rows = "".join(f"<Object><Key>{escape(k)}</Key>{extra}</Object>" for k in keys)
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}<Quiet>{str(quiet).lower()}</Quiet></Delete>'.encode()


def remove(wire, bucket, body, **headers):
    given = {"content-md5": md5_header(body)} if not headers else {n.replace("_", "-"): v for n, v in headers.items()}
    return wire.post(f"/{bucket}", body=body, query=[("delete", None)], headers=given)


def test_keys_that_are_there_and_keys_that_are_not_are_both_deleted(s3, wire, bucket):
    for key in ("a", "b", "x/y"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = remove(wire, bucket, document(["a", "x/y", "never"]))
    assert (answer.status, answer.xml().tag) == (200, "DeleteResult")
    assert answer.texts("Deleted/Key") == ["a", "x/y", "never"]
    assert [e["Key"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


def test_the_quiet_form_tells_failures_alone(wire, bucket):
    answer = remove(wire, bucket, document(["a"], quiet=True))
    assert (answer.status, answer.texts("Deleted"), answer.texts("Error")) == (200, [], [])


def test_a_thousand_keys_go_at_once(s3, bucket):
    keys = [f"k{i}" for i in range(1000)]
    for key in keys[::50]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys]})["Deleted"]) == 1000
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("count", [0, 1001])
def test_none_and_more_than_a_thousand_are_refused(wire, bucket, count):
    answer = remove(wire, bucket, document([f"k{i}" for i in range(count)]))
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_keys_with_markup_in_them(s3, bucket):
    key = "<a>&\"' b+c\tä"
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})["Deleted"] == [{"Key": key}]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_each_key_may_have_a_condition(s3, wire, bucket):
    etag = s3.put_object(Bucket=bucket, Key="mine", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="changed", Body=b"2")
    rows = f"<Object><Key>mine</Key><ETag>{escape(etag)}</ETag></Object><Object><Key>changed</Key><ETag>{escape(etag)}</ETag></Object>"
    answer = remove(wire, bucket, f"<Delete>{rows}</Delete>".encode())
    assert answer.texts("Deleted/Key") == ["mine"]
    assert (answer.texts("Error/Key"), answer.texts("Error/Code")) == (["changed"], ["PreconditionFailed"])
    assert [e["Key"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["changed"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_any_checksum_guards_the_list(wire, bucket, algorithm):
    body = document(["a"])
    name = f"x_amz_checksum_{algorithm.lower()}"
    assert remove(wire, bucket, body, **{name: checksums.b64(algorithm, body)}).status == 200
    assert remove(wire, bucket, body, **{name: checksums.b64(algorithm, b"other")}).code == "BadDigest"


def test_a_list_without_any_checksum_is_refused(wire, bucket):
    answer = wire.post(f"/{bucket}", body=document(["a"]), query=[("delete", None)])
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_a_wrong_md5_deletes_nothing(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert remove(wire, bucket, document(["a"]), content_md5=wrong).code == "BadDigest"
    assert s3.head_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize("body", [b"", b"<Delete>", b"<Delete><Object></Object></Delete>", b"<Other/>", b"{}",
                                  b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>'])
def test_what_is_no_list_is_refused(wire, bucket, body):
    answer = remove(wire, bucket, body)
    assert answer.status == 400
    assert answer.code in ("MalformedXML", "MissingRequestBodyError", "UserKeyMustBeSpecified")
