"""From raw counters to figures, and from figures to ratios. Pure."""

import statistics

GB = 1e9
MB = 1e6

# Figures for which a ratio of two servers means something.
RATIO_KEYS = (
    "cpu_ms_per_op",
    "cpu_us_per_key",
    "cpu_s_per_gb",
    "ops_per_s",
    "p50_ms",
    "p99_ms",
    "device_bytes_per_payload_byte",
    "flushes_per_op",
    "peak_rss_bytes",
)
WRITES = ("put", "multipart", "copy")


def divided(a, b):
    """a / b, or None where that says nothing."""
    return a / b if a is not None and b else None


def of_run(load, usage, device):
    """The figures of one run.

    `load` is what the generator printed, `usage` the differences of the server's counters, `device` those of its drives
    (None when they are unknown).
    """
    operations, payload = load["operations"], load["bytes"]
    run = {key: load[key] for key in ("operations", "errors", "error", "retries", "seconds", "bytes", "verified", "keys",
                                      "p50_ms", "p99_ms", "max_ms")}
    run.update(usage)
    run["client_cpu_s"] = load["client_cpu_seconds"]
    run["ops_per_s"] = divided(operations, load["seconds"])
    run["mb_per_s"] = divided(payload / MB, load["seconds"])
    run["cpu_ms_per_op"] = divided(usage["cpu_s"] * 1e3, operations)
    run["client_cpu_ms_per_op"] = divided(load["client_cpu_seconds"] * 1e3, operations)
    run["cpu_s_per_gb"] = divided(usage["cpu_s"], payload / GB)
    run["cpu_us_per_key"] = divided(usage["cpu_s"] * 1e6, load["keys"])
    if device is not None:
        run["device_written_bytes"] = device["written_bytes"]
        run["device_writes_per_op"] = divided(device["writes"], operations)
        run["flushes_per_op"] = divided(device["flushes"], operations)
        if load["operation"] in WRITES:
            run["device_bytes_per_payload_byte"] = divided(device["written_bytes"], payload)
    return run


def numbers(runs, key):
    return [r[key] for r in runs if isinstance(r.get(key), (int, float)) and not isinstance(r.get(key), bool)]


def medians(runs):
    """Of every figure that is a number; errors add up."""
    keys = {key for r in runs for key in r}
    result = {key: statistics.median(numbers(runs, key)) for key in sorted(keys) if numbers(runs, key)}
    for key in ("errors", "retries", "operations"):
        if key in result:
            result[key] = sum(numbers(runs, key))
    result["drained"] = all(r.get("drained", True) for r in runs)
    return result


def paired_ratios(ours, theirs, key):
    """ours / theirs of the runs that stood next to each other; None where one of the two failed or has no such figure."""
    ratios = []
    for own, other in zip(ours, theirs):
        failed = own.get("errors") or other.get("errors")
        ratios.append(None if failed else divided(own.get(key), other.get(key)))
    return ratios


def summary(ratios):
    """Median and extremes of the ratios that exist; None if there is none."""
    known = [r for r in ratios if r is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "least": min(known), "most": max(known), "runs": ratios}


def compare(ours, theirs):
    """All ratios of two servers on one workload, by figure."""
    result = {}
    for key in RATIO_KEYS:
        found = summary(paired_ratios(ours, theirs, key))
        if found:
            result[key] = found
    return result


def verdict(ratio, target):
    """Whether the target, a share of the other's CPU, is reached."""
    if ratio is None or target is None:
        return ""
    return "reached" if ratio <= target else "missed"


def degraded_allowed(healthy_s_per_gb):
    """What a GET may cost with two drives gone, in CPU-seconds per GB: 1.2 times, or 0.1 more, whichever is larger."""
    return max(1.2 * healthy_s_per_gb, healthy_s_per_gb + 0.1)
