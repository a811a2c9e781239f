"""The administration client `firn`, as an operator runs it beside a server of a test."""

import json
import os
import subprocess
import time

from harness.server import find_binary


class Firn:
    """Runs commands against `server`. Its credential comes by the environment unless `environment` replaces that."""

    def __init__(self, server, environment=None):
        self.server = server
        self.environment = environment if environment is not None else {
            "FIRN_ROOT_USER": server.access_key, "FIRN_ROOT_PASSWORD": server.secret_key}

    def command(self, *words):
        flags = ["--ca-file", str(self.server.ca_file)] if self.server.ca_file else []
        return [str(find_binary("firn")), "--endpoint", self.server.endpoint, *flags, *map(str, words)]

    def full_environment(self):
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("FIRN_", "MINIO_", "AWS_"))}
        return kept | self.environment

    def run(self, *words, seconds=60):
        """The ended process, with what it printed."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=seconds,
                              env=self.full_environment(), cwd=self.server.root)

    def start(self, *words):
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.full_environment(), cwd=self.server.root)

    def text(self, *words):
        """What a command that succeeds says to people."""
        done = self.run(*words)
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *words, code=0):
        """What a command answers with --json, ending with `code`."""
        done = self.run(*words, "--json")
        assert done.returncode == code, done
        return json.loads(done.stdout)

    def refused(self, *words, code=1):
        """The message of a command that fails: in words and in JSON the same."""
        said = self.run(*words)
        assert (said.returncode, said.stdout) == (code, ""), said
        done = self.run(*words, "--json")
        assert done.returncode == code, done
        message = json.loads(done.stdout)["error"]
        assert said.stderr == f"firn: {message}\n"
        return message

    def status_when(self, holds, seconds=60):
        """The first status of which `holds` is true."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.json("status")
            if holds(status):
                return status
            assert time.monotonic() < deadline, f"never came true: {json.dumps(status, indent=1)}"
            time.sleep(0.02)
