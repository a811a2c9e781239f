"""kill -9 while clients write: what was acknowledged is there, whole, and nothing else is."""

import time

import pytest

from harness.load import Load, run_for

MIB = 1 << 20


@pytest.mark.faults
def test_nothing_acknowledged_is_lost_by_kill_9(make_server, seed, full, rng):
    cycles, least = (50, 20_000) if full else (4, 500)
    server = make_server().start()
    server.client().create_bucket(Bucket="faults")
    load = Load(server, "faults", seed)
    slowest, cycle = 0.0, 0
    while cycle < cycles or load.history.acknowledged < least:
        load.start()
        load.wait_until_answered(rng.randrange(1, 2 * least // cycles))
        server.kill()
        load.join()
        began = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - began)
        s3 = server.client()
        assert load.history.verify(s3, "faults") == [], f"cycle {cycle}"
        assert load.history.verify_listing(s3, "faults") == [], f"cycle {cycle}"
        cycle += 1
    counts = dict(load.history.counts)
    print(f"seed {seed}: {cycle} kills, {load.history.acknowledged} acknowledged {counts}, slowest restart {slowest:.2f} s")
    assert counts["inline"] >= load.history.acknowledged * 0.5
    assert all(counts.get(kind) for kind in ("striped", "multipart", "copy", "delete"))


def test_an_upload_goes_on_where_it_was_after_kill_9(make_server, rng):
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="faults")
    upload = s3.create_multipart_upload(Bucket="faults", Key="k", Metadata={"m": "1"})["UploadId"]
    bodies = [rng.randbytes(5 * MIB), rng.randbytes(5 * MIB), rng.randbytes(100)]
    parts = []
    for number, body in enumerate(bodies, 1):
        etag = s3.upload_part(Bucket="faults", Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
        server.restart()
        s3 = server.client()
        listed = s3.list_parts(Bucket="faults", Key="k", UploadId=upload)["Parts"]
        assert [p["PartNumber"] for p in listed] == list(range(1, number + 1))
    s3.complete_multipart_upload(Bucket="faults", Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    server.restart()
    got = server.client().get_object(Bucket="faults", Key="k")
    assert (got["Body"].read(), got["Metadata"]) == (b"".join(bodies), {"m": "1"})


def test_a_replayed_complete_answers_the_same_after_kill_9(make_server):
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="faults")
    upload = s3.create_multipart_upload(Bucket="faults", Key="k")["UploadId"]
    etag = s3.upload_part(Bucket="faults", Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    arguments = {"Bucket": "faults", "Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    first = s3.complete_multipart_upload(**arguments)["ETag"]
    server.restart()
    assert server.client().complete_multipart_upload(**arguments)["ETag"] == first


def test_all_that_can_be_said_of_an_object_survives_kill_9(make_server):
    server = make_server().start()
    s3 = server.client()
    s3.create_bucket(Bucket="faults", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    given = {"ContentType": "a/b", "CacheControl": "no-store", "ContentDisposition": "inline", "ContentLanguage": "de",
             "Metadata": {"m": "1"}, "StorageClass": "STANDARD_IA"}
    s3.put_object(Bucket="faults", Key="k", Body=b"x" * 50_000, ChecksumAlgorithm="SHA256", Tagging="t=1", **given)
    before = s3.head_object(Bucket="faults", Key="k", ChecksumMode="ENABLED")
    s3.put_object(Bucket="faults", Key="renamed-from", Body=b"r")
    server.wire().put("/faults/renamed-to", query=[("renameObject", None)], headers={"x-amz-rename-source": "renamed-from"})
    server.restart()
    s3 = server.client()
    after = s3.head_object(Bucket="faults", Key="k", ChecksumMode="ENABLED")
    for head in (before, after):
        head.pop("ResponseMetadata")
    assert after == before
    assert s3.get_object_tagging(Bucket="faults", Key="k")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert s3.get_bucket_location(Bucket="faults")["LocationConstraint"] == "eu-west-1"
    assert [e["Key"] for e in s3.list_objects_v2(Bucket="faults")["Contents"]] == ["k", "renamed-to"]


def test_a_start_after_much_work_finds_all_of_it(make_server, seed):
    server = make_server().start()
    server.client().create_bucket(Bucket="faults")
    load = Load(server, "faults", seed, clients=6)
    run_for(load, 3)
    for end in (server.stop, server.kill):
        end()
        began = time.monotonic()
        server.start()
        print(f"{end.__name__}: started again in {time.monotonic() - began:.2f} s")
        assert load.history.verify(server.client(), "faults") == []
