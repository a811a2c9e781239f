"""The result as Markdown. Pure: takes the dictionary that is saved as JSON."""

from . import figures, report_extras
from .words import MB, fraction, number, spread, table


RATIO_NOTE = ("Medians of the runs. A ratio is the median of the ratios of runs that stood next to each other, "
              "with its extremes.")
OURS, AIMED_AT = "firn", "minio"  # The names that bench/run.py gives them.


def cost_key(row):
    return "cpu_us_per_key" if row["per_key"] else "cpu_ms_per_op"


def unit(row):
    return "µs/key" if row["per_key"] else "ms"


def cost_table(result):
    """Server CPU of every server and ratios; targets, which are shares of MinIO's CPU as it ships; the floor."""
    names = [server["name"] for server in result["servers"]]
    ours, others = names[0], names[1:]
    aimed = ours == OURS and AIMED_AT in others
    floors = result.get("floors", {}).get("nginx", {})
    head = ["workload", *names, *(f"{ours} / {other}" for other in others)]
    head += (["target", ""] if aimed else []) + (["nginx", "times nginx"] if floors else [])
    lines = []
    for name, row in result["rows"].items():
        key = cost_key(row)
        medians = {n: row["servers"][n]["median"] for n in names}
        ratios = {other: row["ratios"].get(other, {}).get(key) for other in others}
        line = [name, *(f"{number(medians[n].get(key))} {unit(row)}" for n in names), *map(spread, ratios.values())]
        if aimed:
            ratio = ratios[AIMED_AT]["median"] if ratios[AIMED_AT] else None
            line += [fraction(row["target"]), figures.verdict(ratio, row["target"])]
        if floors:
            floor = figures.medians(floors[name]).get(key) if name in floors else None
            line += [number(floor), number(figures.divided(medians[ours].get(key), floor))]
        lines.append(line)
    return table(head, lines)


def detail_table(result, columns):
    """One line for a workload and server; `columns` are (title, key, factor)."""
    lines = []
    for name, row in result["rows"].items():
        for server, measured in row["servers"].items():
            values = [measured["median"].get(key) for _, key, _ in columns]
            if any(v is not None for v in values):
                lines.append([name, server, *(number(v * factor if v is not None else None)
                                              for v, (_, _, factor) in zip(values, columns))])
    return table(["workload", "server", *(title for title, _, _ in columns)], lines)


SPEED = (("ops/s", "ops_per_s", 1), ("MB/s", "mb_per_s", 1), ("p50 ms", "p50_ms", 1), ("p99 ms", "p99_ms", 1),
         ("CPU s/GB", "cpu_s_per_gb", 1), ("generator ms/op", "client_cpu_ms_per_op", 1))
DRIVES = (("device bytes per payload byte", "device_bytes_per_payload_byte", 1), ("flushes per op", "flushes_per_op", 1),
          ("device writes per op", "device_writes_per_op", 1), ("peak RSS MB", "peak_rss_bytes", 1 / MB),
          ("kernel threads CPU s", "kernel_threads_cpu_s", 1), ("server CPU s", "cpu_s", 1))


def runs_table(result):
    lines = []
    for name, row in result["rows"].items():
        for server, measured in row["servers"].items():
            lines.append([name, server, unit(row), *(number(r.get(cost_key(row))) for r in measured["runs"])])
    return table(["workload", "server", "unit", *(f"run {i + 1}" for i in range(result["runs"]))], lines)


def trouble(result):
    """Everything that makes a figure doubtful."""
    lines = list(result.get("notes", []))
    for name, row in result["rows"].items():
        for server, measured in row["servers"].items():
            for i, run in enumerate(measured["runs"]):
                where = f"{name}, {server}, run {i + 1}"
                if run["errors"]:
                    lines.append(f"{where}: {run['errors']} errors, the first: {run['error'][:200]}")
                if not run.get("drained", True):
                    lines.append(f"{where}: the server did not come to rest within the window")
            median = measured["median"]
            if (median.get("client_cpu_s") or 0) > (median.get("cpu_s") or 0):
                lines.append(f"{name}, {server}: the generator took more CPU than the server "
                             f"({number(median['client_cpu_s'])} s, {number(median['cpu_s'])} s)")
    return [f"- {line}" for line in lines] + [""] if lines else ["None.", ""]


def server_line(server):
    line = f"- {server['name']}: `{server.get('binary', '')}`"
    if "sha256" in server:
        line += f", sha256 {server['sha256']}, {server['bytes'] / MB:.1f} MB"
    if server.get("arguments"):
        line += f", `{' '.join(server['arguments'])}`"
    if server.get("environment"):
        line += f", with `{' '.join(f'{k}={v}' for k, v in server['environment'].items())}`"
    return line + (f" ({server['note']})" if server.get("note") else "")


def header(result):
    machine, yardstick = result["machine"], result["yardstick_s"]
    return [
        f"# {result['name']}, {machine['date']}", "",
        f"`{machine['command']}`, {result['runs']} interleaved runs. What each figure means: "
        "[bench/README.md](../README.md).", "",
        f"- Machine: {machine['cpu']} ({', '.join(machine['cpu_flags'])}), {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB, Linux {machine['kernel']}; server and generator on one core each.",
        f"- MD5 of 256 MiB on the server's core: {number(yardstick[0])} s before, {number(yardstick[-1])} s after.",
        f"- Drives: {result['drives']}. Transport: {'TLS' if result['tls'] else 'plain HTTP'}, SigV4.",
        f"- Revision {machine['revision']}; harness {machine['harness_sha256'][:16]}; "
        f"generator {result['generator_sha256'][:16]}.",
        *map(server_line, result["servers"]), ""]


def markdown(result):
    text = header(result)
    if result["rows"]:
        text += ["## Server CPU per operation", "", RATIO_NOTE, ""]
        text += cost_table(result)
        text += ["## Speed", "", *detail_table(result, SPEED)]
        text += ["## Drives and memory", "", *detail_table(result, DRIVES)]
    text += report_extras.sections(result)
    if result["rows"]:
        text += ["## All runs, server CPU per operation", "", *runs_table(result)]
    return "\n".join(text + ["## Doubts", "", *trouble(result)])
