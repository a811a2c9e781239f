"""CopyObject and UploadPartCopy, by reference: what is copied, kept and refused."""

import pytest

MIB = 1 << 20


@pytest.fixture
def source(s3, bucket, rng):
    body = rng.randbytes(6 * MIB + 77)
    s3.put_object(Bucket=bucket, Key="from/source", Body=body, ContentType="a/b", Metadata={"m": "1"}, CacheControl="private",
                  Tagging="t=1", ChecksumAlgorithm="SHA256")
    return body


def copy(wire, bucket, key="copy", source="from/source", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire.put(f"/{bucket}/{key}", headers={"x-amz-copy-source": f"/{bucket}/{source}"} | given)


def test_a_copy_has_bytes_headers_and_tags_of_its_source(s3, wire, bucket, source):
    answer = copy(wire, bucket)
    assert answer.status == 200
    assert answer.xml().tag == "CopyObjectResult"
    before, after = (s3.head_object(Bucket=bucket, Key=k, ChecksumMode="ENABLED") for k in ("from/source", "copy"))
    assert answer.text("ETag") == before["ETag"] == after["ETag"]
    assert [after[n] for n in ("ContentType", "Metadata", "CacheControl")] == ["a/b", {"m": "1"}, "private"]
    assert after["ChecksumSHA256"] == before["ChecksumSHA256"] == answer.text("ChecksumSHA256")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == source
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_a_copy_outlives_its_source(s3, wire, bucket, source):
    copy(wire, bucket)
    s3.delete_object(Bucket=bucket, Key="from/source")
    copy(wire, bucket, key="second", source="copy")
    s3.put_object(Bucket=bucket, Key="copy", Body=b"other")
    assert s3.get_object(Bucket=bucket, Key="second")["Body"].read() == source


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1])
def test_small_bodies_are_copied_too(s3, wire, bucket, rng, size):
    body = rng.randbytes(size)
    s3.put_object(Bucket=bucket, Key="small", Body=body)
    assert copy(wire, bucket, source="small").status == 200
    s3.delete_object(Bucket=bucket, Key="small")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body


def test_a_copy_between_buckets(s3, wire, bucket, source):
    s3.create_bucket(Bucket=f"{bucket}-2")
    assert wire.put(f"/{bucket}-2/k", headers={"x-amz-copy-source": f"{bucket}/from%2Fsource"}).status == 200
    s3.delete_object(Bucket=bucket, Key="from/source")
    assert s3.get_object(Bucket=f"{bucket}-2", Key="k")["Body"].read() == source


def test_directives_replace_metadata_and_tags(s3, wire, bucket, source):
    answer = copy(wire, bucket, x_amz_metadata_directive="REPLACE", x_amz_tagging_directive="REPLACE", content_type="c/d",
                  x_amz_meta_new="2", x_amz_tagging="n=2")
    assert answer.status == 200
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"], head.get("CacheControl")) == ("c/d", {"new": "2"}, None)
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "n", "Value": "2"}]


def test_an_unknown_directive_is_refused(wire, bucket, source):
    assert copy(wire, bucket, x_amz_metadata_directive="KEEP").code == "InvalidArgument"


def test_a_copy_onto_itself_must_change_something(s3, wire, bucket, source):
    refused = copy(wire, bucket, key="from/source")
    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert copy(wire, bucket, key="from/source", x_amz_metadata_directive="REPLACE", x_amz_meta_changed="1").status == 200
    got = s3.get_object(Bucket=bucket, Key="from/source")
    assert (got["Body"].read(), got["Metadata"]) == (source, {"changed": "1"})


def test_conditions_on_the_source(s3, wire, bucket, source):
    etag = s3.head_object(Bucket=bucket, Key="from/source")["ETag"]
    assert copy(wire, bucket, x_amz_copy_source_if_match=etag).status == 200
    assert copy(wire, bucket, x_amz_copy_source_if_none_match='"x"').status == 200
    own = wire.head(f"/{bucket}/from/source").headers["last-modified"]
    for headers in ({"x_amz_copy_source_if_match": '"x"'}, {"x_amz_copy_source_if_none_match": etag},
                    {"x_amz_copy_source_if_unmodified_since": "Thu, 01 Dec 1994 16:00:00 GMT"},
                    {"x_amz_copy_source_if_modified_since": own}):
        refused = copy(wire, bucket, key="other", **headers)
        assert (refused.status, refused.code) == (412, "PreconditionFailed"), headers
    assert wire.head(f"/{bucket}/other").status == 404


