"""boto3 as applications use it: managed transfers, all checksums, waiters, paginators."""

import io

import pytest
from boto3.s3.transfer import TransferConfig

MIB = 1 << 20
SMALL_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [1000, 17 * MIB + 11], ids=["put", "multipart"])
def test_managed_transfers_with_every_checksum(server, bucket, rng, algorithm, size):
    s3 = server.client()
    body = rng.randbytes(size)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=SMALL_PARTS)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "k", back, ExtraArgs={"ChecksumMode": "ENABLED"}, Config=SMALL_PARTS)
    assert back.getvalue() == body


@pytest.mark.parametrize("calculation", ["when_supported", "when_required"])
def test_both_ways_of_deciding_on_checksums(server, bucket, calculation):
    s3 = server.client(request_checksum_calculation=calculation, response_checksum_validation=calculation)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x" * 100_000
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})


def test_an_unseekable_stream(server, bucket):
    class Stream(io.RawIOBase):
        def __init__(self):
            self.left = 3 * MIB

        def readable(self):
            return True

        def readinto(self, into):
            count = min(len(into), self.left)
            into[:count] = b"s" * count
            self.left -= count
            return count

    server.client().upload_fileobj(io.BufferedReader(Stream()), bucket, "k", Config=SMALL_PARTS)
    assert server.client().head_object(Bucket=bucket, Key="k")["ContentLength"] == 3 * MIB


def test_the_large_copy(server, bucket, rng):
    s3 = server.client()
    body = rng.randbytes(12 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy", Config=SMALL_PARTS)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body


def test_waiters_and_paginators(server, bucket):
    s3 = server.client()
    s3.get_waiter("bucket_exists").wait(Bucket=bucket)
    for i in range(25):
        s3.put_object(Bucket=bucket, Key=f"k{i:02}", Body=b"")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k24")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 10})
    assert [len(page["Contents"]) for page in pages] == [10, 10, 5]
