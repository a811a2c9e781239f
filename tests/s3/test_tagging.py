"""Object tags: by header, by document, and gone."""

import pytest


def document(tags):
    rows = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags)
    return f"<Tagging><TagSet>{rows}</TagSet></Tagging>".encode()


def put(wire, path, tags):
    return wire.put(path, body=document(tags), query=[("tagging", None)])


def tags_of(wire, path):
    answer = wire.get(path, query=[("tagging", None)])
    assert answer.status == 200, answer
    return list(zip(answer.texts("TagSet/Tag/Key"), answer.texts("TagSet/Tag/Value")))


@pytest.fixture
def path(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"x")
    return f"/{bucket}/k"


def test_tags_are_set_replaced_and_removed(wire, path):
    assert tags_of(wire, path) == []
    assert put(wire, path, [("a", "1"), ("b", "")]).status == 200
    assert sorted(tags_of(wire, path)) == [("a", "1"), ("b", "")]
    assert wire.get(path).headers["x-amz-tagging-count"] == "2"
    put(wire, path, [("c", "3")])
    assert tags_of(wire, path) == [("c", "3")]
    removed = wire.delete(path, query=[("tagging", None)])
    assert (removed.status, tags_of(wire, path)) == (204, [])
    assert "x-amz-tagging-count" not in wire.get(path).headers


def test_tags_come_with_the_object(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"x", headers={"x-amz-tagging": "a=1&b=two%20words&c="})
    assert sorted(tags_of(wire, f"/{bucket}/k")) == [("a", "1"), ("b", "two words"), ("c", "")]


def test_tagging_changes_neither_bytes_nor_times(wire, path):
    before = wire.head(path).headers
    put(wire, path, [("a", "1")])
    after = wire.head(path).headers
    assert [before[n] for n in ("etag", "last-modified")] == [after[n] for n in ("etag", "last-modified")]


def test_a_new_object_has_no_tags_of_the_old(wire, path):
    put(wire, path, [("a", "1")])
    wire.put(path, body=b"y")
    assert tags_of(wire, path) == []


@pytest.mark.parametrize("tags", [[("a", "1"), ("a", "2")], [("", "1")], [("k" * 129, "1")], [("k", "v" * 257)], [("k{}", "1")],
                                  [(f"k{i}", "") for i in range(11)]])
def test_tags_have_bounds(wire, path, tags):
    answer = put(wire, path, tags)
    assert answer.status == 400
    assert answer.code in ("InvalidTag", "BadRequest")


def test_ten_tags_of_full_length_are_allowed(wire, path):
    tags = [(f"{i}".rjust(128, "k"), "v" * 256) for i in range(10)]
    assert put(wire, path, tags).status == 200
    assert sorted(tags_of(wire, path)) == sorted(tags)


@pytest.mark.parametrize("body", [b"", b"<Tagging>", b"<Other/>"])
def test_what_is_no_tag_set_is_refused(wire, path, body):
    answer = wire.put(path, body=body, query=[("tagging", None)])
    assert answer.status == 400
    assert answer.code in ("MalformedXML", "MissingRequestBodyError")


def test_a_missing_key_has_no_tags(wire, bucket):
    for answer in (wire.get(f"/{bucket}/none", query=[("tagging", None)]), put(wire, f"/{bucket}/none", [("a", "1")]),
                   wire.delete(f"/{bucket}/none", query=[("tagging", None)])):
        assert (answer.status, answer.code) == (404, "NoSuchKey")
