"""s3fs (fsspec over aiobotocore): streams, ranges, trees and exclusive creation."""

import pytest
import s3fs

MIB = 1 << 20


@pytest.fixture
def fs(server):
    made = s3fs.S3FileSystem(key=server.access_key, secret=server.secret_key, skip_instance_cache=True,
                             client_kwargs={"endpoint_url": server.endpoint, "region_name": "us-east-1"})
    yield made


def test_a_large_stream_and_ranges_of_it(fs, bucket, rng):
    body = rng.randbytes(40 * MIB + 3)
    with fs.open(f"{bucket}/large", "wb", block_size=8 * MIB) as out:
        for at in range(0, len(body), MIB):
            out.write(body[at:at + MIB])
    with fs.open(f"{bucket}/large", "rb") as stream:
        stream.seek(-100, 2)
        assert stream.read() == body[-100:]
        stream.seek(MIB + 7)
        assert stream.read(4096) == body[MIB + 7:MIB + 7 + 4096]
    starts = [0, 1000, 2_000_000, 35_000_000]
    assert fs.cat_ranges([f"{bucket}/large"] * 4, starts, [s + 100 for s in starts]) == [body[s:s + 100] for s in starts]


def test_trees_are_listed_copied_moved_and_removed(fs, bucket):
    fs.pipe({f"{bucket}/d/{i:03}": b"x" * i for i in range(50)})
    assert [p.rsplit("/", 1)[1] for p in fs.find(f"{bucket}/d")] == [f"{i:03}" for i in range(50)]
    assert fs.du(f"{bucket}/d") == sum(range(50))
    fs.cp(f"{bucket}/d/", f"{bucket}/e/", recursive=True)
    fs.mv(f"{bucket}/e/007", f"{bucket}/moved")
    assert fs.cat(f"{bucket}/moved") == b"x" * 7
    fs.rm(f"{bucket}/d", recursive=True)
    assert not fs.exists(f"{bucket}/d")
    assert len(fs.find(f"{bucket}/e")) == 49


def test_exclusive_creation_is_exclusive(fs, bucket):
    fs.pipe_file(f"{bucket}/once", b"1", mode="create")
    with pytest.raises(OSError):
        fs.pipe_file(f"{bucket}/once", b"2", mode="create")
    assert fs.cat(f"{bucket}/once") == b"1"
