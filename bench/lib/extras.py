"""Measurements that are not rows of the table: each returns what goes under its name in the result."""

import time

from . import figures, workloads
from .measure import difference_of_counters, measured, settle
from .processes import Usage
from .workloads import KIB, MIB

IDLE_WARM_S = 5
IDLE_S = 10
LOST_DRIVES = 2  # As many as 4+2 allows.
DEGRADED_ROWS = ("get-4k", "get-64k", "get-1m", "get-64m", "range-64k", "range-1m")

CONNECTIONS = 256
CONNECTION_RETRIES = 50  # A server may refuse a body for the moment: 503 SlowDown is an answer, not a failure.
CONNECTION_LOAD = {"op": "put", "size": 16 * MIB, "count": CONNECTIONS, "conc": CONNECTIONS, "prefix": "many/",
                   "retries": CONNECTION_RETRIES}

SETTLED = (  # Name, size, objects, connections: as many as make a log roll over where that is in reach.
    ("put-4k", 4 * KIB, 5000, 16),
    ("put-64k", 64 * KIB, 1000, 16),
    ("put-1m", MIB, 200, 8),
    ("put-64m", 64 * MIB, 8, 2),
)

GROWTH_SIZE = 128
GROWTH_PREFIX = "grow/"
GROWTH_REST_S = 10  # A server may flush what it was loaded with some seconds later.


def by_run(bench, measure):
    """`measure(server, run)` on fresh drives for each run and server, one server at a time."""
    results = {server.name: [] for server in bench.servers}
    for run in range(bench.runs):
        for server in bench.order(run):
            server.fresh()
            bench.generator.must(server, "bench", op="bucket", count=1, conc=1)
            results[server.name].append(measure(server, run))
            server.remove()
    return results


def start_idle(bench):
    """Start on empty drives, rest, start again: time, memory and CPU."""
    def measure(server, run):
        first_start_s = server.start_s if server.owned else None
        time.sleep(IDLE_WARM_S)
        before = Usage(server.pid)
        time.sleep(IDLE_S)
        after = Usage(server.pid)
        result = {"start_s": first_start_s, "idle_rss_bytes": after.rss_bytes,
                  "idle_cpu_share": (after.cpu_s - before.cpu_s) / IDLE_S}
        if server.owned:
            server.stop()
            server.start()
            result["restart_s"] = server.start_s
        bench.say("start-idle", server.name, run, result)
        return result
    return by_run(bench, measure)


def many_connections(bench):
    """Peak memory under 256 connections that all send a large body."""
    def measure(server, run):
        result = measured(server, bench.generator, "bench", {**CONNECTION_LOAD, "seed": run + 1})
        bench.say("many-connections", server.name, run, result)
        return result
    return by_run(bench, measure)


def settled_writes(bench):
    """Bytes on the drives per byte of payload up to and with an orderly stop, which flushes what was held back."""
    def one(name, size, objects, conc):
        load = {"op": "put", "size": size, "count": max(1, round(objects * bench.scale)), "conc": conc, "prefix": "w/"}

        def measure(server, run):
            settle(server)
            before = server.drives.counters()
            summary = bench.generator.must(server, "bench", **load, seed=run + 1)
            server.stop()
            server.drives.sync()
            device = difference_of_counters(server.drives.counters(), before)
            result = {"operations": summary["operations"], "bytes": summary["bytes"], "errors": summary["errors"],
                      "device_bytes_per_payload_byte": figures.divided(device["written_bytes"], summary["bytes"]),
                      "flushes_per_op": figures.divided(device["flushes"], summary["operations"])}
            bench.say(f"settled {name}", server.name, run, result)
            return result
        return by_run(bench, measure)
    if not all(server.owned for server in bench.servers):
        bench.note("settled-writes: left out, it stops the servers, and one is not ours")
        return {}
    return {name: one(name, size, objects, conc) for name, size, objects, conc in SETTLED}


def degraded(bench):
    """The GET rows with all drives, and again with two gone."""
    if not all(server.owned for server in bench.servers):
        bench.note("degraded: left out, it takes drives away, and one server is not ours")
        return {}
    rows = [row for row in workloads.ROWS if row.name in DEGRADED_ROWS]
    bucket = "bench-degraded"
    bench.start_family(bucket)
    bench.load_datasets(bucket, rows)
    results = {row.name: {"healthy": bench.run_row(bucket, row)} for row in rows}
    for server in bench.servers:
        server.stop()
        server.drives.lose(LOST_DRIVES)
        server.start()
        if len(bench.servers) > 1:
            server.freeze()
    for row in rows:
        results[row.name]["two_gone"] = bench.run_row(bucket, row)
    for server in bench.servers:
        server.remove()
    return results


def list_growth(bench, sizes, servers):
    """Costs at so many keys: LIST per key, and HEAD, GET and PUT of small objects; then the start after a kill."""
    results = {}
    bucket = "bench-growth"
    for server in servers:
        server.fresh()
        bench.generator.must(server, bucket, op="bucket", count=1, conc=1)
        present, steps = 0, {}
        for keys in sizes:
            bench.generator.must(server, bucket, op="put", size=GROWTH_SIZE, count=keys - present, base=present, conc=64,
                                 prefix=GROWTH_PREFIX)
            present = keys
            steps[str(keys)] = growth_step(bench, server, bucket, keys)
        if server.owned:
            server.stop(kill=True)
            server.start()
            steps["start_after_kill_s"] = server.start_s
            bench.say("list-growth", server.name, 0, {"start_after_kill_s": server.start_s})
        server.remove()
        results[server.name] = steps
    return results


def growth_step(bench, server, bucket, keys):
    small = {"size": GROWTH_SIZE, "prefix": GROWTH_PREFIX, "conc": 16, "count": 2000, "objects": keys}
    loads = {
        "list_flat": {"op": "list", "prefix": GROWTH_PREFIX, "count": 1, "conc": 1},
        "list_delimiter": {"op": "list", "prefix": GROWTH_PREFIX, "count": 20, "conc": 1, "delimiter": "/"},
        "head": {**small, "op": "head"},
        "get": {**small, "op": "get", "verify": True},
        "put": {**small, "op": "put", "prefix": "grow-beside/"},
    }
    bench.generator.must(server, bucket, **loads["list_flat"])  # Warms up, and gives what the loading left behind its time.
    time.sleep(GROWTH_REST_S)
    step = {name: [] for name in loads}
    for run in range(bench.runs):
        for name, load in loads.items():
            result = measured(server, bench.generator, bucket, {**load, "pick-seed": run + 1})
            if name == "list_flat" and result["keys"] != keys and not result["errors"]:
                result.update(errors=1, error=f"{result['keys']} keys, expected {keys}")
            step[name].append(result)
            bench.say(f"{keys} keys: {name}", server.name, run, result)
    return step
