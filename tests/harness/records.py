"""Shard records as they lie in segment files (docs/formats/record.md): to damage them on purpose."""

import collections
import errno
import os
import struct
from dataclasses import dataclass

PAGE = 4096
MAGIC = b"FIRNRCR\r"
FIRST_RECORD = 2 * PAGE  # After the segment's two headers.


@dataclass(frozen=True)
class Record:
    path: object
    offset: int
    shard: int
    lease: int
    counter: int
    extent_bytes: int
    stripe: int
    stored_bytes: int

    @property
    def extent(self):
        return self.lease, self.counter

    # Where to flip a byte so that it hits one region of the record.
    def regions(self):
        header = {"magic": 3, "header checksum": 9, "version": 16, "shard": 18, "shape": 19, "set": 24, "epoch": 29, "lease": 33,
                  "counter": 41, "extent bytes": 49, "stripe": 56, "chunk bytes": 61, "stored bytes": 65, "segment": 68,
                  "incarnation": 72, "nonce": 81, "offset": 89, "cluster": 97, "owner": 113, "time": 121, "reserved": 300,
                  "block checksum": 513, "tail": 4000}
        regions = {name: self.offset + at for name, at in header.items()}
        if self.stored_bytes:
            regions |= {"first payload byte": self.offset + PAGE, "last payload byte": self.offset + PAGE + self.stored_bytes - 1}
        return regions


def records_of(drive):
    """Every record of a drive's segments; those of earlier incarnations may be among them."""
    return [record for path in sorted((drive / "segments").glob("*.seg")) for record in records_in(path)]


def records_in(path):
    found = []
    with open(path, "rb") as segment:
        for first, data in written_ranges(segment):
            # Page by page: a damaged record may not know its length.
            for at in range(0, len(data) - PAGE + 1, PAGE):
                if data.startswith(MAGIC, at) and first + at >= FIRST_RECORD:
                    lease, counter, extent_bytes, stripe, _, stored = struct.unpack_from("<QQQIII", data, at + 32)
                    found.append(Record(path, first + at, data[at + 18], lease, counter, extent_bytes, stripe, stored))
    return found


def written_ranges(file):
    """(offset, bytes) of all that was ever written: segments are allocated long before they fill."""
    # Pages in the cache count as data, be they zeros that were read ahead.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
    end = 0
    while True:
        try:
            begin = os.lseek(file.fileno(), end, os.SEEK_DATA) // PAGE * PAGE
        except OSError as failure:
            if failure.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        yield begin, os.pread(file.fileno(), end - begin, begin)


def by_extent_stripe(drives):
    """{(extent, stripe): {shard: record}}; of a record written twice, the later place."""
    places = collections.defaultdict(dict)
    for drive in drives:
        for record in records_of(drive):
            places[record.extent, record.stripe][record.shard] = record
    return places


def flip(path, offset):
    """On the drive, not just in the cache: a server that runs reads past that."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))
        file.flush()
        os.fsync(file.fileno())
