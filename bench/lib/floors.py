"""What the bytes cost at least: nginx sending files by sendfile, and MD5, coding and writing with nothing around them."""

import json
import pathlib
import subprocess
import tempfile

from . import drives as drive_sets
from . import workloads
from .measure import measured
from .servers import Started

NGINX_ROWS = ("get-4k", "head-4k", "get-64k", "get-1m", "get-64m", "range-64k", "range-1m")
TAKE_SIZES = (4 << 10, 64 << 10, 1 << 20, 64 << 20)

NGINX_CONFIGURATION = """
daemon off; {user} worker_processes 1; error_log stderr error; pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000; open_file_cache max=20000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen {address}{ssl}; root {folder}/root; {certificate} }}
}}
"""


class Nginx(Started):
    """Sends the same bytes from files in memory. It neither checks signatures nor knows what it sends."""

    def __init__(self, binary, setup):
        super().__init__("nginx", binary, setup)
        self._folder = None

    def fresh(self):
        self.remove()
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="firn-bench-nginx-", dir=self._memory()))
        (self._folder / "root").mkdir()
        tls = self._setup.certificate
        certificate = f"ssl_certificate {tls.chain}; ssl_certificate_key {tls.key};" if tls else ""
        user = "user root;" if drive_sets.os.geteuid() == 0 else ""
        (self._folder / "nginx.conf").write_text(NGINX_CONFIGURATION.format(
            folder=self._folder, address=self.address, ssl=" ssl" if tls else "", certificate=certificate, user=user))
        self.start()

    @staticmethod
    def _memory():
        return drive_sets.MEMORY if drive_sets.MEMORY.is_dir() else None

    @property
    def root(self):
        return self._folder / "root"

    def arguments(self, uncached):
        return ["-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]

    def remove(self):
        self.stop()
        if self._folder:
            subprocess.run(["rm", "-rf", str(self._folder)], check=False)
            self._folder = None

    def about(self):
        return {"name": self.name, "binary": self.binary.name}


def nginx(binary, setup, bench):
    """Runs of the GET rows against nginx, by row."""
    server = Nginx(binary, setup)
    rows = [row for row in workloads.ROWS if row.name in NGINX_ROWS]
    results = {}
    try:
        server.fresh()
        for dataset in dict.fromkeys(row.dataset for row in rows):
            bench.generator.must(server, "bench", op="files", directory=str(server.root), size=dataset.size,
                                 count=dataset.objects, prefix=dataset.prefix, conc=1, seed=workloads.DATASET_SEED)
        for row in rows:
            results[row.name] = []
            for run in range(bench.runs):
                options = workloads.options_of(row, run, True, bench.scale, bench.runs)
                results[row.name].append(measured(server, bench.generator, "bench", options))
                bench.say(f"floor {row.name}", "nginx", run, results[row.name][-1])
    finally:
        server.remove()
    return results


def taking(binary, setup, bench):
    """CPU of receiving bodies, MD5, parity and synced writes: runs by size, from the micro bench take_floor."""
    results = {str(size): [] for size in TAKE_SIZES}
    for run in range(bench.runs):
        drives = setup.new_drives("floor")
        try:
            for size in TAKE_SIZES:
                line = ["taskset", "-c", setup.server_cpus, str(binary), str(size), *(str(p) for p in drives.paths)]
                done = subprocess.run(line, capture_output=True, text=True, check=True)
                results[str(size)].append(json.loads(done.stdout))
                bench.say(f"floor take {size}", "take_floor", run, results[str(size)][-1])
        finally:
            drives.remove()
    return results
