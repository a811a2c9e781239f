"""CreateBucket, HeadBucket, DeleteBucket, ListBuckets and what may be asked of a bucket."""

import uuid

import pytest
from botocore.exceptions import ClientError


def fresh():
    return f"b-{uuid.uuid4().hex[:20]}"


def test_a_bucket_can_be_made_found_and_removed(s3, wire):
    name = fresh()
    created = wire.put(f"/{name}")
    assert (created.status, created.headers["location"]) == (200, f"/{name}")
    assert wire.head(f"/{name}").status == 200
    assert wire.head(f"/{name}").headers["x-amz-bucket-region"] == "us-east-1"
    removed = wire.delete(f"/{name}")
    assert (removed.status, removed.body) == (204, b"")
    assert wire.head(f"/{name}").status == 404
    assert wire.delete(f"/{name}").code == "NoSuchBucket"


def test_a_bucket_of_ones_own_is_not_made_twice(wire, bucket):
    again = wire.put(f"/{bucket}")
    # As in us-east-1, where AWS answers the owner's second creation with success; the bucket stays as it is.
    assert again.status == 200


def test_a_bucket_that_holds_something_stays(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    refused = wire.delete(f"/{bucket}")
    assert (refused.status, refused.code) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="k")
    assert wire.delete(f"/{bucket}").status == 204


def test_a_bucket_made_again_under_its_name_is_empty(s3, wire, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("name", ["ab", "a" * 64, "UPPER-case", "under_score", "-begins", "ends-", "two..dots", "192.168.5.4",
                                  "a.-b", "xn--reserved", "name-s3alias"])
def test_a_name_against_the_rules_is_refused(wire, name):
    answer = wire.put(f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


def test_buckets_are_listed_with_their_owner(s3, wire, bucket):
    answer = wire.get("/")
    assert answer.status == 200
    assert bucket in answer.texts("Buckets/Bucket/Name")
    assert answer.text("Owner/ID")
    created = answer.text("Buckets/Bucket/CreationDate")
    assert len(created) == 24 and created.endswith("Z")


def test_buckets_are_listed_page_by_page(s3):
    prefix = f"page-{uuid.uuid4().hex[:12]}-"
    names = sorted(f"{prefix}{i}" for i in range(7))
    for name in names:
        s3.create_bucket(Bucket=name)
    seen, token, pages = [], {}, 0
    while True:
        page = s3.list_buckets(MaxBuckets=3, Prefix=prefix, **token)
        seen += [b["Name"] for b in page["Buckets"]]
        pages += 1
        if "ContinuationToken" not in page:
            break
        token = {"ContinuationToken": page["ContinuationToken"]}
    assert (seen, pages) == (names, 3)
    assert page["Prefix"] == prefix


@pytest.mark.parametrize("count", ["0", "10001", "x"])
def test_a_page_of_buckets_has_bounds(wire, count):
    assert wire.get("/", query={"max-buckets": count}).code == "InvalidArgument"


def test_a_bucket_of_the_default_region_has_an_empty_location(wire, bucket):
    answer = wire.get(f"/{bucket}", query=[("location", None)])
    assert answer.status == 200
    assert answer.xml().tag == "LocationConstraint"
    assert not answer.xml().text


def test_a_bucket_keeps_the_location_it_was_made_with(s3):
    name = fresh()
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"


def test_a_location_that_is_no_xml_is_refused(wire):
    answer = wire.put(f"/{fresh()}", body=b"<CreateBucketConfiguration><Loc")
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_versioning_was_never_switched_on(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_the_owner_has_full_control_of_bucket_and_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    owner = s3.list_buckets()["Owner"]["ID"]
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"]["ID"] == owner
        assert [(g["Permission"], g["Grantee"]["ID"], g["Grantee"]["Type"]) for g in acl["Grants"]] == [
            ("FULL_CONTROL", owner, "CanonicalUser")]


def test_the_acl_of_a_missing_object_is_missing(wire, bucket):
    assert wire.get(f"/{bucket}/none", query=[("acl", None)]).code == "NoSuchKey"


def test_no_bucket_has_a_policy(wire, bucket):
    answer = wire.get(f"/{bucket}", query=[("policy", None)])
    assert (answer.status, answer.code, answer.text("BucketName")) == (404, "NoSuchBucketPolicy", bucket)


@pytest.mark.parametrize("call", [
    lambda s3, b: s3.list_objects_v2(Bucket=b), lambda s3, b: s3.list_objects(Bucket=b),
    lambda s3, b: s3.put_object(Bucket=b, Key="k", Body=b""), lambda s3, b: s3.get_object(Bucket=b, Key="k"),
    lambda s3, b: s3.delete_object(Bucket=b, Key="k"), lambda s3, b: s3.get_bucket_location(Bucket=b),
    lambda s3, b: s3.get_bucket_acl(Bucket=b), lambda s3, b: s3.get_bucket_versioning(Bucket=b),
    lambda s3, b: s3.get_bucket_policy(Bucket=b), lambda s3, b: s3.list_multipart_uploads(Bucket=b),
    lambda s3, b: s3.create_multipart_upload(Bucket=b, Key="k"),
    lambda s3, b: s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": "k"}]})])
def test_everything_asked_of_a_missing_bucket_says_so(s3, call):
    with pytest.raises(ClientError) as failure:
        call(s3, "no-such-bucket-anywhere")
    assert failure.value.response["Error"]["Code"] == "NoSuchBucket"
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_deleted_bucket_takes_its_unfinished_uploads_along(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x" * 100_000)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
