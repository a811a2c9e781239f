"""CRC32, CRC32C, CRC64NVME, SHA1 and SHA256: compared, kept, given back; for parts too."""

import pytest

from harness import checksums, sigv4

ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
BODY = b"the quick brown fox" * 1000
LEAST = 5 << 20


def header(algorithm):
    return f"x-amz-checksum-{algorithm.lower()}"


@pytest.mark.parametrize("name, check", [("CRC32", "cbf43926"), ("CRC32C", "e3069283"), ("CRC64NVME", "ae8b14860a799888")])
def test_our_own_checksums_give_the_published_check_values(name, check):
    assert checksums.raw(name, b"123456789").hex() == check


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_is_compared_kept_and_returned(wire, bucket, algorithm):
    value = checksums.b64(algorithm, BODY)
    put = wire.put(f"/{bucket}/k", body=BODY, headers={header(algorithm): value})
    assert (put.status, put.headers[header(algorithm)], put.headers["x-amz-checksum-type"]) == (200, value, "FULL_OBJECT")
    assert header(algorithm) not in wire.get(f"/{bucket}/k").headers
    for verb in (wire.get, wire.head):
        answer = verb(f"/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
        assert (answer.headers[header(algorithm)], answer.headers["x-amz-checksum-type"]) == (value, "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [10, 300_000], ids=["inline", "extent"])
def test_a_wrong_checksum_leaves_nothing(wire, bucket, algorithm, size):
    wrong = checksums.b64(algorithm, b"other")
    answer = wire.put(f"/{bucket}/k", body=b"x" * size, headers={header(algorithm): wrong})
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


@pytest.mark.parametrize("value", ["", "not base64!", "AAAA"])
def test_a_checksum_that_is_none_is_refused(wire, bucket, value):
    answer = wire.put(f"/{bucket}/k", body=b"x", headers={"x-amz-checksum-crc32": value})
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_two_checksums_are_one_too_many(wire, bucket):
    both = {header(a): checksums.b64(a, b"x") for a in ("CRC32", "SHA1")}
    answer = wire.put(f"/{bucket}/k", body=b"x", headers=both)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_an_object_without_a_checksum_gets_crc64nvme(wire, bucket):
    put = wire.put(f"/{bucket}/k", body=BODY)
    assert put.headers["x-amz-checksum-crc64nvme"] == checksums.b64("CRC64NVME", BODY)
    head = wire.head(f"/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert head.headers["x-amz-checksum-crc64nvme"] == checksums.b64("CRC64NVME", BODY)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_boto3_sends_and_verifies_each(s3, bucket, algorithm):
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == BODY
    assert got[f"Checksum{algorithm}"] == checksums.b64(algorithm, BODY)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("mode", [sigv4.UNSIGNED_TRAILER, sigv4.STREAMING_TRAILER])
def test_a_trailing_checksum_is_compared(wire, bucket, algorithm, mode):
    good = [(header(algorithm), checksums.b64(algorithm, BODY))]
    put = wire.put_chunked(f"/{bucket}/k", [BODY[:8192], BODY[8192:]], mode=mode, trailers=good)
    assert (put.status, put.headers[header(algorithm)]) == (200, good[0][1])
    bad = [(header(algorithm), checksums.b64(algorithm, b"other"))]
    refused = wire.put_chunked(f"/{bucket}/bad", [BODY], mode=mode, trailers=bad)
    assert (refused.status, refused.code) == (400, "BadDigest")
    assert wire.get(f"/{bucket}/k").body == BODY
    assert wire.get(f"/{bucket}/bad").code == "NoSuchKey"


def finish(s3, bucket, upload, bodies, algorithm, **more):
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": part["ETag"], f"Checksum{algorithm}": part[f"Checksum{algorithm}"]})
        assert part[f"Checksum{algorithm}"] == checksums.b64(algorithm, body)
    return s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}, **more)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_composite_checksum_is_that_of_the_parts_checksums(s3, bucket, algorithm):
    bodies = [b"x" * LEAST, b"y" * 1000]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType="COMPOSITE")
    assert (upload["ChecksumAlgorithm"], upload["ChecksumType"]) == (algorithm, "COMPOSITE")
    done = finish(s3, bucket, upload["UploadId"], bodies, algorithm)
    expected = checksums.composite(algorithm, bodies)
    assert (done[f"Checksum{algorithm}"], done["ChecksumType"]) == (expected, "COMPOSITE")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, "COMPOSITE")


def test_a_full_object_checksum_is_combined_from_the_parts(s3, bucket):
    bodies = [b"x" * LEAST, b"yz" * 1000]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    done = finish(s3, bucket, upload["UploadId"], bodies, "CRC32", ChecksumType="FULL_OBJECT",
                  ChecksumCRC32=checksums.b64("CRC32", b"".join(bodies)))
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (checksums.b64("CRC32", b"".join(bodies)), "FULL_OBJECT")


def test_a_wrong_checksum_of_the_whole_is_refused(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    with pytest.raises(s3.exceptions.ClientError) as failure:
        finish(s3, bucket, upload["UploadId"], [b"x"], "CRC32", ChecksumType="FULL_OBJECT",
               ChecksumCRC32=checksums.b64("CRC32", b"other"))
    assert failure.value.response["Error"]["Code"] == "BadDigest"


def test_a_multipart_upload_without_a_word_about_checksums_gets_crc64nvme(wire, bucket):
    created = wire.post(f"/{bucket}/k", query=[("uploads", None)])
    assert created.headers.get("x-amz-checksum-algorithm", "CRC64NVME") == "CRC64NVME"
    upload = created.text("UploadId")
    etag = wire.put(f"/{bucket}/k", body=b"abc", query={"partNumber": "1", "uploadId": upload}).headers["etag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()
    done = wire.post(f"/{bucket}/k", body=body, query={"uploadId": upload})
    assert (done.text("ChecksumCRC64NVME"), done.text("ChecksumType")) == (checksums.b64("CRC64NVME", b"abc"), "FULL_OBJECT")


@pytest.mark.parametrize("algorithm, kind", [("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")])
def test_kinds_that_an_algorithm_lacks_are_refused(wire, bucket, algorithm, kind):
    answer = wire.post(f"/{bucket}/k", query=[("uploads", None)],
                       headers={"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind})
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_parts_of_a_copy_have_checksums_too(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=BODY)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/source")["CopyPartResult"]
    assert part["ChecksumSHA256"] == checksums.b64("SHA256", BODY)
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_a_range_carries_no_checksum_of_the_whole(wire, bucket):
    wire.put(f"/{bucket}/k", body=BODY, headers={"x-amz-checksum-crc32": checksums.b64("CRC32", BODY)})
    answer = wire.get(f"/{bucket}/k", headers={"range": "bytes=0-9", "x-amz-checksum-mode": "ENABLED"})
    assert answer.status == 206
    assert "x-amz-checksum-crc32" not in answer.headers
