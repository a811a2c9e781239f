"""Signature Version 2, which boto3 and awscli still presign with: what it lets in, and what it can't."""

import base64
import hashlib
import hmac
import time
import urllib.error
import urllib.parse
import urllib.request
from email.utils import formatdate

import pytest


@pytest.fixture
def there(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"there")
    return f"/{bucket}/k"


@pytest.fixture
def old(server):
    """boto3 as it comes: what it presigns is of version 2, what it sends of version 4."""
    return server.client()


def send(wire, method, target, body=b"", headers=None):
    return wire.send(method, target, {"host": wire.host} | (headers or {}), body)


def mac(wire, text):
    return base64.b64encode(hmac.new(wire.signer.secret_key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def presigned(wire, method, resource, query="", seconds=60, amz=""):
    """`resource`: path and signed sub-resources; `query`: what is sent beside them, unsigned."""
    expires = int(time.time()) + seconds
    signature = mac(wire, f"{method}\n\n\n{expires}\n{amz}{resource}")
    return (resource + ("&" if "?" in resource else "?") + query +
            f"&AWSAccessKeyId={wire.signer.access_key}&Expires={expires}&Signature={urllib.parse.quote(signature, safe='')}")


def target_of(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_boto3s_own_urls_read_write_and_delete(old, wire, bucket):
    key = "a b+ä/(c)"
    put = old.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    assert "Signature=" in put and "X-Amz-Algorithm" not in put
    assert send(wire, "PUT", target_of(put), b"by url").status == 200
    get = old.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key, "ResponseContentType": "a/b; c=d"})
    answer = send(wire, "GET", target_of(get))
    assert (answer.body, answer.headers["content-type"]) == (b"by url", "a/b; c=d")
    assert send(wire, "HEAD", target_of(old.generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": key}))).status == 200
    assert send(wire, "DELETE", target_of(old.generate_presigned_url("delete_object", Params={"Bucket": bucket, "Key": key}))).status == 204
    assert send(wire, "GET", target_of(get)).status == 404


def test_boto3s_own_urls_list_and_upload_parts(old, wire, bucket):
    upload = old.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    url = old.generate_presigned_url("upload_part", Params={"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1})
    assert send(wire, "PUT", target_of(url), b"part").status == 200
    parts = old.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    old.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
                                  MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": parts[0]["ETag"]}]})
    url = old.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "Prefix": "k"})
    assert send(wire, "GET", target_of(url)).texts("Contents/Key") == ["k"]


def test_what_the_url_says_of_the_object_is_kept(old, wire, bucket):
    url = old.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"a": "1 2"}, "Tagging": "t=1",
                                                           "ContentType": "text/x-snow"})
    assert send(wire, "PUT", target_of(url), b"x").code == "SignatureDoesNotMatch", "the content type must come"
    assert send(wire, "PUT", target_of(url), b"x", {"content-type": "text/x-snow"}).status == 200
    headers = wire.get(f"/{bucket}/k").headers
    assert (headers["content-type"], headers["x-amz-meta-a"], headers["x-amz-tagging-count"]) == ("text/x-snow", "1 2", "1")


def test_a_copy_source_in_the_url_is_a_copy(old, wire, there, bucket):
    url = old.generate_presigned_url("copy_object", Params={"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k"})
    assert send(wire, "PUT", target_of(url)).status == 200
    assert wire.get(f"/{bucket}/copy").body == b"there"


def test_a_url_expires(wire, there):
    answer = send(wire, "GET", presigned(wire, "GET", there, seconds=-1))
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert send(wire, "GET", presigned(wire, "GET", there, seconds=5)).status == 200


def test_a_url_is_for_one_method_one_key_and_one_secret(wire, there):
    target = presigned(wire, "GET", there)
    for method in ("PUT", "DELETE", "HEAD"):
        assert send(wire, method, target).status == 403
    assert send(wire, "GET", target.replace("/k?", "/l?")).code == "SignatureDoesNotMatch"
    assert send(wire, "GET", target.replace("AWSAccessKeyId=", "AWSAccessKeyId=x")).code == "InvalidAccessKeyId"
    assert send(wire, "GET", target.replace("Expires=", "Expires=9")).code == "SignatureDoesNotMatch"
    assert wire.get(there).body == b"there"


