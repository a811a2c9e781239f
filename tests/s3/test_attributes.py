"""GetObjectAttributes."""

import pytest

MIB = 1 << 20
ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_a_single_object_has_no_parts(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"abc", ChecksumAlgorithm="SHA1")["ETag"].strip('"')
    answer = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert (answer["ETag"], answer["ObjectSize"], answer["StorageClass"]) == (etag, 3, "STANDARD")
    assert answer["Checksum"]["ChecksumSHA1"] and answer["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in answer
    assert answer["LastModified"]


def test_only_what_is_asked_is_told(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    answer = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert answer["ObjectSize"] == 3
    assert not {"ETag", "Checksum", "StorageClass"} & answer.keys()


def test_parts_are_listed_page_by_page(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    bodies = [b"x" * 5 * MIB, b"y" * 5 * MIB, b"z"]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    page = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL, MaxParts=2)["ObjectParts"]
    assert (page["TotalPartsCount"], page["IsTruncated"], page["NextPartNumberMarker"]) == (3, True, 2)
    assert [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in page["Parts"]] == [
        (p["PartNumber"], len(b), p["ChecksumSHA256"]) for p, b in zip(parts[:2], bodies)]
    rest = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL, PartNumberMarker=2)["ObjectParts"]
    assert ([p["PartNumber"] for p in rest["Parts"]], rest["IsTruncated"]) == ([3], False)


@pytest.mark.parametrize("asked, code", [(None, "InvalidArgument"), ("Nonsense", "InvalidArgument")])
def test_attributes_must_be_named(wire, bucket, asked, code):
    wire.put(f"/{bucket}/k", body=b"x")
    headers = {"x-amz-object-attributes": asked} if asked else {}
    answer = wire.get(f"/{bucket}/k", query=[("attributes", None)], headers=headers)
    assert (answer.status, answer.code) == (400, code)


def test_a_missing_key_has_none(wire, bucket):
    answer = wire.get(f"/{bucket}/none", query=[("attributes", None)], headers={"x-amz-object-attributes": "ETag"})
    assert (answer.status, answer.code) == (404, "NoSuchKey")
