"""What the jobs have in common: where the server is, and rows that can be checked."""

import os

import pyarrow as pa
import pyarrow.compute as pc

ENDPOINT, KEY, SECRET = (os.environ[n] for n in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
ROWS = 1_000_000
REGIONS = ("eu", "us", "ap", "sa")


def rows(count, first=0):
    ids = pa.array(range(first, first + count), pa.int64())
    notes = pc.binary_join_element_wise("note", pc.cast(pc.multiply(ids, 7919), pa.string()), "-")
    return pa.table({
        "id": ids,
        "day": pa.array([i % 8 for i in range(first, first + count)], pa.int32()),
        "region": pa.array([REGIONS[i % 4] for i in range(first, first + count)]),
        "amount": pc.divide(pc.cast(ids, pa.float64()), 16.0),
        "note": notes,
    })


def expect(what, seen, expected):
    if seen != expected:
        raise SystemExit(f"{what}: {seen} instead of {expected}")
