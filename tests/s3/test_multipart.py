"""Multipart uploads from Create to Complete or Abort, and what is listed in between."""

import concurrent.futures
import hashlib
import uuid

import pytest
from botocore.exceptions import ClientError

MIB = 1 << 20
LEAST = 5 * MIB


def complete_body(parts, extra=""):
    rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in parts)
    return f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}{extra}</CompleteMultipartUpload>'.encode()


def multipart_etag(bodies):
    digest = hashlib.md5(b"".join(hashlib.md5(b).digest() for b in bodies)).hexdigest()
    return f'"{digest}-{len(bodies)}"'


@pytest.fixture
def upload(s3, bucket):
    return s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]


def put_parts(s3, bucket, upload, bodies, key="k"):
    return [(n, s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=n, Body=b)["ETag"])
            for n, b in enumerate(bodies, 1)]


def code_of(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    return failure.value.response["Error"]["Code"]


def test_parts_become_one_object(s3, wire, bucket, upload, rng):
    bodies = [rng.randbytes(n) for n in (LEAST, LEAST + 1, 6 * MIB, 12_345)]
    parts = put_parts(s3, bucket, upload, bodies)
    assert [etag for _, etag in parts] == [f'"{hashlib.md5(b).hexdigest()}"' for b in bodies]
    answer = wire.post(f"/{bucket}/k", body=complete_body(parts), query={"uploadId": upload})
    assert (answer.status, answer.text("ETag")) == (200, multipart_etag(bodies))
    assert (answer.text("Bucket"), answer.text("Key")) == (bucket, "k")
    assert answer.text("Location").endswith(f"/{bucket}/k")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(bodies)
    assert got["ETag"] == multipart_etag(bodies)


def test_parts_may_come_at_once_and_in_any_order(s3, bucket, upload, rng):
    bodies = {n: rng.randbytes(LEAST) for n in (1, 3, 4, 9, 10_000)}
    numbers = list(bodies)
    rng.shuffle(numbers)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        etags = dict(pool.map(lambda n: (n, s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=n,
                                                           Body=bodies[n])["ETag"]), numbers))
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": n, "ETag": etags[n]} for n in sorted(bodies)]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"".join(bodies[n] for n in sorted(bodies))


@pytest.mark.parametrize("size", [0, 1, 850, 16 * 1024, 100_000])
def test_one_small_part_is_an_object(s3, bucket, upload, rng, size):
    body = rng.randbytes(size)
    parts = put_parts(s3, bucket, upload, [body])
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": parts[0][1]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == multipart_etag([body])


def test_only_the_parts_named_are_in_the_object(s3, wire, bucket, upload):
    bodies = [b"1" * LEAST, b"2" * LEAST, b"3" * LEAST]
    parts = put_parts(s3, bucket, upload, bodies)
    assert wire.post(f"/{bucket}/k", body=complete_body([parts[0], parts[2]]), query={"uploadId": upload}).status == 200
    assert wire.get(f"/{bucket}/k").body == bodies[0] + bodies[2]


def test_a_part_sent_again_replaces_the_earlier(s3, bucket, upload):
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"old" * 100_000)
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"new")["ETag"]
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed] == [(1, 3, etag)]