@pytest.mark.parametrize("added", ["versionId=1", "partNumber=1", "response-content-type=a", "acl", "tagging", "attributes", "renameObject",
                                   "legal-hold", "x-amz-meta-a=1", "x-amz-copy-source=a/b"])
def test_nothing_that_counts_can_be_added_to_a_url(wire, there, added):
    for method in ("GET", "PUT"):
        assert send(wire, method, presigned(wire, method, there) + "&" + added).status == 403
    assert wire.get(there).body == b"there"


def test_headers_that_count_cannot_be_added_to_a_url(wire, there):
    target = presigned(wire, "PUT", there)
    for name in ("x-amz-copy-source", "x-amz-meta-a", "content-type", "content-md5"):
        assert send(wire, "PUT", target, b"forged", {name: "a"}).code == "SignatureDoesNotMatch"
    assert wire.get(there).body == b"there"


def test_one_parameter_does_not_pass_for_two(wire, there):
    target = presigned(wire, "GET", there + "?response-content-type=a&versionId=null")
    assert send(wire, "GET", target).status == 200
    assert send(wire, "GET", target.replace("a&versionId=null", "a%26versionId%3Dnull")).status == 403


def test_a_header_in_the_query_has_no_line_break(wire, bucket):
    target = presigned(wire, "PUT", f"/{bucket}/k", query="x-amz-meta-a=1%0D%0Aset-cookie:x", amz="x-amz-meta-a:1\r\nset-cookie:x\n")
    assert send(wire, "PUT", target, b"x").code == "InvalidArgument"
    assert wire.get(f"/{bucket}/k").status == 404


def test_version_2_in_a_header(wire, there):
    date = formatdate(usegmt=True)
    headers = {"date": date, "authorization": f"AWS {wire.signer.access_key}:" + mac(wire, f"GET\n\n\n{date}\n{there}")}
    assert send(wire, "GET", there, headers=headers).body == b"there"
    assert send(wire, "DELETE", there, headers=headers).code == "SignatureDoesNotMatch"
    early = formatdate(time.time() - 1000, usegmt=True)
    headers = {"date": early, "authorization": f"AWS {wire.signer.access_key}:" + mac(wire, f"GET\n\n\n{early}\n{there}")}
    assert send(wire, "GET", there, headers=headers).code == "RequestTimeTooSkewed"


def test_version_2_does_not_administrate(wire):
    path = "/firn/admin/v1/status"
    assert wire.get(path).status == 200
    assert send(wire, "GET", presigned(wire, "GET", path)).code == "AccessDenied"
    date = formatdate(usegmt=True)
    headers = {"date": date, "authorization": f"AWS {wire.signer.access_key}:" + mac(wire, f"GET\n\n\n{date}\n{path}")}
    assert send(wire, "GET", path, headers=headers).code == "AccessDenied"


def test_version_2_covers_no_stream(wire, bucket):
    amz = "x-amz-content-sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"
    target = presigned(wire, "PUT", f"/{bucket}/k", amz=amz)
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-length": "0"}
    assert send(wire, "PUT", target, headers=headers).code == "AccessDenied"


def test_buckets_of_the_host_are_part_of_what_is_signed(make_server):
    server = make_server(flags=["--domain", "firn.test"]).start()
    wire, s3 = server.wire(), server.client()
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"virtual")
    expires = int(time.time()) + 60
    signature = urllib.parse.quote(mac(wire, f"GET\n\n\n{expires}\n/bkt/k"), safe="")
    target = f"/k?AWSAccessKeyId={server.access_key}&Expires={expires}&Signature={signature}"
    assert wire.send("GET", target, {"host": "bkt.firn.test"}).body == b"virtual"
    assert wire.send("GET", target, {"host": "bkt2.firn.test"}).code == "SignatureDoesNotMatch"
