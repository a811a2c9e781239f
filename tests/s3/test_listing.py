"""ListObjects and ListObjectsV2 against a model that keeps all keys in a list."""

import concurrent.futures
import urllib.parse

import pytest

from harness.list_model import list_page, utf8_order

ALPHABET = ["a", "b", "/", "//", "-", "0", "ä", "z", " ", "+", "%", "\U0001f9ca", "\uffff"]


@pytest.fixture(scope="module")
def forest(s3, request):
    """Some hundred random keys with many shared prefixes."""
    import random
    rng = random.Random(f"{request.config.seed}/forest")
    keys = {"".join(rng.choice(ALPHABET) for _ in range(rng.randint(1, 7))) for _ in range(400)}
    keys = {key for key in keys if key.strip("/")} | {"dir/", "dir/a", "dir/b/c", "dir", "dir-a", "dir0"}
    s3.create_bucket(Bucket="forest")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket="forest", Key=key, Body=b""), keys))
    return keys


def collect(wire, query, version):
    """All pages of one listing: keys and common prefixes in the order they came, and the number of pages."""
    keys, prefixes, pages, more = [], [], 0, {}
    while True:
        page = wire.get("/forest", query=query | more)
        assert page.status == 200, page
        keys += [urllib.parse.unquote_plus(k) for k in page.texts("Contents/Key")]
        prefixes += [urllib.parse.unquote_plus(p) for p in page.texts("CommonPrefixes/Prefix")]
        pages += 1
        if page.text("IsTruncated") == "false":
            return keys, prefixes, pages
        if version == 2:
            more = {"continuation-token": page.text("NextContinuationToken")}
        else:
            marker = page.text("NextMarker") if query.get("delimiter") else page.texts("Contents/Key")[-1]
            more = {"marker": urllib.parse.unquote_plus(marker)}


@pytest.mark.parametrize("version", [1, 2])
def test_random_listings_answer_as_the_model(wire, forest, rng, version):
    some = sorted(forest)
    for _ in range(60):
        key = rng.choice(some)
        prefix = rng.choice(["", "", key[:rng.randint(0, len(key))], "dir", "dir/"])
        delimiter = rng.choice(["", "/", "/", "//", "a", "ä"])
        after = rng.choice(["", "", key, key[:2], "dir/", "\U0001f9ca"])
        size = rng.choice([1, 2, 3, 7, 50, 1000])
        query = {"prefix": prefix, "max-keys": str(size), "encoding-type": "url"}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"list-type": "2", "start-after": after} if version == 2 else {"marker": after}
        keys, prefixes, _ = collect(wire, query, version)
        model = list_page(forest, prefix, delimiter, after, 10_000)
        assert (keys, prefixes) == (model.keys, model.prefixes), query


@pytest.mark.parametrize("size", [1, 2, 10, 333])
def test_pages_have_as_many_entries_as_asked(wire, forest, size):
    page = wire.get("/forest", query={"list-type": "2", "max-keys": str(size), "delimiter": "/", "encoding-type": "url"})
    model = list_page(forest, delimiter="/", max_keys=size)
    assert int(page.text("KeyCount")) == len(model.keys) + len(model.prefixes)
    assert page.text("IsTruncated") == str(model.truncated).lower()
    assert page.text("MaxKeys") == str(size)


def test_a_page_of_nothing_is_not_truncated(wire, forest):
    for extra in ({}, {"list-type": "2"}):
        page = wire.get("/forest", query={"max-keys": "0"} | extra)
        assert (page.text("IsTruncated"), page.texts("Contents/Key")) == ("false", [])


@pytest.mark.parametrize("value", ["-1", "x", "99999999999999999999"])
def test_a_page_size_that_is_no_number_is_refused(wire, forest, value):
    assert wire.get("/forest", query={"max-keys": value}).code == "InvalidArgument"


