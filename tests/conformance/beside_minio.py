#!/usr/bin/env python3
"""Runs every test of the groups that Firn claims, those left out as well, on firnd and on MinIO, and prints who passed what.

    build/venv/bin/python tests/conformance/beside_minio.py CHECKOUT PYTHON MINIO FOLDER [pytest arguments]

CHECKOUT and PYTHON are those of s3_tests.py; PYTHON also needs the package `minio`. MINIO is a server's binary. Both servers
get six drives in FOLDER, 4+2, and speak HTTPS. What FOLDER holds of an earlier run is not run again.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from s3_tests import ACCESS_KEY, FILES, SECRET_KEY, WANTED, certificate, firn_over_tls, firn_users, group_of, listed, outcomes_in
from s3_tests import run_suite

from harness.server import free_port

# What MinIO says of the owner of everything.
MINIO_OWNER = {"display_name": "minio", "user_id": "02d6176db174dc93cb1b899f7c6078f08654445fe8cf1b6ce98d8855f66bdbf4"}
MINIO_SETTINGS = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "MINIO_STORAGE_CLASS_STANDARD": "EC:2",
                  "MINIO_ROOTDRIVE_THRESHOLD_SIZE": "1MiB", "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
# It has no command for users of its own; its administration client is a package.
ADD_USER = """
import sys
from minio import MinioAdmin
from minio.credentials import StaticProvider
endpoint, root, root_secret, user, secret = sys.argv[1:]
admin = MinioAdmin(endpoint=endpoint, credentials=StaticProvider(root, root_secret), cert_check=False)
admin.user_add(user, secret)
admin.policy_set("readwrite", user=user)
"""


class Minio:
    def __init__(self, binary, folder, python):
        self.port = free_port()
        shutil.rmtree(folder, ignore_errors=True)  # Of a run that was broken off.
        certificates = folder / "certificates"
        certificates.mkdir(parents=True)
        certificate(certificates)
        (certificates / "tls.pem").rename(certificates / "public.crt")
        (certificates / "tls.key").rename(certificates / "private.key")
        drives = f"{folder}/drive{{1...6}}"
        with open(folder / "minio.log", "w") as log:
            self.process = subprocess.Popen(
                [binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", "--certs-dir", str(certificates), drives],
                env=os.environ | MINIO_SETTINGS | {"HOME": str(folder)}, stdout=log, stderr=log)
        try:
            self.users = self.add_users(python)
        except BaseException:
            self.stop()
            raise

    def add_users(self, python):
        """Four accounts; the first is the root's own."""
        owner = MINIO_OWNER | {"email": "root@example.com", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
        users = {"s3 main": owner | {"api_name": "us-east-1"}, "iam root": owner, "iam alt root": owner}
        for name in "alt", "tenant", "iam":
            other = {"access_key": f"conformance-{name}", "secret_key": f"conformance-{name}-secret"}
            self.add_user(python, *other.values())
            users[name if name == "iam" else f"s3 {name}"] = owner | other | {"tenant": "none"}
        return users

    def add_user(self, python, user, secret):
        command = [python, "-c", ADD_USER, f"127.0.0.1:{self.port}", ACCESS_KEY, SECRET_KEY, user, secret]
        for _ in range(30):  # It may be starting still.
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return
            time.sleep(1)
        raise RuntimeError(done.stderr)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wanted_tests(checkout):
    for file in FILES:
        path = f"s3tests/functional/{file}"
        for name in re.findall(r"^def (test_\w+)\(", (pathlib.Path(checkout) / path).read_text(), re.MULTILINE):
            if group_of(name, file) in WANTED:
                yield f"{path}::{name}"


def run(suite, folder, start, arguments):
    """Outcomes by (group, name)."""
    if not (folder / "report.xml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        server, users = start(folder)
        try:
            list(run_suite(suite, folder, server.port, users, [*wanted_tests(suite[0]), *arguments]))
        finally:
            server.stop()
    return {(group, name): outcome for name, group, outcome in outcomes_in(folder / "report.xml")}


def table(firn, minio):
    """For each group how many passed of all, and of those that need nothing but what Firn claims."""
    excluded = listed("s3-tests-excluded.txt")
    yield "| group | tests | Firn passed | MinIO passed | of these claimed | Firn passed | MinIO passed |"
    yield "|---|---|---|---|---|---|---|"
    for group in (*WANTED, "all"):
        tests = [test for test in firn if group in (test[0], "all")]
        claimed = [test for test in tests if test[1] not in excluded]
        cells = [group]
        for some in tests, claimed:
            cells += [len(some), *(sum(outcomes.get(test) == "passed" for test in some) for outcomes in (firn, minio))]
        yield f"| {' | '.join(map(str, cells))} |"


def main(checkout, python, binary, folder, *arguments):
    suite, folder = (checkout, python), pathlib.Path(folder).absolute()

    def start_minio(inner):
        server = Minio(binary, inner, python)
        return server, server.users

    minio = run(suite, folder / "minio", start_minio, arguments)
    firn = run(suite, folder / "firn", lambda inner: (firn_over_tls(inner), firn_users()), arguments)
    print(*table(firn, minio), sep="\n")
    for (group, name), outcome in sorted(firn.items()):
        if outcome != "passed" and minio.get((group, name)) == "passed":
            print(f"only MinIO passed: {group}: {name}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 4 else __doc__)
