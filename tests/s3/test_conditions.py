"""If-Match, If-None-Match and the dates, on reads and writes."""

import concurrent.futures
import email.utils
import threading
import time

import pytest

MIB = 1 << 20


@pytest.fixture
def tagged(wire, bucket):
    etag = wire.put(f"/{bucket}/k", body=b"first").headers["etag"]
    return f"/{bucket}/k", etag


def date(offset):
    return email.utils.formatdate(time.time() + offset, usegmt=True)


@pytest.mark.parametrize("verb", ["get", "head"])
def test_reads_obey_entity_tags(wire, tagged, verb):
    path, etag = tagged
    read = getattr(wire, verb)
    assert read(path, headers={"if-match": etag}).status == 200
    assert read(path, headers={"if-match": etag.strip('"')}).status == 200
    assert read(path, headers={"if-match": "*"}).status == 200
    assert read(path, headers={"if-match": '"other", ' + etag}).status == 200
    assert read(path, headers={"if-match": '"other"'}).status == 412
    assert read(path, headers={"if-none-match": '"other"'}).status == 200
    for value in (etag, "*", '"other", ' + etag):
        unchanged = read(path, headers={"if-none-match": value})
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert unchanged.headers["etag"] == etag


def test_reads_obey_dates(wire, tagged):
    path, _ = tagged
    assert wire.get(path, headers={"if-modified-since": date(-3600)}).status == 200
    own = wire.head(path).headers["last-modified"]
    assert wire.get(path, headers={"if-modified-since": own}).status == 304
    assert wire.get(path, headers={"if-unmodified-since": own}).status == 200
    assert wire.get(path, headers={"if-unmodified-since": date(+3600)}).status == 200
    assert wire.get(path, headers={"if-unmodified-since": date(-3600)}).status == 412
    assert wire.get(path, headers={"if-modified-since": "no date"}).status == 200


def test_entity_tags_prevail_over_dates(wire, tagged):
    path, etag = tagged
    assert wire.get(path, headers={"if-match": etag, "if-unmodified-since": date(-3600)}).status == 200
    assert wire.get(path, headers={"if-none-match": etag, "if-modified-since": date(-3600)}).status == 304
    own = wire.head(path).headers["last-modified"]
    assert wire.get(path, headers={"if-none-match": '"other"', "if-modified-since": own}).status == 200


def test_a_failed_condition_is_named(wire, tagged):
    answer = wire.get(tagged[0], headers={"if-match": '"other"'})
    assert (answer.code, answer.text("Condition")) == ("PreconditionFailed", "If-Match")


@pytest.mark.parametrize("size", [10, 3 * MIB], ids=["inline", "extent"])
def test_a_key_is_made_only_once(wire, bucket, size):
    body = b"x" * size
    assert wire.put(f"/{bucket}/k", body=body, headers={"if-none-match": "*"}).status == 200
    refused = wire.put(f"/{bucket}/k", body=b"other" * size, headers={"if-none-match": "*"})
    assert (refused.status, refused.code) == (412, "PreconditionFailed")
    assert wire.get(f"/{bucket}/k").body == body
    wire.delete(f"/{bucket}/k")
    assert wire.put(f"/{bucket}/k", body=body, headers={"if-none-match": "*"}).status == 200


def test_a_put_replaces_only_what_it_names(wire, tagged):
    path, etag = tagged
    stale = wire.put(path, body=b"x", headers={"if-match": '"00000000000000000000000000000000"'})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    second = wire.put(path, body=b"second", headers={"if-match": etag})
    assert second.status == 200
    assert wire.put(path, body=b"third", headers={"if-match": etag}).status == 412
    assert wire.get(path).body == b"second"


def test_a_put_over_nothing_in_particular_finds_nothing(wire, bucket):
    answer = wire.put(f"/{bucket}/none", body=b"x", headers={"if-match": '"00000000000000000000000000000000"'})
    assert (answer.status, answer.code) == (404, "NoSuchKey")


def test_a_delete_removes_only_what_it_names(wire, tagged):
    path, etag = tagged
    stale = wire.delete(path, headers={"if-match": '"00000000000000000000000000000000"'})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    assert wire.get(path).status == 200
    assert wire.delete(path, headers={"if-match": etag}).status == 204
    assert wire.get(path).status == 404


def test_a_conditional_complete_keeps_the_parts_when_it_fails(s3, wire, bucket):
    path = f"/{bucket}/k"
    wire.put(path, body=b"there")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()
    refused = wire.post(path, body=body, query={"uploadId": upload}, headers={"if-none-match": "*"})
    assert (refused.status, refused.code) == (412, "PreconditionFailed")
    wire.delete(path)
    assert wire.post(path, body=body, query={"uploadId": upload}, headers={"if-none-match": "*"}).status == 200
    assert wire.get(path).body == b"part"


@pytest.mark.parametrize("value", ['"abc"', "abc"])
def test_only_the_star_is_understood_by_if_none_match_of_a_write(wire, bucket, value):
    answer = wire.put(f"/{bucket}/k", body=b"x", headers={"if-none-match": value})
    assert (answer.status, answer.code) == (501, "NotImplemented")


@pytest.mark.parametrize("size", [20, 100_000], ids=["inline", "coded"])
def test_of_many_who_make_a_key_one_succeeds_and_the_refused_find_it_made(server, bucket, size):
    writers, rounds = 12, 10
    together = threading.Barrier(writers, timeout=60)

    def make(writer):
        wire, statuses, body = server.wire(), [], f"writer {writer:2} ".encode() * (size // 10)
        for i in range(rounds):
            together.wait()
            status = wire.put(f"/{bucket}/k{i}", body=body, headers={"if-none-match": "*"}).status
            statuses.append((status, wire.get(f"/{bucket}/k{i}").body))
        return body, statuses

    with concurrent.futures.ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(make, range(writers)))
    for i in range(rounds):
        winners = [body for body, statuses in outcomes if statuses[i][0] == 200]
        assert len(winners) == 1
        assert {statuses[i][0] for _, statuses in outcomes} == {200, 412}
        # A refusal that nobody's success stands behind would be found out here.
        assert {statuses[i][1] for _, statuses in outcomes} == set(winners)


def test_a_counter_kept_by_compare_and_swap_counts_every_success(server, bucket):
    server.wire().put(f"/{bucket}/counter", body=b"0")

    def count(_):
        mine, done = server.wire(), 0
        while done < 10:
            read = mine.get(f"/{bucket}/counter")
            value = str(int(read.body) + 1).encode()
            done += mine.put(f"/{bucket}/counter", body=value, headers={"if-match": read.headers["etag"]}).status == 200

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(6)))
    assert server.wire().get(f"/{bucket}/counter").body == b"60"
