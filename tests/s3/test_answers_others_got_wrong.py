"""One test for each wrong answer known of a store that Firn replaces."""

from harness.wire import md5_header

MIB = 1 << 20


def start(s3, bucket, key="k", **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def complete_body(etag):
    return f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()


def test_a_delete_with_a_wrong_if_match_removes_nothing(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"kept")
    assert wire.delete(f"/{bucket}/k", headers={"if-match": '"d41d8cd98f00b204e9800998ecf8427e"'}).status == 412
    assert wire.get(f"/{bucket}/k").body == b"kept"


def test_a_batch_delete_with_a_wrong_etag_removes_nothing(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"kept")
    body = b'<Delete><Object><Key>k</Key><ETag>"x"</ETag></Object></Delete>'
    answer = wire.post(f"/{bucket}", body=body, query=[("delete", None)], headers={"content-md5": md5_header(body)})
    assert answer.text("Error/Code") == "PreconditionFailed"
    assert wire.get(f"/{bucket}/k").body == b"kept"


def test_unknown_sub_resources_do_not_empty_the_object(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"kept")
    for name in ("renameobject", "annotation", "brandNew", "legal-hold", "retention"):
        assert wire.put(f"/{bucket}/k", query=[(name, None)]).status == 501
        assert wire.get(f"/{bucket}/k").body == b"kept"


def test_a_copy_obeys_if_none_match(wire, bucket):
    wire.put(f"/{bucket}/a", body=b"a")
    wire.put(f"/{bucket}/b", body=b"b")
    answer = wire.put(f"/{bucket}/b", headers={"x-amz-copy-source": f"{bucket}/a", "if-none-match": "*"})
    assert answer.status == 412
    assert wire.get(f"/{bucket}/b").body == b"b"


def test_uploads_are_found_by_prefix(s3, bucket):
    start(s3, bucket, "table/__magic/job/task/part-0")
    start(s3, bucket, "table/__magic/job/task/part-1")
    start(s3, bucket, "other")
    found = s3.list_multipart_uploads(Bucket=bucket, Prefix="table/__magic/")["Uploads"]
    assert [u["Key"] for u in found] == ["table/__magic/job/task/part-0", "table/__magic/job/task/part-1"]


def test_a_replayed_complete_is_200_with_the_same_etag(s3, wire, bucket):
    upload = start(s3, bucket)
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    answers = [wire.post(f"/{bucket}/k", body=complete_body(etag), query={"uploadId": upload}) for _ in range(3)]
    assert [a.status for a in answers] == [200] * 3
    assert len({a.text("ETag") for a in answers}) == 1


def test_part_copies_work_where_a_checksum_was_named(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=b"x" * 5 * MIB)
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        upload = start(s3, bucket, ChecksumAlgorithm=algorithm)
        part = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/source")["CopyPartResult"]
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": part["ETag"], f"Checksum{algorithm}": part[f"Checksum{algorithm}"]}]})
        assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"]


def test_the_next_marker_is_a_key_and_nothing_else(wire, bucket):
    for key in ("a/1", "b/1", "c"):
        wire.put(f"/{bucket}/{key}", body=b"")
    page = wire.get(f"/{bucket}", query={"delimiter": "/", "max-keys": "1"})
    assert page.text("NextMarker") == "a/"
    page = wire.get(f"/{bucket}", query={"delimiter": "/", "max-keys": "2", "marker": "a/"})
    assert (page.texts("CommonPrefixes/Prefix"), page.texts("Contents/Key")) == (["b/"], ["c"])


def test_a_space_is_no_plus_in_url_encoded_listings(wire, bucket):
    wire.put(f"/{bucket}/a b+c", body=b"")
    assert wire.get(f"/{bucket}", query={"encoding-type": "url"}).text("Contents/Key") == "a%20b%2Bc"


def test_an_unknown_upload_cannot_be_aborted(wire, bucket):
    answer = wire.delete(f"/{bucket}/k", query={"uploadId": "0123456789abcdef0123456789abcdef"})
    assert (answer.status, answer.code) == (404, "NoSuchUpload")


def test_the_checksum_type_is_told_and_the_default_is_crc64nvme(wire, bucket):
    put = wire.put(f"/{bucket}/k", body=b"x")
    assert (put.headers["x-amz-checksum-type"], bool(put.headers["x-amz-checksum-crc64nvme"])) == ("FULL_OBJECT", True)


def test_a_single_part_object_has_no_object_parts(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"x")
    answer = wire.get(f"/{bucket}/k", query=[("attributes", None)], headers={"x-amz-object-attributes": "ObjectParts,ETag"})
    assert answer.status == 200
    assert answer.xml().find("ObjectParts") is None


def test_a_key_and_keys_below_it_live_side_by_side(wire, bucket):
    for key in ("a/b", "a/b/c", "a", "a/", "a/b/"):
        assert wire.put(f"/{bucket}/{key}", body=key.encode()).status == 200
    for key in ("a/b", "a/b/c", "a", "a/", "a/b/"):
        assert wire.get(f"/{bucket}/{key}").body == key.encode()
    wire.delete(f"/{bucket}/a/b")
    assert wire.get(f"/{bucket}/a/b/c").body == b"a/b/c"
