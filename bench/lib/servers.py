"""The servers under test: ours, the one it is compared with, and any other that is running already."""

import hashlib
import http.client
import os
import pathlib
import secrets
import signal
import socket
import ssl
import subprocess
import time

from dataclasses import dataclass
from typing import Callable, NamedTuple

from . import drives as drive_sets
from . import processes

START_LIMIT_S = 120
STOP_LIMIT_S = 60
# Ports for servers: below those the kernel gives to clients.
PORTS = range(19000, 19900)


CONSOLE_OFFSET = 1000  # From the S3 port to that of MinIO's console, which cannot be switched off.
_ports = iter(PORTS)


def free_port():
    """Another one with every call: the server that gets it starts later."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def answers(address, tls):
    """Whether an HTTP request gets an answer that is not a failure of the server."""
    host, port = address.rsplit(":", 1)
    try:
        if tls:
            context = ssl._create_unverified_context()  # The certificate was made for this run.
            connection = http.client.HTTPSConnection(host, int(port), timeout=2, context=context)
        else:
            connection = http.client.HTTPConnection(host, int(port), timeout=2)
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False


class Certificate:
    """A self-signed one for 127.0.0.1."""

    def __init__(self, folder):
        self.folder = folder
        self.chain, self.key = folder / "public.crt", folder / "private.key"  # MinIO looks for these names.
        folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=firn-bench", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", str(self.key), "-out", str(self.chain)], check=True, capture_output=True)


@dataclass(frozen=True)
class Setup:
    """What all servers of a run have in common."""

    folder: pathlib.Path
    server_cpus: str
    new_drives: Callable
    certificate: Certificate | None = None


class Server:
    """One endpoint. `quick`: runs the higher counts of workloads.Row."""

    quick = False
    owned = False  # We started it, so we may restart it and give it new drives.

    def __init__(self, name):
        self.name = name
        self.address = self.access = self.secret = ""
        self.tls = False
        self.pid = None
        self.drives = drive_sets.DriveSet()

    def freeze(self):
        """Keeps it off its core while another is measured."""

    def thaw(self):
        pass

    def fresh(self):
        """Starts over on empty drives, if it is ours."""

    def stop(self):
        pass

    def remove(self):
        pass

    def about(self):
        return {"name": self.name}


class External(Server):
    """Started by somebody else on this machine."""

    def __init__(self, given, cpus):
        super().__init__(given.name)
        self.tls = given.endpoint.startswith("https://")
        self.address = given.endpoint.split("//")[-1].rstrip("/")
        self.pid, self.access, self.secret = given.pid, given.access, given.secret
        self.drives = drive_sets.existing_drives(given.drives)
        processes.pin(self.pid, cpus)

    def about(self):
        command = processes.read(f"/proc/{self.pid}/cmdline").split("\0")
        return {"name": self.name, "binary": pathlib.Path(command[0]).name, "note": "started by somebody else"}


class Given(NamedTuple):
    """A `--against`: NAME=ENDPOINT,PID,ACCESS,SECRET[,DRIVE:DRIVE...]."""

    name: str
    endpoint: str
    pid: int
    access: str
    secret: str
    drives: list


def parse_external(text):
    name, _, rest = text.partition("=")
    fields = rest.split(",")
    if not name or len(fields) not in (4, 5) or not fields[1].isdigit():
        raise ValueError(f"{text!r} is not NAME=ENDPOINT,PID,ACCESS,SECRET[,DRIVE:DRIVE...]")
    paths = fields[4].split(":") if len(fields) == 5 else []
    return Given(name, fields[0], int(fields[1]), fields[2], fields[3], paths)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


class Started(Server):
    """A binary that we start on six drives of its own, pinned."""

    owned = True
    note = ""  # What the reader of a result must know of it.

    def __init__(self, name, binary, setup, extra=None):
        super().__init__(name)
        self.binary = pathlib.Path(binary).resolve()
        self._setup = setup
        self._extra = extra or {}
        self.access, self.secret = "bench" + secrets.token_hex(6), secrets.token_hex(20)
        self.address = f"127.0.0.1:{free_port()}"
        self.tls = setup.certificate is not None
        self.start_s = None
        self._process = None
        self._frozen = False
        self._shown = []  # The arguments of the last start in the default configuration.
        self._log = setup.folder / f"{name}.log"

    # What differs from binary to binary.
    def arguments(self, uncached):
        raise NotImplementedError

    def environment(self):
        return {}

    def fresh(self):
        self.remove()
        self.drives = self._setup.new_drives(self.name)
        self.start()

    def start(self, uncached=False):
        """Returns once requests are answered; how long that took is in `start_s`."""
        line = ["taskset", "-c", self._setup.server_cpus, str(self.binary), *self.arguments(uncached)]
        if not uncached:
            self._shown = [self.shown(a) for a in line[4:]]
        home = {"HOME": str(self._setup.folder)}
        begin = time.monotonic()
        with open(self._log, "ab") as log:
            environment = {**os.environ, **home, **self.environment(), **self._extra}
            self._process = subprocess.Popen(line, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             start_new_session=True)
        self.pid = self._process.pid
        while not answers(self.address, self.tls):
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start; its log ends with:\n{self.log_tail()}")
            if time.monotonic() - begin > START_LIMIT_S:
                state = processes.read(f"/proc/{self.pid}/stat").rsplit(")", 1)[1].split()[0]  # T: stopped by somebody.
                raise RuntimeError(f"{self.name} does not answer (state {state}); its log ends with:\n{self.log_tail()}")
            time.sleep(0.005)
        self.start_s = time.monotonic() - begin

    def log_tail(self):
        return self._log.read_text("utf-8", "replace")[-2000:]

    def stop(self, kill=False):
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process, self.pid = None, None

    def remove(self):
        self.stop()
        self.drives.remove()
        self.drives = drive_sets.DriveSet()

    def freeze(self):
        if self._process is not None and not self._frozen:
            processes.freeze(self.pid)
            self._frozen = True

    def thaw(self):
        if self._frozen:
            processes.thaw(self.pid)
            self._frozen = False

    def shown(self, argument):
        """An argument without the folders of this run."""
        for path in self.drives.paths:
            argument = argument.replace(str(path), path.name)
        return argument.replace(str(self._setup.folder), "FOLDER")

    def about(self):
        """For the result: the binary by its hash, and how it was started."""
        settings = {k: v for k, v in {**self.environment(), **self._extra}.items() if v not in (self.access, self.secret)}
        return {"name": self.name, "binary": self.binary.name, "sha256": sha256_of(self.binary),
                "bytes": self.binary.stat().st_size, "arguments": self._shown, "environment": settings,
                "note": self.note}


class Firnd(Started):
    """Ours, in its default configuration."""

    quick = True

    def __init__(self, name, binary, setup):
        super().__init__(name, binary, setup)
        self.uncached = uncached_flags(help_of(self.binary))

    def arguments(self, uncached):
        line = ["--listen", self.address, "--drives", *(str(p) for p in self.drives.paths)]
        if self.tls:
            line += ["--tls-cert", str(self._setup.certificate.chain), "--tls-key", str(self._setup.certificate.key)]
        return line + (self.uncached if uncached else [])

    def environment(self):
        return {"FIRN_ROOT_USER": self.access, "FIRN_ROOT_PASSWORD": self.secret}


def help_of(binary):
    return subprocess.run([str(binary), "--help-markdown"], capture_output=True, text=True, check=False).stdout


def uncached_flags(markdown):
    """Flags that turn every cache of bodies off, from firnd's own table of settings. The cache of the metadata store stays:
    it is a database's, and holds no bodies."""
    flags = []
    for line in markdown.splitlines():
        cell = line.split("|")[1].strip(" `") if line.startswith("| `--") else ""
        if "-cache BYTES" in cell and not cell.startswith("--metadata-cache"):
            flags += [cell.split()[0], "0"]
    return flags


class Minio(Started):
    """As it ships, but with four data and two parity shards on six drives, as Firn has them (its own default is 3+3)."""

    def arguments(self, uncached):
        line = ["server", "--quiet", "--address", self.address, "--console-address", f"127.0.0.1:{self._console}"]
        if self.tls:
            line += ["--certs-dir", str(self._setup.certificate.folder)]
        return line + [str(p) for p in self.drives.paths]

    def __init__(self, name, binary, setup, extra=None):
        super().__init__(name, binary, setup, extra)
        if not extra:
            self.note = "as it ships: renames are not synced, so acknowledged objects may be gone after a power cut"
        self._console = int(self.address.rsplit(":", 1)[1]) + CONSOLE_OFFSET

    def environment(self):
        # The threshold lets directories of the root file system pass as drives, for runs without root.
        return {"MINIO_ROOT_USER": self.access, "MINIO_ROOT_PASSWORD": self.secret, "MINIO_BROWSER": "off",
                "MINIO_STORAGE_CLASS_STANDARD": "EC:2", "MINIO_UPDATE": "off", "MINIO_ROOTDRIVE_THRESHOLD_SIZE": "1MiB"}