def test_conditions_on_the_destination(s3, wire, bucket, source):
    s3.put_object(Bucket=bucket, Key="there", Body=b"there")
    assert copy(wire, bucket, key="there", if_none_match="*").code == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="there")["Body"].read() == b"there"
    etag = s3.head_object(Bucket=bucket, Key="there")["ETag"]
    assert copy(wire, bucket, key="there", if_match='"x"').code == "PreconditionFailed"
    assert copy(wire, bucket, key="there", if_match=etag).status == 200
    assert copy(wire, bucket, key="fresh", if_none_match="*").status == 200


@pytest.mark.parametrize("given, status, code", [
    ("no-such-bucket-anywhere/k", 404, "NoSuchBucket"), ("{bucket}/none", 404, "NoSuchKey"), ("{bucket}", 400, "InvalidArgument"),
    ("", 400, "InvalidArgument"), ("{bucket}/from/source?versionId=abc", 400, "InvalidArgument")])
def test_a_source_that_is_not_there(wire, bucket, source, given, status, code):
    answer = wire.put(f"/{bucket}/copy", headers={"x-amz-copy-source": given.format(bucket=bucket)})
    assert (answer.status, answer.code) == (status, code)


def test_a_source_with_odd_characters(s3, wire, bucket):
    key = "a b+c/ä?x=1%"
    s3.put_object(Bucket=bucket, Key=key, Body=b"odd")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"odd"


def test_a_copy_can_be_given_another_checksum(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/from/source", ChecksumAlgorithm="CRC32")
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    s3.put_object(Bucket=bucket, Key="again", Body=source, ChecksumAlgorithm="CRC32")
    assert head["ChecksumCRC32"] == s3.head_object(Bucket=bucket, Key="again", ChecksumMode="ENABLED")["ChecksumCRC32"]


def test_parts_can_be_ranges_of_objects(s3, wire, bucket, source):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="made")["UploadId"]
    ranges = [(1, 5 * MIB + 1), (0, 5 * MIB - 1), (6 * MIB, 6 * MIB + 76)]
    parts = []
    for number, (first, last) in enumerate(ranges, 1):
        answer = s3.upload_part_copy(Bucket=bucket, Key="made", UploadId=upload, PartNumber=number,
                                     CopySource=f"{bucket}/from/source", CopySourceRange=f"bytes={first}-{last}")
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    s3.delete_object(Bucket=bucket, Key="from/source")
    s3.complete_multipart_upload(Bucket=bucket, Key="made", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="made")["Body"].read() == b"".join(source[a:b + 1] for a, b in ranges)


@pytest.mark.parametrize("spec", ["bytes=0-99999999", "bytes=5-4", "bytes=-5", "0-4"])
def test_a_part_range_must_lie_in_the_source(s3, wire, bucket, source, spec):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="made")["UploadId"]
    answer = wire.put(f"/{bucket}/made", query={"partNumber": "1", "uploadId": upload},
                      headers={"x-amz-copy-source": f"{bucket}/from/source", "x-amz-copy-source-range": spec})
    assert answer.status in (400, 416) and answer.code in ("InvalidArgument", "InvalidRange")


def test_a_copy_of_a_multipart_object_keeps_its_etag(s3, wire, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="mp")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="mp", UploadId=upload, PartNumber=n, Body=b)["ETag"]}
             for n, b in ((1, b"x" * 5 * MIB), (2, b"y"))]
    s3.complete_multipart_upload(Bucket=bucket, Key="mp", UploadId=upload, MultipartUpload={"Parts": parts})
    answer = copy(wire, bucket, source="mp")
    assert answer.text("ETag") == s3.head_object(Bucket=bucket, Key="mp")["ETag"]
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"x" * 5 * MIB + b"y"