def test_nothing_is_seen_before_the_end(s3, bucket, upload):
    put_parts(s3, bucket, upload, [b"x"])
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert code_of(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_attributes_are_those_of_the_beginning(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="a/b", Metadata={"m": "1"}, Tagging="t=2",
                                        CacheControl="no-store")["UploadId"]
    parts = put_parts(s3, bucket, upload, [b"x"])
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": parts[0][1]}]})
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentType"], head["Metadata"], head["CacheControl"]) == ("a/b", {"m": "1"}, "no-store")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "t", "Value": "2"}]


def test_a_complete_sent_again_answers_the_same(s3, wire, bucket, upload):
    body = complete_body(put_parts(s3, bucket, upload, [b"x" * LEAST, b"y"]))
    first = wire.post(f"/{bucket}/k", body=body, query={"uploadId": upload})
    again = wire.post(f"/{bucket}/k", body=body, query={"uploadId": upload})
    assert (first.status, again.status) == (200, 200)
    assert first.text("ETag") == again.text("ETag")


def test_a_replayed_complete_does_not_bring_an_overwritten_object_back(s3, wire, bucket, upload):
    body = complete_body(put_parts(s3, bucket, upload, [b"old"]))
    wire.post(f"/{bucket}/k", body=body, query={"uploadId": upload})
    wire.put(f"/{bucket}/k", body=b"new")
    assert wire.post(f"/{bucket}/k", body=body, query={"uploadId": upload}).status == 200
    assert wire.get(f"/{bucket}/k").body == b"new"


@pytest.mark.parametrize("parts, code", [
    (lambda p: [(2, p[1][1]), (1, p[0][1])], "InvalidPartOrder"),
    (lambda p: [(1, p[0][1]), (1, p[0][1])], "InvalidPartOrder"),
    (lambda p: [(1, '"00000000000000000000000000000000"')], "InvalidPart"),
    (lambda p: [(5, p[0][1])], "InvalidPart"),
    (lambda p: [], "MalformedXML")])
def test_a_complete_that_names_the_wrong_parts_is_refused(s3, wire, bucket, upload, parts, code):
    made = put_parts(s3, bucket, upload, [b"x" * LEAST, b"y"])
    answer = wire.post(f"/{bucket}/k", body=complete_body(parts(made)), query={"uploadId": upload})
    assert (answer.status, answer.code) == (400, code)
    assert wire.post(f"/{bucket}/k", body=complete_body(made), query={"uploadId": upload}).status == 200


def test_parts_but_the_last_have_5_mib(s3, wire, bucket, upload):
    parts = put_parts(s3, bucket, upload, [b"x" * (LEAST - 1), b"y"])
    answer = wire.post(f"/{bucket}/k", body=complete_body(parts), query={"uploadId": upload})
    assert (answer.status, answer.code) == (400, "EntityTooSmall")


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x"])
def test_part_numbers_go_from_1_to_10000(wire, bucket, upload, number):
    answer = wire.put(f"/{bucket}/k", body=b"x", query={"partNumber": number, "uploadId": upload})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("unknown", ["nonsense", uuid.uuid4().hex, ""])
def test_an_unknown_upload_is_said_to_be_unknown(wire, bucket, unknown):
    query = {"uploadId": unknown}
    answers = [wire.put(f"/{bucket}/k", body=b"x", query={"partNumber": "1"} | query), wire.get(f"/{bucket}/k", query=query),
               wire.post(f"/{bucket}/k", body=complete_body([(1, '"x"')]), query=query), wire.delete(f"/{bucket}/k", query=query)]
    assert [(a.status, a.code) for a in answers] == [(404, "NoSuchUpload")] * 4


def test_an_upload_belongs_to_its_key(s3, bucket, upload):
    assert code_of(s3.upload_part, Bucket=bucket, Key="other", UploadId=upload, PartNumber=1, Body=b"x") == "NoSuchUpload"


def test_an_aborted_upload_is_gone(s3, bucket, upload):
    put_parts(s3, bucket, upload, [b"x" * 100_000])
    assert s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload) == "NoSuchUpload"
    assert code_of(s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload) == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_are_listed_page_by_page(s3, bucket, upload):
    put_parts(s3, bucket, upload, [bytes([n]) * n for n in range(1, 8)])
    seen, marker = [], 0
    while True:
        page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=3, PartNumberMarker=marker)
        seen += [(p["PartNumber"], p["Size"]) for p in page["Parts"]]
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert seen == [(n, n) for n in range(1, 8)]


def test_uploads_are_listed_by_prefix_and_delimiter(s3, bucket):
    for key in ("a/1", "a/2", "b", "c/x/y"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [u["Key"] for u in page["Uploads"]] == ["b"]
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a/", "c/"]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="a")["Uploads"]] == ["a/1", "a/2"]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="a/2")["Uploads"]] == ["a/2"]


def test_uploads_are_listed_page_by_page(s3, bucket):
    ids = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ("x", "x", "x", "y", "z")]
    seen, marker = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=2, **marker)
        seen += [(u["Key"], u["UploadId"]) for u in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert sorted(seen) == sorted(ids)
    assert len(set(seen)) == 5


def test_an_upload_can_be_listed_with_its_owner(s3, bucket, upload):
    entry = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]
    assert (entry["UploadId"], entry["StorageClass"], bool(entry["Owner"]["ID"])) == (upload, "STANDARD", True)
    parts = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert (parts["StorageClass"], parts["Owner"]["ID"]) == ("STANDARD", entry["Owner"]["ID"])


def test_two_uploads_of_one_key_do_not_mix(s3, bucket):
    uploads = [s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"] for _ in range(2)]
    etags = [put_parts(s3, bucket, u, [body])[0][1] for u, body in zip(uploads, (b"one", b"two"))]
    for upload, etag, body in zip(uploads, etags, (b"one", b"two")):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_a_stated_size_is_compared(s3, wire, bucket, upload):
    parts = put_parts(s3, bucket, upload, [b"x" * 10])
    wrong = wire.post(f"/{bucket}/k", body=complete_body(parts), query={"uploadId": upload}, headers={"x-amz-mp-object-size": "11"})
    assert wrong.status == 400
    right = wire.post(f"/{bucket}/k", body=complete_body(parts), query={"uploadId": upload}, headers={"x-amz-mp-object-size": "10"})
    assert right.status == 200


def test_more_than_ten_thousand_parts_are_refused(wire, bucket, upload):
    answer = wire.post(f"/{bucket}/k", body=complete_body([(n, '"x"') for n in range(1, 10_002)]), query={"uploadId": upload})
    assert (answer.status, answer.code) == (400, "MalformedXML")
