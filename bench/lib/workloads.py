"""What is measured: the rows of the result, in the order in which they run."""

import dataclasses
from fractions import Fraction

KIB = 1 << 10
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Objects that rows read, copy or delete: written once for a server and family. For rows that write: the shape."""

    prefix: str
    size: int
    objects: int
    part: int = 0  # Of a multipart upload; 0: one PUT.
    conc: int = 8

    def load_options(self):
        options = {"op": "multipart" if self.part else "put", "size": self.size, "count": self.objects,
                   "conc": self.conc, "prefix": self.prefix}
        if self.part:
            options["part"] = self.part
        return options


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the result.

    `target` is the share of MinIO's CPU, in the same run, that Firn may use. `quick_count` is the count for Firn where one
    operation is too short to be timed beside a slow server's few. A row that `writes` overwrites the same keys with every
    run, or makes `new_keys`. A `cold` row comes a second time, without caches.
    """

    name: str
    family: str
    dataset: Dataset
    op: str
    count: int
    conc: int
    target: Fraction | None = None
    quick_count: int = 0
    writes: bool = False
    new_keys: bool = False
    cold: bool = False
    per_key: bool = False
    options: tuple = ()

    def count_for(self, quick):
        return self.quick_count if quick and self.quick_count else self.count


SMALL = Dataset("s4k/", 4 * KIB, 1000, conc=16)
MIDDLE = Dataset("s64k/", 64 * KIB, 400, conc=16)
MEGA = Dataset("s1m/", MIB, 150)
LARGE = Dataset("s64m/", 64 * MIB, 6, conc=2)
PARTED = Dataset("p64m/", 64 * MIB, 4, part=16 * MIB, conc=2)
HUGE = Dataset("p256m/", 256 * MIB, 2, part=16 * MIB, conc=1)
MANY = Dataset("many/", 128, 10_000, conc=64)

PREFIXES = 100         # The generator spreads its keys over so many directories.
BATCH_KEYS = 1000      # Of one DeleteObjects.
DELETED_BATCHES = 2    # In a run: five runs leave nothing of MANY.
READ_BACK_MAX = 200    # Objects of the last run of a row that writes.
DATASET_SEED = 1       # Of the bodies of datasets; runs that write have others.
WRITTEN = "w-"         # Starts the prefix of what runs write.


ROWS = (
    Row("put-4k", "small", SMALL, "put", 1000, 16, Fraction(1, 12), quick_count=4000, writes=True, new_keys=True),
    Row("get-4k", "small", SMALL, "get", 3000, 16, Fraction(1, 8), quick_count=10_000, cold=True),
    Row("head-4k", "small", SMALL, "head", 3000, 16, Fraction(1, 8), quick_count=10_000),
    Row("put-64k", "middle", MIDDLE, "put", 400, 16, Fraction(1, 6), quick_count=800, writes=True, new_keys=True),
    Row("get-64k", "middle", MIDDLE, "get", 2000, 16, Fraction(1, 8), quick_count=8000, cold=True),
    Row("put-1m", "mega", MEGA, "put", 150, 8, Fraction(1, 3), writes=True),
    Row("put-1m-sha256", "mega", MEGA, "put", 100, 8, Fraction(1, 2), writes=True, options=(("payload", "sha256"),)),
    Row("put-1m-crc32", "mega", MEGA, "put", 100, 8, writes=True, options=(("payload", "crc32"),)),
    Row("put-1m-crc64nvme", "mega", MEGA, "put", 150, 8, writes=True, options=(("payload", "crc64nvme"),)),
    Row("get-1m", "mega", MEGA, "get", 500, 8, Fraction(1, 4), quick_count=1000, cold=True),
    Row("put-64m-alone", "large", LARGE, "put", 6, 1, Fraction(3, 4), writes=True),
    Row("put-64m-by-8", "large", LARGE, "put", 16, 8, Fraction(1, 3), writes=True),
    Row("put-64m-by-2", "large", LARGE, "put", 6, 2, Fraction(3, 5), writes=True),
    Row("get-64m", "large", LARGE, "get", 12, 2, Fraction(1, 2), cold=True),
    Row("copy-64m", "large", LARGE, "copy", 6, 2, Fraction(1, 500), quick_count=400, options=(("copy-prefix", "copies/"),)),
    Row("multipart-64m", "large", PARTED, "multipart", 4, 2, Fraction(1, 2), writes=True, options=(("part", 16 * MIB),)),
    Row("range-64k", "huge", HUGE, "range", 1200, 8, Fraction(1, 12), quick_count=4000, cold=True,
        options=(("range", 64 * KIB),)),
    Row("range-1m", "huge", HUGE, "range", 500, 8, Fraction(1, 5), quick_count=1000, cold=True, options=(("range", MIB),)),
    Row("list-flat", "list", MANY, "list", 2, 1, Fraction(1, 60), quick_count=20, per_key=True),
    Row("list-delimiter", "list", MANY, "list", 10, 1, Fraction(1, 40), quick_count=200, options=(("delimiter", "/"),)),
    Row("delete-batch", "list", MANY, "delete-batch", DELETED_BATCHES, 1, Fraction(1, 20)),
)

