"""The gate of every merge: layout and sizes of the sources, and clang-tidy over the compile commands of build/tidy.

clang-tidy's verdict on a file is kept in build/tidy-cache under a hash of the file, of every header of ours it reads
and of the checks, so an unchanged file costs nothing. Exit status 1 when anything is to be mended.
"""

import argparse
import ast
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys

import clang_format
import clang_tidy

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/tidy"
CACHE = ROOT / "build/tidy-cache"
# The wheels' binaries themselves: their Python wrappers cost a quarter second per file.
CLANG_TIDY = pathlib.Path(clang_tidy.__file__).parent / "data/bin/clang-tidy"
CLANG_FORMAT = pathlib.Path(clang_format.__file__).parent / "data/bin/clang-format"
REQUIREMENTS = ROOT / "tools/dev/requirements.txt"
SOURCE_LINES_MAX, HEADER_LINES_MAX, FUNCTION_LINES_MAX = 500, 300, 60  # C++ functions: .clang-tidy has the limits.


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for path in listed if path and (ROOT / path).exists()]


def named_in_cmake(lists):
    """The sources that a CMake list names, by their paths in the tree."""
    named = set()
    for path in lists:
        folder = (ROOT / path).parent
        for word in re.findall(r"[^\s()\"]+\.(?:cpp|h)\b", (ROOT / path).read_text()):
            word = re.sub(r"\$\{(CMAKE|PROJECT)_SOURCE_DIR\}", str(ROOT), word)
            word = word.replace("${CMAKE_CURRENT_SOURCE_DIR}", str(folder))
            named.add((folder / word).resolve())
    return named


def cmake_faults(paths):
    lists = tracked("CMakeLists.txt", "*/CMakeLists.txt", "*.cmake")
    named = named_in_cmake(lists)
    for path in paths:
        if (ROOT / path).resolve() not in named:
            yield f"{path}: no CMake list names it"
    for path in lists:
        if path.startswith("cmake/"):
            continue
        for number, line in enumerate((ROOT / path).read_text().split("\n"), 1):
            call = re.match(r"\s*(?:target_link_libraries|link_libraries)\s*\(\s*(\S*)", line, re.IGNORECASE)
            # Generated code (protobuf's) is no module of ours.
            if call and not call[1].endswith("_proto"):
                yield f"{path}:{number}: links past firn_library, firn_tool and firn_test (cmake/Layers.cmake)"


def layout_faults(paths):
    for path in [*paths, *tracked("*.py", "*.go", "*.cmake", "dev")]:
        if path == "tools/dev/tidy.py":
            continue  # It spells out what it looks for.
        lines = (ROOT / path).read_text().split("\n")
        limit = HEADER_LINES_MAX if path.endswith(".h") else SOURCE_LINES_MAX
        if len(lines) - 1 > limit:
            yield f"{path}: {len(lines) - 1} lines, {limit} at most"
        for number, line in enumerate(lines, 1):
            if re.match(r'\s*#\s*include\s*"\.\./', line):
                yield f"{path}:{number}: includes by a relative path"
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{path}:{number}: unfinished work belongs in an issue, not in the tree"


def python_faults(paths):
    for path in paths:
        for node in ast.walk(ast.parse((ROOT / path).read_text(), path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield f"{path}:{node.lineno}: a function of {length} lines, {FUNCTION_LINES_MAX} at most"


def format_faults(paths):
    run = subprocess.run([CLANG_FORMAT, "--dry-run", "--Werror", *paths], cwd=ROOT, capture_output=True, text=True)
    for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error: code should be clang-formatted", run.stderr, re.M))):
        yield f"{path}: not formatted: ./dev fmt"


def content_hash(path, memo={}):
    if path not in memo:
        memo[path] = hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"absent"
    return memo[path]


def local_includes(path, include_dirs, memo={}):
    """Headers of ours that `path` names directly."""
    if path not in memo:
        found = set()
        for name in re.findall(r'#include "([^"]+)"', path.read_text(errors="replace")):
            for folder in [path.parent, *include_dirs]:
                if (folder / name).exists():
                    found.add((folder / name).resolve())
                    break
        memo[path] = found
    return memo[path]


def cache_key(entry, include_dirs):
    digest = hashlib.sha256(content_hash(ROOT / ".clang-tidy") + content_hash(REQUIREMENTS) + entry["command"].encode())
    pending, seen = [pathlib.Path(entry["file"])], set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        pending += local_includes(path, include_dirs)
    for path in sorted(seen):
        digest.update(str(path).encode() + content_hash(path))
    return digest.hexdigest()


def tidy(entry):
    """What clang-tidy finds in one source, None for nothing."""
    words = shlex.split(entry["command"])
    include_dirs = [pathlib.Path(w[2:]) for w in words if w.startswith("-I")]
    include_dirs += [pathlib.Path(b) for a, b in zip(words, words[1:]) if a in ("-I", "-isystem")]
    verdict = CACHE / cache_key(entry, include_dirs)
    if verdict.exists():
        return None
    # The flags are g++'s: what clang alone warns of is an error only where .clang-tidy names it.
    run = subprocess.run([CLANG_TIDY, "-p", BUILD, "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                          "--extra-arg=-Wno-error", "--extra-arg=-Wthread-safety", entry["file"]],
                         capture_output=True, text=True)
    if run.returncode == 0:
        verdict.touch()
        return None
    lines = [line for line in run.stdout.split("\n") if ": error: " in line or ": warning: " in line]
    return "\n".join(lines) or f"{entry['file']}: {run.stderr.strip()[-2000:]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--layout-only", action="store_true", help="sizes and lists, without clang-tidy")
    arguments = arguments.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    paths = tracked("*.h", "*.cpp")
    faults = [*layout_faults(paths), *cmake_faults(paths), *python_faults(tracked("*.py")), *format_faults(paths)]
    if not arguments.layout_only:
        known = {str(ROOT / path) for path in paths if not path.startswith("cmake/")}  # There Boost is compiled.
        entries = {e["file"]: e for e in json.loads((BUILD / "compile_commands.json").read_text()) if e["file"] in known}
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            faults += [fault for fault in pool.map(tidy, entries.values()) if fault]
    print("\n".join(faults))
    print(f"tidy: {len(paths)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
