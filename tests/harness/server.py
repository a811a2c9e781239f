"""A firnd process that belongs to a test: own port, own drives, ended by its process id."""

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import boto3
from botocore.config import Config

from harness.wire import Wire

ACCESS_KEY = "firn-test-root"
SECRET_KEY = "firn-test-root-secret-key"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Below the ports that the kernel gives to clients (32768-60999), so that no connection of a test can take them.
PORTS = range(20_000, 32_000)


def find_binary(name="firnd"):
    """FIRND names the server to test; the release build's by default. `firn` lies beside it."""
    firnd = pathlib.Path(os.environ.get("FIRND", REPOSITORY / "build" / "release" / "bin" / "firnd"))
    return firnd.with_name(name)


def free_port():
    for _ in range(1000):
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


class DidNotStart(Exception):
    pass


class FirnServer:
    """Six drives under `root` by default; `drives` names others."""

    def __init__(self, root, drives=None, flags=(), environment=None, credentials=(ACCESS_KEY, SECRET_KEY), scheme="http",
                 ca_file=None):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.drives = [pathlib.Path(d) for d in drives or [self.root / f"drive{i}" for i in range(1, 7)]]
        self.flags = list(flags)
        self.environment = environment or {}
        self.access_key, self.secret_key = credentials or (None, None)
        self.scheme = scheme
        self.ca_file = ca_file
        self.host, self.port = "127.0.0.1", free_port()
        self.log_path = self.root / "firnd.log"
        self.process = None

    @property
    def endpoint(self):
        return f"{self.scheme}://{self.host}:{self.port}"

    def command(self):
        return [str(find_binary()), "--listen", f"{self.host}:{self.port}", "--drives", *map(str, self.drives), *self.flags]

    def full_environment(self):
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("FIRN_", "MINIO_", "AWS_"))}
        if self.access_key:
            kept |= {"FIRN_ROOT_USER": self.access_key, "FIRN_ROOT_PASSWORD": self.secret_key}
        return kept | self.environment

    def start(self, seconds=120):
        """Returns when the server is ready. Raises DidNotStart when it ends instead."""
        self.launch()
        return self.await_ready(seconds)

    def launch(self):
        assert not self.is_running(), "already running"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.full_environment(), cwd=self.root)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def await_ready(self, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DidNotStart(f"firnd ended with {self.process.returncode}:\n{self.log_tail()}")
            if self.health("/firn/health/ready") == 200:
                return self
            time.sleep(0.01)
        self.kill()
        raise DidNotStart(f"firnd was not ready within {seconds} s:\n{self.log_tail()}")

    def health(self, path):
        """Status of a health endpoint, None when nobody answers."""
        try:
            connection = self.wire(timeout=5).connect()
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None

    def stop(self, seconds=30):
        """As an operator stops it; returns the exit code."""
        if self.process is None:
            return None
        self.ask_to_stop()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def ask_to_stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)

    def kill(self):
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def restart(self):
        self.kill()
        return self.start()

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=60):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def client(self, retries=0, service="s3", **config):
        """A boto3 client. Without retries, so that a test sees every failure."""
        options = {"s3": {"addressing_style": "path"}, "retries": {"max_attempts": retries}, "connect_timeout": 10,
                   "read_timeout": 60, "max_pool_connections": 32} | config
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1",
                            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
                            verify=str(self.ca_file) if self.ca_file else None, config=Config(**options))

    def wire(self, timeout=60):
        return Wire(self.endpoint, self.access_key or "none", self.secret_key or "none", timeout=timeout,
                    ca_file=self.ca_file)

    def status(self):
        """What `firn status` shows."""
        answer = self.wire().get("/firn/admin/v1/status")
        assert answer.status == 200, str(answer)
        return json.loads(answer.body)

    def below_full_redundancy(self):
        return self.status()["objects_below_full_redundancy"]

    def wait_until_whole(self, repaired=0, seconds=60):
        """Until so many extents have been repaired since the start and no object is short of a shard."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            if status["repair"]["extents_repaired"] >= repaired and status["objects_below_full_redundancy"] == 0:
                return
            assert time.monotonic() < deadline, (status["objects_below_full_redundancy"], status["repair"])
            time.sleep(0.05)

    def run_job(self, name, query=(), seconds=120):
        """Starts an administrative job and waits for its end; returns its result."""
        path, deadline = f"/firn/admin/v1/jobs/{name}", time.monotonic() + seconds
        state = self.wire().post(path, query=query)
        while state.status in (200, 202) and json.loads(state.body)["state"] == "running":
            assert time.monotonic() < deadline, f"{name} goes on and on"
            time.sleep(0.05)
            state = self.wire().get(path)
        outcome = json.loads(state.body)
        assert outcome.get("state") == "done", outcome
        return outcome["result"]

    def sdk_environment(self):
        """Variables for clients that read the standard ones."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_EC2_METADATA_DISABLED": "true"}