# Rows of their own kind: lib/extras.py.
EXTRAS = ("start-idle", "many-connections", "degraded", "settled-writes", "list-growth", "engine-jobs")


def families(rows):
    """The rows by family, in order."""
    result = {}
    for row in rows:
        result.setdefault(row.family, []).append(row)
    return result


def options_of(row, run, quick=False, scale=1.0, runs=5):
    """The generator's options for run number `run`, from 0. What a row writes lies beside the datasets that others read."""
    count = max(1, round(row.count_for(quick) * scale))
    data = row.dataset
    options = {"op": row.op, "count": count, "conc": row.conc, "size": data.size, "prefix": data.prefix,
               "seed": DATASET_SEED, "pick-seed": run + 1, **dict(row.options)}
    if row.writes:
        # Other bodies with every run: what is read back is not what an earlier run left there.
        options.update(prefix=WRITTEN + data.prefix, seed=DATASET_SEED + 1 + run, base=run * count if row.new_keys else 0)
    elif row.op == "delete-batch":
        batches = max(1, min(row.count, data.objects // (BATCH_KEYS * runs)))
        options.update(count=batches, base=run * batches * BATCH_KEYS, objects=batches * BATCH_KEYS)
    elif row.op != "list":
        options["objects"] = data.objects
    if row.op in ("get", "range"):
        options["verify"] = True
    return options


def warm_up(row, options):
    """A short run of the same kind that leaves the measured keys alone; None where there is nothing to warm."""
    if row.op == "delete-batch":
        return None
    warm = dict(options, count=max(1, options["count"] // 5), **{"pick-seed": 0})
    if row.writes:
        warm.update(prefix="warm-" + options["prefix"], base=0)
    if row.op == "copy":
        warm["copy-prefix"] = "warm-" + options["copy-prefix"]
    return warm


def read_back(row, options):
    """Reads that check what the last run wrote; None if it wrote nothing."""
    reads = {"op": "get", "verify": True, "order": "each", "conc": options["conc"], "size": options["size"],
             "seed": options["seed"]}
    if row.writes:
        many = min(options["count"], READ_BACK_MAX)
        return dict(reads, prefix=options["prefix"], base=options["base"], count=many, objects=many)
    if row.op == "copy":
        many = min(options["count"], options["objects"])
        return dict(reads, prefix=options["copy-prefix"], count=many, objects=many, **{"body-prefix": options["prefix"]})
    return None


def expected_keys(row, options):
    """How many keys the generator must report; None where the operation has none."""
    data = row.dataset
    if row.op == "list":
        each = min(PREFIXES, data.objects) if row.options else data.objects
        return each * options["count"]
    if row.op == "delete-batch":
        return options["objects"]
    return None


def cold_options(options):
    """The same reads of objects in turn, each once if there are enough: nothing asked for was read before."""
    cold = dict(options, order="each")
    if options["op"] == "get":
        cold["count"] = min(options["count"], options["objects"])
    return cold
