"""Rows for engine tests: the same for the same arguments, so that any engine's answer can be checked."""

import numpy
import pyarrow

REGIONS = ("eu", "us", "ap", "sa")


def rows(count, first=0):
    """`count` rows with ids from `first` on."""
    ids = numpy.arange(first, first + count)
    return pyarrow.table({
        "id": pyarrow.array(ids, pyarrow.int64()),
        "day": pyarrow.array(ids % 8, pyarrow.int32()),
        "region": pyarrow.array(numpy.array(REGIONS)[ids % 4]),
        "amount": pyarrow.array((ids * 7919 % 100_003) / 16.0),
        "note": pyarrow.array([f"note-{value:016x}" for value in ids * 0x9E3779B97F4A7 % (1 << 62)]),
    })


def amount_sum(first, last):
    """Of the rows with ids from `first` to `last`, exclusive."""
    ids = numpy.arange(first, last)
    return float(((ids * 7919 % 100_003) / 16.0).sum())
