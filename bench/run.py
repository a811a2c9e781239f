#!/usr/bin/env python3
"""Measures firnd, beside other S3 servers if asked to. bench/README.md says how, and what the figures mean.

  ./dev bench                                     every row and extra, firnd alone
  ./dev bench 'put-*' head-4k                     some rows
  ./dev bench --against-minio /path/to/minio      beside MinIO, as it ships and with MINIO_FS_OSYNC=on
"""

import argparse
import fnmatch
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lib import drives, engine_jobs, extras, figures, floors, generator, machine, report, servers, workloads
from lib.bench import Bench

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
GIB = 1 << 30
RUNS = 5
# What the servers of one family hold at most, with their garbage, on all six drives: they share the memory below /dev/shm.
NEEDED_BYTES_PER_SERVER = 6 * GIB


def parse(arguments):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    in_release = ROOT / "build/release"
    p.add_argument("names", nargs="*", metavar="NAME", help="rows and extras to run, with wildcards; default: all")
    p.add_argument("--list", action="store_true", help="name the rows and extras")
    p.add_argument("--firnd", type=pathlib.Path, default=in_release / "bin/firnd", help="the release build")
    p.add_argument("--without-firnd", action="store_true", help="only the others; the first is compared with the rest")
    p.add_argument("--against", action="append", default=[], metavar="NAME=ENDPOINT,PID,ACCESS,SECRET[,DRIVE:DRIVE...]",
                   help="a server that runs here already; its drives, if device figures are wanted")
    p.add_argument("--against-minio", type=pathlib.Path, metavar="BINARY", help="start MinIO twice, with and without osync")
    p.add_argument("--osync", action=argparse.BooleanOptionalAction, default=True, help="the second MinIO")
    p.add_argument("--runs", type=int, default=RUNS)
    p.add_argument("--scale", type=float, default=1.0, help="share of the operations of every row: for trying things out")
    p.add_argument("--tls", action="store_true", help="TLS on all servers")
    p.add_argument("--server-cpus", default="0", help="core of the servers, as taskset takes it")
    p.add_argument("--client-cpus", default="1", help="core of the generator")
    p.add_argument("--drive-gib", type=float, default=3, help="size of each drive's file; it takes memory only as it is filled")
    p.add_argument("--plain-drives", action="store_true", help="six directories, even where loop devices can be made")
    p.add_argument("--plain-parent", type=pathlib.Path, help="where those directories go")
    p.add_argument("--list-keys", default="10000,100000", help="steps of list-growth")
    p.add_argument("--list-all", action="store_true", help="list-growth on the other servers too: slow")
    p.add_argument("--floors", action="store_true", help="also what nginx spends on the GETs, and a bare loop on the PUTs")
    p.add_argument("--nginx", default=shutil.which("nginx"), help="its binary, for the floors")
    p.add_argument("--build", type=pathlib.Path, default=in_release, help="where take_floor is built")
    p.add_argument("--name", default="bench", help="of the result")
    p.add_argument("--results", type=pathlib.Path, default=BENCH / "results")
    return p.parse_intermixed_args(arguments)


def all_names():
    return [row.name for row in workloads.ROWS] + list(workloads.EXTRAS)


def chosen(patterns):
    """The names that any of the patterns means; all without patterns."""
    if not patterns:
        return all_names()
    for pattern in patterns:
        if not fnmatch.filter(all_names(), pattern):
            sys.exit(f"bench: nothing is called {pattern!r}; --list shows the names")
    return [name for name in all_names() if any(fnmatch.fnmatch(name, p) for p in patterns)]


def make_setup(options, folder):
    plain = options.plain_drives or not drives.can_make_loops()
    size = int(options.drive_gib * GIB)

    def new_drives(name):
        return drives.new_drives(name, size, options.plain_parent, plain)
    certificate = servers.Certificate(folder / "certificate") if options.tls else None
    return servers.Setup(folder, options.server_cpus, new_drives, certificate), plain


def make_servers(options, setup):
    made = []
    if not options.without_firnd:
        if not options.firnd.exists():
            sys.exit(f"bench: there is no {options.firnd}: ./dev build, or --firnd PATH")
        made.append(servers.Firnd(report.OURS, options.firnd, setup))
    if options.against_minio:
        made.append(servers.Minio(report.AIMED_AT, options.against_minio, setup))
        if options.osync:
            made.append(servers.Minio("minio-osync", options.against_minio, setup, {"MINIO_FS_OSYNC": "on"}))
    for text in options.against:
        made.append(servers.External(servers.parse_external(text), options.server_cpus))
    if not made:
        sys.exit("bench: no server to measure")
    return made


