"""Markdown of the measurements beside the table. Pure."""

from . import figures
from .words import MB, number, spread, table


def of(median, key, factor=1):
    value = median.get(key)
    return number(value * factor if value is not None else None)


def simple(found, columns):
    """Runs by server, one line for each; `columns` are (title, key, factor)."""
    lines = []
    for server, runs in found.items():
        median = figures.medians(runs)
        lines.append([server, *(of(median, key, factor) for _, key, factor in columns)])
    return table(["server", *(title for title, _, _ in columns)], lines)


def start_idle(found):
    columns = (("first start s", "start_s", 1), ("restart s", "restart_s", 1), ("idle RSS MB", "idle_rss_bytes", 1 / MB),
               ("idle CPU % of a core", "idle_cpu_share", 100))
    return ["## Start and idle", "", *simple(found, columns)]


def many_connections(found):
    columns = (("peak RSS MB", "peak_rss_bytes", 1 / MB), ("MB/s", "mb_per_s", 1), ("CPU s/GB", "cpu_s_per_gb", 1),
               ("p99 ms", "p99_ms", 1), ("503 answers", "retries", 1), ("errors", "errors", 1))
    return ["## 256 connections, each a PUT of 16 MiB", "", *simple(found, columns)]


def settled_writes(found):
    lines = []
    for size, servers in found.items():
        for server, runs in servers.items():
            median = figures.medians(runs)
            lines.append([size, server, of(median, "device_bytes_per_payload_byte"), of(median, "flushes_per_op")])
    head = ["workload", "server", "device bytes per payload byte", "flushes per op"]
    return ["## Bytes written, with an orderly stop at the end", "", *table(head, lines)]


def degraded(found):
    lines = []
    for row, states in found.items():
        for server, healthy in states["healthy"].items():
            gone = states["two_gone"][server]
            ratio = figures.summary(figures.paired_ratios(gone, healthy, "cpu_ms_per_op"))
            before, after = figures.medians(healthy), figures.medians(gone)
            per_gb = before.get("cpu_s_per_gb")
            flat = "–"
            if per_gb and after.get("cpu_s_per_gb") is not None and not after["errors"]:
                flat = "yes" if after["cpu_s_per_gb"] <= figures.degraded_allowed(per_gb) else "no"
            lines.append([row, server, of(before, "cpu_ms_per_op"), of(after, "cpu_ms_per_op"), spread(ratio), flat])
    head = ["workload", "server", "healthy ms", "two drives gone ms", "ratio", "≤ 1.2× or + 0.1 s/GB"]
    return ["## GET with two drives gone, server CPU per operation", "", *table(head, lines)]


def list_growth(found):
    lines, notes = [], []
    for server, steps in found.items():
        for keys, step in steps.items():
            if keys == "start_after_kill_s":
                notes.append(f"{server}: start after kill -9 with that many keys: {number(step)} s.")
                continue
            medians = {name: figures.medians(runs) for name, runs in step.items()}
            lines.append([server, f"{int(keys):,}", of(medians["list_flat"], "cpu_us_per_key"),
                          *(of(medians[name], "cpu_ms_per_op") for name in ("list_delimiter", "head", "get", "put"))])
    head = ["server", "keys", "LIST µs/key", "LIST delimiter ms", "HEAD ms", "GET ms", "PUT ms"]
    return ["## Growth, server CPU", "", *table(head, lines), *notes, ""]


def engine_jobs(found):
    lines = []
    for job, servers in found.items():
        ours, *others = servers
        for server, runs in servers.items():
            median = figures.medians(runs)
            ratio = "" if server == ours else spread(figures.summary(figures.paired_ratios(servers[ours], runs, "cpu_s")))
            lines.append([job, server, of(median, "cpu_s"), of(median, "seconds"), ratio, str(median.get("errors", 0))])
    head = ["job", "server", "server CPU s", "wall s", "first server's CPU / this one's", "errors"]
    return ["## Jobs of real engines", "", *table(head, lines)]


def taking(found):
    lines = []
    for size, runs in found.items():
        median = figures.medians(runs)
        lines.append([f"{int(size):,}", of(median, "cpu_ms_per_op"), of(median, "cpu_s_per_gb")])
    return ["## Floor of a PUT: receive, MD5, 4+2 parity, write and flush", "", *table(["bytes", "ms", "s/GB"], lines)]


SECTIONS = {"start-idle": start_idle, "many-connections": many_connections, "degraded": degraded,
            "settled-writes": settled_writes, "list-growth": list_growth, "engine-jobs": engine_jobs}


def sections(result):
    text = []
    for name, found in result.get("extras", {}).items():
        if found:
            text += SECTIONS[name](found)
    if result.get("floors", {}).get("taking"):
        text += taking(result["floors"]["taking"])
    return text
