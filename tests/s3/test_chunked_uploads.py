"""aws-chunked framing, signed and unsigned, with and without trailers: only what was signed is stored."""

import pytest

from harness import checksums, sigv4

CHUNKS = [b"a" * 65_536, b"b" * 8_192, b"c" * 1_234]
BODY = b"".join(CHUNKS)
TRAILER = [("x-amz-checksum-crc32", checksums.b64("CRC32", BODY))]
MODES = [(sigv4.STREAMING, ()), (sigv4.STREAMING_TRAILER, TRAILER), (sigv4.UNSIGNED_TRAILER, TRAILER)]
SIGNED = MODES[:2]


@pytest.mark.parametrize("mode, trailers", MODES)
def test_the_framing_is_taken_off(wire, bucket, mode, trailers):
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=mode, trailers=trailers)
    assert answer.status == 200, answer
    got = wire.get(f"/{bucket}/k")
    assert got.body == BODY
    assert "content-encoding" not in got.headers


@pytest.mark.parametrize("mode, trailers", MODES)
def test_an_empty_body_is_framed_too(wire, bucket, mode, trailers):
    empty = [("x-amz-checksum-crc32", checksums.b64("CRC32", b""))] if trailers else ()
    assert wire.put_chunked(f"/{bucket}/k", [], mode=mode, trailers=empty).status == 200
    assert wire.get(f"/{bucket}/k").body == b""


@pytest.mark.parametrize("mode, trailers", MODES)
def test_large_bodies_in_many_chunks(wire, bucket, rng, mode, trailers):
    chunks = [rng.randbytes(rng.randrange(8_192, 200_000)) for _ in range(40)]
    body = b"".join(chunks)
    sums = [("x-amz-checksum-crc32", checksums.b64("CRC32", body))] if trailers else ()
    assert wire.put_chunked(f"/{bucket}/k", chunks, mode=mode, trailers=sums).status == 200
    assert wire.get(f"/{bucket}/k").body == body


def test_another_content_encoding_stays(wire, bucket):
    when = sigv4.now()
    head = {"host": wire.host, "x-amz-decoded-content-length": "3", "content-encoding": "aws-chunked,gzip"}
    signature = wire.signer.authorize("PUT", f"/{bucket}/both", [], head, sigv4.STREAMING, when)
    frames = wire.frames([b"abc"], sigv4.STREAMING, (), when, signature)
    assert wire.send("PUT", f"/{bucket}/both", head, b"".join(frames)).status == 200
    assert wire.head(f"/{bucket}/both").headers["content-encoding"] == "gzip"


def flipped(frame):
    return frame[:-10] + bytes([frame[-10] ^ 1]) + frame[-9:]


def with_other_signature(frame):
    before, after = frame.split(b"chunk-signature=")
    return before + b"chunk-signature=" + (b"0" if after[:1] != b"0" else b"1") + after[1:]


DAMAGES = {
    "a byte of a chunk": lambda frames: [flipped(frames[0]), *frames[1:]],
    "a byte of a later chunk": lambda frames: [frames[0], flipped(frames[1]), *frames[2:]],
    "chunks swapped": lambda frames: [frames[1], frames[0], *frames[2:]],
    "a chunk left out": lambda frames: [frames[0], *frames[2:]],
    "a chunk twice": lambda frames: [frames[0], *frames],
    "the last chunk's signature": lambda frames: [*frames[:3], with_other_signature(frames[3]), *frames[4:]],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("mode, trailers", SIGNED)
def test_what_was_not_signed_so_is_not_stored(wire, bucket, mode, trailers, damage):
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=mode, trailers=trailers, damage=DAMAGES[damage])
    assert answer.status in (400, 403), answer
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


@pytest.mark.parametrize("damage", [b"zz\r\n", b"-5\r\n", b"ffffffffffffffff\r\n", b"10000\n", b"\r\n", b"5;chunk-signature\r\n",
                                    b"5" * 5000 + b"\r\n"], ids=repr)
@pytest.mark.parametrize("mode, trailers", MODES)
def test_framing_that_is_none_is_refused(wire, bucket, mode, trailers, damage):
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=mode, trailers=trailers, damage=lambda frames: [damage, *frames])
    assert answer.status in (400, 403), answer
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


@pytest.mark.parametrize("decoded", [len(BODY) - 1, len(BODY) + 1, 0])
@pytest.mark.parametrize("mode, trailers", MODES)
def test_a_wrong_decoded_length_is_refused(wire, bucket, mode, trailers, decoded):
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=mode, trailers=trailers, decoded=decoded)
    assert answer.status in (400, 403), answer
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


@pytest.mark.parametrize("mode, trailers", MODES[1:])
def test_an_announced_trailer_must_come(wire, bucket, mode, trailers):
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=mode, trailers=trailers,
                              damage=lambda frames: [f for f in frames if not f.startswith(b"x-amz-")])
    assert answer.status in (400, 403), answer
    assert wire.get(f"/{bucket}/k").code == "NoSuchKey"


def test_a_trailer_is_signed_with_the_chunks(wire, bucket):
    other = checksums.b64("CRC32", b"other").encode()

    def replace(frames):
        return [frame.replace(TRAILER[0][1].encode(), other) for frame in frames]

    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=sigv4.STREAMING_TRAILER, trailers=TRAILER, damage=replace)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_a_trailer_that_was_not_announced_is_refused(wire, bucket):
    extra = b"x-amz-checksum-sha1:AAAA\r\n"
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, mode=sigv4.UNSIGNED_TRAILER, trailers=TRAILER,
                              damage=lambda frames: [*frames[:-1], extra, frames[-1]])
    assert (answer.status, answer.code) == (400, "MalformedTrailerError")


def test_parts_come_in_chunks_too(s3, wire, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    answer = wire.put_chunked(f"/{bucket}/k", CHUNKS, query={"partNumber": "1", "uploadId": upload})
    assert answer.status == 200
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": answer.headers["etag"]}]})
    assert wire.get(f"/{bucket}/k").body == BODY


def test_the_unsigned_form_still_needs_a_signed_head(server, bucket):
    forger = server.wire()
    forger.signer.secret_key = "not the secret key"
    answer = forger.put_chunked(f"/{bucket}/k", CHUNKS, mode=sigv4.UNSIGNED_TRAILER, trailers=TRAILER)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert server.wire().get(f"/{bucket}/k").code == "NoSuchKey"


def test_a_frame_may_come_byte_by_byte(wire, bucket):
    when = sigv4.now()
    head = {"host": wire.host, "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "6"}
    signature = wire.signer.authorize("PUT", f"/{bucket}/slow", [], head, sigv4.STREAMING, when)
    body = b"".join(wire.frames([b"abc", b"def"], sigv4.STREAMING, (), when, signature))
    head["content-length"] = str(len(body))
    with wire.socket() as connection:
        connection.sendall((f"PUT /{bucket}/slow HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in head.items()) + "\r\n").encode())
        for byte in body:
            connection.sendall(bytes([byte]))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert wire.get(f"/{bucket}/slow").body == b"abcdef"
