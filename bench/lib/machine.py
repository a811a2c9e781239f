"""Where and with what a result was measured."""

import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

YARDSTICK_MIB = 256


def cpu_model():
    found = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def cpu_flags():
    """Those that decide what hashing and coding cost."""
    found = re.search(r"^flags\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    flags = set(found.group(1).split()) if found else set()
    return sorted(flags & {"avx2", "avx512f", "sha_ni", "gfni", "vpclmulqdq", "aes", "hypervisor"})


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def revision(folder):
    """The commit, and whether the tree differed from it."""
    def git(*words):
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False).stdout.strip()
    commit = git("rev-parse", "HEAD")
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        return "none"
    return commit + (" with changes" if git("status", "--porcelain") else "")


def yardstick(cpus):
    """CPU-seconds of an MD5 over 256 MiB on the servers' core: how fast the machine is right now."""
    code = ("import hashlib,time;b=bytes(1<<20);t=time.process_time();"
            f"[hashlib.md5(b).digest() for _ in range({YARDSTICK_MIB})];print(time.process_time()-t)")
    done = subprocess.run(["taskset", "-c", cpus, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def public_argument(argument):
    """Without folders, which are nobody's business, and without the secret of a `--against`."""
    name, equals, value = argument.partition("=")
    if equals and value.count(",") >= 3:
        fields = value.split(",")
        return f"{name}={fields[0]},{fields[1]},{fields[2]},SECRET"
    if equals and name.startswith("--"):
        return f"{name}={pathlib.PurePath(value).name}"
    return pathlib.PurePath(argument).name if "/" in argument else argument


def describe(root, arguments):
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": " ".join(["bench/run.py", *(public_argument(a) for a in arguments)]),
        "revision": revision(root),
        "kernel": platform.release(),
        "cpu": cpu_model(),
        "cpu_flags": cpu_flags(),
        "cores": os.cpu_count(),
        "memory_bytes": memory_bytes(),
        "harness_sha256": hash_of_tree(root / "bench"),
    }


def hash_of_tree(folder):
    """Of the sources that measured: two results are comparable when theirs agree."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".go", ".mod")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
