#!/usr/bin/env python3
"""Starts a cluster on this machine, prints how to reach it, and stops it on Ctrl-C.

  ./dev cluster [N]      N nodes, 4 by default, on 127.0.0.1:9701 and up; drives and logs under ./firn-cluster
"""

import argparse
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

FIRST_PORT = 9701
DRIVES_EACH = 2
VARIABLES = ("FIRN_ROOT_USER", "FIRN_ROOT_PASSWORD", "FIRN_CLUSTER_KEY")


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("nodes", nargs="?", type=int, default=4)
    p.add_argument("--firnd", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    p.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("firn-cluster"))
    return p.parse_args()


def secrets_of(directory):
    """Those of the first start, so that the next one finds its drives again."""
    path = directory / "secrets"
    if not path.exists():
        made = dict(zip(VARIABLES, ("firn-" + secrets.token_hex(4), secrets.token_urlsafe(24), secrets.token_urlsafe(24))))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in made.items())
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def start(asked, number, environment):
    home = asked.directory.resolve() / f"node{number}"
    home.mkdir(parents=True, exist_ok=True)
    port = FIRST_PORT + number - 1
    command = [str(asked.firnd.resolve()), "--nodes", f"http://127.0.0.1:{{{FIRST_PORT}...{FIRST_PORT + asked.nodes - 1}}}",
               "--listen", f"127.0.0.1:{port}", "--drives", f"{home}/drive{{1...{DRIVES_EACH}}}"]
    with open(home / "firnd.log", "ab") as log:
        # A group of its own: Ctrl-C comes here alone, and they are asked to stop in order.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                start_new_session=True)


def ready(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/firn/health/ready", timeout=2).status == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_until_ready(asked, processes):
    for number, process in enumerate(processes, 1):
        while not ready(FIRST_PORT + number - 1):
            if process.poll() is not None:
                log = asked.directory / f"node{number}" / "firnd.log"
                print(f"node {number} ended:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-5:]),
                      file=sys.stderr)
                return False
            time.sleep(0.1)
    return True


def stop(processes):
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait()


def main():
    asked = parse()
    asked.directory.mkdir(parents=True, exist_ok=True)
    given = secrets_of(asked.directory)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIRN_", "MINIO_"))}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes = [start(asked, number, kept | given) for number in range(1, asked.nodes + 1)]
    try:
        if not wait_until_ready(asked, processes):
            return 1
        for number, process in enumerate(processes, 1):
            print(f"  node {number}    http://127.0.0.1:{FIRST_PORT + number - 1}   process {process.pid}")
        print(f"\n  AWS_ACCESS_KEY_ID={given['FIRN_ROOT_USER']} AWS_SECRET_ACCESS_KEY={given['FIRN_ROOT_PASSWORD']}"
              f" aws --endpoint-url http://127.0.0.1:{FIRST_PORT} --region us-east-1 s3 ls\n\n  Ctrl-C stops it.", flush=True)
        while any(process.poll() is None for process in processes):
            time.sleep(0.5)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        stop(processes)


if __name__ == "__main__":
    sys.exit(main())
