"""GetObject by range and part: exactly the bytes asked for, wherever they lie on the drives."""

import pytest

MIB = 1 << 20
SIZE = 9 * MIB + 12_345  # Two whole stripes of 4+2 and a short one.


@pytest.fixture(scope="module")
def large(s3):
    body = bytes(i * i % 251 for i in range(65_521)) * (SIZE // 65_521 + 1)
    body = body[:SIZE]
    s3.create_bucket(Bucket="ranges")
    s3.put_object(Bucket="ranges", Key="large", Body=body)
    s3.put_object(Bucket="ranges", Key="small", Body=body[:1000])
    s3.put_object(Bucket="ranges", Key="empty", Body=b"")
    return body


def get(wire, spec, key="large"):
    return wire.get(f"/ranges/{key}", headers={"range": spec})


@pytest.mark.parametrize("first, last", [
    (0, 0), (0, 9), (1, 1), (4095, 4096), (4096, 8191), (MIB - 1, MIB), (MIB, MIB), (2 * MIB - 7, 3 * MIB + 7), (4 * MIB - 1, 4 * MIB),
    (4 * MIB, 4 * MIB), (0, SIZE - 1), (8 * MIB - 1, 8 * MIB + 1), (8 * MIB, SIZE - 1), (SIZE - 1, SIZE - 1), (SIZE - 65_536, SIZE - 1),
    (123_457, 7 * MIB + 3), (SIZE - 49_152, SIZE - 8)])
def test_a_range_is_just_those_bytes(wire, large, first, last):
    answer = get(wire, f"bytes={first}-{last}")
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.body == large[first:last + 1]


def test_random_ranges_are_just_those_bytes(wire, large, rng):
    for _ in range(150):
        first = rng.randrange(SIZE)
        last = min(SIZE - 1, first + rng.choice([0, 1, 7, 4096, 65_535, 400_000]))
        answer = get(wire, f"bytes={first}-{last}")
        assert answer.body == large[first:last + 1], (first, last)


@pytest.mark.parametrize("spec, first", [("bytes=-1", SIZE - 1), ("bytes=-8", SIZE - 8), ("bytes=-524288", SIZE - 524_288),
                                         (f"bytes=-{SIZE}", 0), (f"bytes=-{SIZE + 1}", 0), ("bytes=0-", 0),
                                         (f"bytes={SIZE - 1}-", SIZE - 1), (f"bytes={8 * MIB + 1}-", 8 * MIB + 1)])
def test_open_ends_reach_the_end(wire, large, spec, first):
    answer = get(wire, spec)
    assert (answer.status, answer.headers["content-range"]) == (206, f"bytes {first}-{SIZE - 1}/{SIZE}")
    assert answer.body == large[first:]


def test_a_range_beyond_the_end_is_cut(wire, large):
    answer = get(wire, f"bytes={SIZE - 10}-{SIZE + 10}")
    assert (answer.status, answer.body) == (206, large[-10:])


@pytest.mark.parametrize("key, spec", [("large", f"bytes={SIZE}-"), ("large", f"bytes={SIZE + 5}-{SIZE + 9}"), ("large", "bytes=-0"),
                                       ("empty", "bytes=0-0"), ("empty", "bytes=-5"), ("small", "bytes=1000-")])
def test_a_range_with_nothing_in_it_is_416(wire, large, key, spec):
    answer = get(wire, spec, key)
    size = {"large": SIZE, "small": 1000, "empty": 0}[key]
    assert (answer.status, answer.code) == (416, "InvalidRange")
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("spec", ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=", "bytes=-", "1-2", "bytes=1-2,5-6"])
def test_what_is_no_single_range_gets_the_whole(wire, large, spec):
    answer = get(wire, spec, "small")
    assert (answer.status, answer.body) == (200, large[:1000])


def test_head_takes_ranges_too(wire, large):
    answer = wire.head("/ranges/large", headers={"range": "bytes=10-19"})
    assert (answer.status, answer.headers["content-length"]) == (206, "10")
    assert answer.headers["content-range"] == f"bytes 10-19/{SIZE}"


def test_ranges_are_announced(wire, large):
    assert wire.get("/ranges/small").headers["accept-ranges"] == "bytes"


def test_ranges_of_an_inline_body(wire, large):
    for first, last in [(0, 0), (999, 999), (100, 899)]:
        assert get(wire, f"bytes={first}-{last}", "small").body == large[first:last + 1]


def test_a_client_may_hang_up_on_an_open_range(wire, large):
    for _ in range(20):
        with wire.socket() as connection:
            headers = {"host": wire.host, "range": "bytes=1-"}
            wire.signer.authorize("GET", "/ranges/large", [], headers, "UNSIGNED-PAYLOAD")
            head = "GET /ranges/large HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
            connection.sendall(head.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 206 ")
    assert get(wire, "bytes=0-9").status == 206


def test_parts_can_be_read_by_number(s3, wire, large):
    upload = s3.create_multipart_upload(Bucket="ranges", Key="parts")["UploadId"]
    bodies = [large[:5 * MIB], large[5 * MIB:]]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="ranges", Key="parts", UploadId=upload, PartNumber=n, Body=b)["ETag"]}
             for n, b in zip((3, 7), bodies)]
    s3.complete_multipart_upload(Bucket="ranges", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    # The finished object keeps the numbers its parts were uploaded under.
    for number, body, first in ((3, bodies[0], 0), (7, bodies[1], 5 * MIB)):
        answer = wire.get("/ranges/parts", query={"partNumber": str(number)})
        assert (answer.status, answer.headers["x-amz-mp-parts-count"]) == (206, "2")
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(body) - 1}/{SIZE}"
        assert answer.body == body
        assert wire.head("/ranges/parts", query={"partNumber": str(number)}).headers["content-length"] == str(len(body))
    answer = wire.get("/ranges/parts", query={"partNumber": "9"})
    assert (answer.status, answer.code) == (416, "InvalidPartNumber")


def test_a_plain_object_is_its_own_first_part(wire, large):
    answer = wire.get("/ranges/small", query={"partNumber": "1"})
    assert (answer.status, answer.body) == (206, large[:1000])
    assert wire.get("/ranges/small", query={"partNumber": "2"}).status == 416


def test_part_and_range_exclude_each_other(wire, large):
    answer = wire.get("/ranges/large", query={"partNumber": "1"}, headers={"range": "bytes=0-1"})
    assert (answer.status, answer.code) == (400, "InvalidRequest")