def say(row, server, run, result):
    """One line of progress."""
    shown = ("ops_per_s", "cpu_ms_per_op", "cpu_us_per_key", "p50_ms", "p99_ms", "device_bytes_per_payload_byte",
             "flushes_per_op", "start_s", "restart_s", "idle_rss_bytes", "start_after_kill_s", "cpu_s_per_gb", "cpu_s", "seconds")
    words = [f"{key} {result[key]:.4g}" for key in shown if result.get(key) is not None]
    if result.get("errors"):
        words.append(f"ERRORS {result['errors']}: {result.get('error', '')[:160]}")
    print(f"{time.strftime('%H:%M:%S')} {row} {server} run {run + 1}: {', '.join(words)}", flush=True)


class Result:
    """The dictionary that becomes the files; saved after every step, so that an interrupted bench leaves what it has."""

    def __init__(self, options, bench, setup, plain, generator_binary):
        kind = (drives.PlainDrives if plain else drives.LoopDrives).kind
        self.data = {
            "name": options.name, "runs": bench.runs, "scale": bench.scale, "tls": options.tls, "drives": kind,
            "machine": machine.describe(ROOT, sys.argv[1:]), "generator_sha256": servers.sha256_of(generator_binary),
            "yardstick_s": [machine.yardstick(setup.server_cpus)], "servers": [], "rows": {}, "extras": {}, "floors": {},
            "notes": bench.notes,
        }
        self._bench, self._setup = bench, setup
        options.results.mkdir(parents=True, exist_ok=True)
        self._path = options.results / f"{self.data['machine']['date'][:10]}-{options.name}"

    def keep_row(self, row, name, runs):
        ours, *others = runs
        self.data["rows"][name] = {
            "target": float(row.target) if row.target and name == row.name else None,
            "per_key": row.per_key,
            "servers": {server: {"runs": found, "median": figures.medians(found)} for server, found in runs.items()},
            "ratios": {other: figures.compare(runs[ours], runs[other]) for other in others},
        }
        self.save()

    def save(self):
        self.data["servers"] = self.data["servers"] or [server.about() for server in self._bench.servers]
        self._write(".json", json.dumps(self.data, indent=1))
        self._write(".md", report.markdown(self.data))

    def _write(self, ending, text):
        path = self._path.with_name(self._path.name + ending)
        path.write_text(text + "\n", "utf-8")
        return path

    def finish(self):
        self.data["yardstick_s"].append(machine.yardstick(self._setup.server_cpus))
        self.save()
        print(report.markdown(self.data))
        print(f"{self._path}.md and .json", file=sys.stderr)


def run_rows(bench, names, result):
    rows = [row for row in workloads.ROWS if row.name in names]
    by_name = {row.name: row for row in rows} | {row.name + "-cold": row for row in rows}
    for family, members in workloads.families(rows).items():
        bench.run_family(family, members, lambda name, runs: result.keep_row(by_name[name], name, runs))


def run_extras(bench, names, options, folder, result):
    sizes = [int(float(size)) for size in options.list_keys.split(",")]
    listed = bench.servers if options.list_all else bench.servers[:1]
    measures = {
        "start-idle": lambda: extras.start_idle(bench),
        "many-connections": lambda: extras.many_connections(bench),
        "degraded": lambda: extras.degraded(bench),
        "settled-writes": lambda: extras.settled_writes(bench),
        "list-growth": lambda: extras.list_growth(bench, sizes, listed),
        "engine-jobs": lambda: engine_jobs.engine_jobs(bench, options.client_cpus, folder),
    }
    for name, measure in measures.items():
        if name in names:
            result.data["extras"][name] = measure()
            result.save()


def run_floors(bench, setup, options, result):
    if options.nginx:
        result.data["floors"]["nginx"] = floors.nginx(options.nginx, setup, bench)
    else:
        bench.note("floors: nginx is not installed")
    subprocess.run(["cmake", "--build", str(options.build), "--target", "take_floor"], check=True, stdout=subprocess.DEVNULL)
    result.data["floors"]["taking"] = floors.taking(options.build / "bench/take_floor", setup, bench)


def warn_about_memory(bench, plain):
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if not plain and free < NEEDED_BYTES_PER_SERVER * len(bench.servers):
        bench.note(f"only {free / 1e9:.0f} GB of memory were free at the start, for {len(bench.servers)} servers")


def main():
    options = parse(sys.argv[1:])
    if options.list:
        print("\n".join(all_names()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))  # So that `finally` cleans up.
    names = chosen(options.names)
    with tempfile.TemporaryDirectory(prefix="firn-bench-") as folder:
        binary = generator.build(pathlib.Path(folder))
        setup, plain = make_setup(options, pathlib.Path(folder))
        bench = Bench(make_servers(options, setup), generator.Generator(binary, options.client_cpus), options.runs,
                      options.scale, say)
        try:
            warn_about_memory(bench, plain)
            result = Result(options, bench, setup, plain, binary)
            run_rows(bench, names, result)
            run_extras(bench, names, options, pathlib.Path(folder), result)
            if options.floors:
                run_floors(bench, setup, options, result)
            result.finish()
        finally:
            for server in bench.servers:
                server.remove()


if __name__ == "__main__":
    main()
