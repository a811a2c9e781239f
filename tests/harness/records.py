"""Shard records as they lie in segment files (docs/formats/record.md): to damage them on purpose."""

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
    found = []
    for path in sorted((drive / "segments").glob("*.seg")):
        with open(path, "rb") as segment:
            offset = FIRST_RECORD
            while True:
                segment.seek(offset)
                page = segment.read(PAGE)
                if len(page) < PAGE:
                    break
                offset_of_this = offset
                offset += PAGE
                if not page.startswith(MAGIC):
                    continue
                lease, counter, extent_bytes, stripe, _, stored = struct.unpack_from("<QQQIII", page, 32)
                found.append(Record(path, offset_of_this, page[18], lease, counter, extent_bytes, stripe, stored))
                offset += stored
    return found


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))
