"""RenameObject: the object moves, at once and with everything it has."""

import pytest

MIB = 1 << 20


def rename(wire, bucket, key, source, **headers):
    given = {n.replace("_", "-"): v for n, v in headers.items()}
    return wire.put(f"/{bucket}/{key}", query=[("renameObject", None)], headers={"x-amz-rename-source": source} | given)


@pytest.mark.parametrize("size", [5, 3 * MIB], ids=["inline", "extent"])
def test_an_object_moves_with_all_it_has(s3, wire, bucket, rng, size):
    body = rng.randbytes(size)
    s3.put_object(Bucket=bucket, Key="old", Body=body, ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    before = s3.head_object(Bucket=bucket, Key="old")
    assert rename(wire, bucket, "new", f"/{bucket}/old").status == 200
    after = s3.get_object(Bucket=bucket, Key="new")
    assert after["Body"].read() == body
    assert [after[n] for n in ("ETag", "ContentType", "Metadata", "LastModified")] == [
        before[n] for n in ("ETag", "ContentType", "Metadata", "LastModified")]
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert [e["Key"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["new"]


def test_a_rename_replaces_what_is_there(wire, bucket):
    wire.put(f"/{bucket}/old", body=b"old")
    wire.put(f"/{bucket}/new", body=b"new")
    assert rename(wire, bucket, "new", "old").status == 200
    assert wire.get(f"/{bucket}/new").body == b"old"


def test_conditions_on_either_side(wire, bucket):
    source = wire.put(f"/{bucket}/old", body=b"old").headers["etag"]
    target = wire.put(f"/{bucket}/new", body=b"new").headers["etag"]
    for headers in ({"if_none_match": "*"}, {"if_match": '"x"'}, {"x_amz_rename_source_if_match": '"x"'},
                    {"x_amz_rename_source_if_none_match": source}):
        answer = rename(wire, bucket, "new", "old", **headers)
        assert (answer.status, answer.code) == (412, "PreconditionFailed"), headers
    assert wire.get(f"/{bucket}/new").body == b"new"
    assert rename(wire, bucket, "new", "old", if_match=target, x_amz_rename_source_if_match=source).status == 200
    assert wire.get(f"/{bucket}/new").body == b"old"


def test_a_source_that_is_not_there_changes_nothing(wire, bucket):
    wire.put(f"/{bucket}/new", body=b"new")
    assert rename(wire, bucket, "new", "none").code == "NoSuchKey"
    assert wire.get(f"/{bucket}/new").body == b"new"


def test_a_rename_stays_in_its_bucket(s3, wire, bucket):
    s3.create_bucket(Bucket=f"{bucket}-2")
    s3.put_object(Bucket=f"{bucket}-2", Key="old", Body=b"x")
    answer = rename(wire, bucket, "new", f"/{bucket}-2/old")
    assert answer.status in (400, 404)
    assert wire.head(f"/{bucket}-2/old").status == 200


def test_the_sub_resource_alone_never_empties_the_object(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"kept")
    answer = wire.put(f"/{bucket}/k", query=[("renameObject", None)])
    assert answer.status == 400
    assert wire.get(f"/{bucket}/k").body == b"kept"