def test_a_page_has_at_most_a_thousand_entries(s3, wire):
    s3.create_bucket(Bucket="many")
    names = sorted((f"k{i:05}" for i in range(1_234)), key=utf8_order)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket="many", Key=key, Body=b""), names))
    page = s3.list_objects_v2(Bucket="many", MaxKeys=5000)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
    rest = s3.list_objects_v2(Bucket="many", ContinuationToken=page["NextContinuationToken"])
    assert [e["Key"] for e in page["Contents"] + rest["Contents"]] == names
    assert not rest["IsTruncated"]


def test_an_entry_tells_what_head_tells(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 77, ChecksumAlgorithm="CRC32C")
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (entry["Size"], entry["ETag"], entry["StorageClass"]) == (77, head["ETag"], "STANDARD")
    assert entry["LastModified"].replace(microsecond=0) == head["LastModified"]
    assert (entry["ChecksumAlgorithm"], entry["ChecksumType"]) == (["CRC32C"], "FULL_OBJECT")


def test_owners_are_listed_when_asked(wire, bucket):
    wire.put(f"/{bucket}/k", body=b"")
    assert wire.get(f"/{bucket}").text("Contents/Owner/ID")
    assert wire.get(f"/{bucket}", query={"list-type": "2"}).text("Contents/Owner/ID") is None
    assert wire.get(f"/{bucket}", query={"list-type": "2", "fetch-owner": "true"}).text("Contents/Owner/ID")


def test_url_encoding_keeps_slashes_and_no_space(wire, bucket):
    wire.put(f"/{bucket}/a b+c/ä", body=b"")
    page = wire.get(f"/{bucket}", query={"list-type": "2", "encoding-type": "url", "prefix": "a b+"})
    assert (page.text("EncodingType"), page.text("Contents/Key")) == ("url", "a%20b%2Bc/%C3%A4")
    assert page.text("Prefix") == "a%20b%2B"


def test_an_unknown_encoding_is_refused(wire, bucket):
    assert wire.get(f"/{bucket}", query={"encoding-type": "base64"}).code == "InvalidArgument"


def test_parameters_are_repeated_in_the_answer(wire, bucket):
    page = wire.get(f"/{bucket}", query={"list-type": "2", "prefix": "p", "delimiter": "/", "start-after": "s", "max-keys": "7"})
    assert [page.text(n) for n in ("Name", "Prefix", "Delimiter", "StartAfter", "MaxKeys", "KeyCount", "IsTruncated")] == [
        bucket, "p", "/", "s", "7", "0", "false"]
    page = wire.get(f"/{bucket}", query={"marker": "m"})
    assert (page.text("Marker"), page.text("MaxKeys")) == ("m", "1000")


def test_a_forged_continuation_token_is_refused(wire, bucket):
    for token in ("forged", "%00", "AAAA"):
        answer = wire.get(f"/{bucket}", query={"list-type": "2", "continuation-token": token})
        assert (answer.status, answer.code) == (400, "InvalidArgument"), token


def test_a_continuation_token_prevails_over_start_after(wire, forest):
    first = wire.get("/forest", query={"list-type": "2", "max-keys": "5", "encoding-type": "url"})
    token = first.text("NextContinuationToken")
    page = wire.get("/forest", query={"list-type": "2", "max-keys": "5", "continuation-token": token, "start-after": "zzz",
                                      "encoding-type": "url"})
    expected = sorted(forest, key=utf8_order)[5:10]
    assert [urllib.parse.unquote_plus(k) for k in page.texts("Contents/Key")] == expected
    assert page.text("ContinuationToken") == token


def test_a_prefix_that_is_a_key_too_is_both(s3, bucket):
    for key in ("a", "a/", "a/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert ([e["Key"] for e in page["Contents"]], [p["Prefix"] for p in page["CommonPrefixes"]]) == (["a"], ["a/"])
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="a/")
    assert [e["Key"] for e in page["Contents"]] == ["a/", "a/b"]


def test_deleted_keys_are_not_listed(s3, bucket):
    for i in range(300):
        s3.put_object(Bucket=bucket, Key=f"k{i:03}", Body=b"")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{i:03}"} for i in range(300) if i % 3]})
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=50)
    assert [e["Key"] for e in page["Contents"]] == [f"k{i:03}" for i in range(0, 150, 3)]
