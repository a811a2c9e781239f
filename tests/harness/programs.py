"""Client programs: where they are, and running them against a server."""

import json
import os
import pathlib
import shutil
import subprocess
import sys


def find_program(name):
    """Beside this Python first (awscli, s3cmd), then on the path. None if there is none."""
    beside = pathlib.Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def client_environment(server, folder, more=None):
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "RCLONE_", "RESTIC_"))}
    return kept | server.sdk_environment() | {"HOME": str(folder)} | (more or {})


def run(server, argv, folder, environment=None, fails=False, seconds=300):
    """Runs a client with the server's credentials; returns what it printed. `fails`: it must."""
    env = client_environment(server, folder, environment)
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, cwd=folder, env=env, timeout=seconds)
    assert (done.returncode != 0) == fails, f"{argv}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


class AwsCli:
    """Commands of awscli, by one process that stays."""

    def __init__(self, server, folder):
        program = pathlib.Path(__file__).with_name("aws_commands.py")
        self.process = subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        cwd=folder, env=client_environment(server, folder))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __call__(self, *argv, fails=False):
        """What the command printed. `fails`: it must."""
        self.process.stdin.write(json.dumps([str(a) for a in argv]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{argv}: the program ended"
        done = json.loads(answer)
        assert (done["code"] != 0) == fails, f"{argv}: {done['code']}\n{done['printed'][-4000:]}"
        return done["printed"]


def make_tree(folder, rng):
    """A folder as a person has it: small files, a nested one, an empty one and one that needs several parts."""
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_bytes(rng.randbytes(100_000))
    (folder / "empty").write_bytes(b"")
    (folder / "large.bin").write_bytes(rng.randbytes(18 << 20))
    for i in range(12):
        (folder / "sub" / f"file {i}.txt").write_text(f"{i}\n")
    return folder


def same_trees(one, two):
    def content(root):
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    return content(one) == content(two)
