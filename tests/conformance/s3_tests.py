#!/usr/bin/env python3
"""Runs a checkout of ceph/s3-tests against firnd over HTTPS and compares what fails with what is known to fail.

    build/venv/bin/python tests/conformance/s3_tests.py CHECKOUT PYTHON [pytest arguments]

CHECKOUT is a clone at the commit named in README.md beside this file, PYTHON an interpreter that has the suite's
requirements. By hand only: no test of ours calls it. Ends with 0 when exactly the listed tests failed.
"""

import collections
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness.server import ACCESS_KEY, SECRET_KEY, FirnServer  # noqa: E402

FILES = ("test_s3.py", "test_headers.py")

# The first that fits a test's name is its group; what fits none is about objects and nothing more.
GROUPS = [
    ("bucket logging", r"bucket_logging"),
    ("lifecycle", r"^lifecycle|^restore_|^read_through|delete_marker_expiration"),
    ("object lock", r"^object_lock"),
    ("POST forms", r"^post_object"),
    ("encryption", r"encrypt|sse_|_enc_|copy_enc|copy_part_enc|kms"),
    ("CORS", r"cors"),
    ("presigned", r"presign|x_amz_expires|raw_|put_authenticated"),
    ("usage", r"usage"),
    ("policy", r"policy|public_block|block_public|ignore_public|ownership|restrict_public|create_bucket_object_writer|"
               r"create_bucket_bucket_owner"),
    ("tagging", r"tag"),
    ("checksums", r"checksum|cksum"),
    ("versioning", r"version|delete_marker"),
    ("conditional", r"if_?(none?)?_?match|ifmodified|ifunmodified"),
    ("ACL", r"acl|grants|access_bucket|anon_put_write"),
    ("multi-delete", r"multi_object"),
    ("range", r"ranged"),
    ("list v2", r"listv2|bucketv2"),
    ("copy", r"^object_copy"),
    ("multipart", r"multipart|upload_part"),
    ("list v1", r"^bucket_list_|basic_key_count"),
    ("metadata", r"metadata|write_cache_control|write_expires|content_encoding"),
    ("bucket-basic", r"bucket"),
]
WANTED = ("bucket-basic", "object-basic", "list v1", "list v2", "range", "copy", "multipart", "multi-delete", "conditional",
          "checksums", "presigned", "metadata", "tagging", "authentication headers")


def group_of(name, file):
    if "test_headers" in file:
        return "authentication headers"
    bare = name.removeprefix("test_")
    return next((group for group, pattern in GROUPS if re.search(pattern, bare)), "object-basic")


def listed(name):
    """Tests and reasons of one list: a name, white space, the reason."""
    lines = (HERE / name).read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


def firn_users():
    """One account plays every part, since there is one credential."""
    owner = hashlib.sha256(b"firn root account").hexdigest()
    user = {"display_name": "root", "user_id": owner, "email": "root@example.com", "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY}
    return {"s3 main": user | {"api_name": "default"}, "s3 alt": user, "s3 tenant": user | {"tenant": "none"}, "iam": user,
            "iam root": user, "iam alt root": user}


def configuration(port, users):
    sections = {"DEFAULT": {"host": "localhost", "port": port, "is_secure": True, "ssl_verify": False},
                "fixtures": {"bucket prefix": "firn-{random}-"}} | users
    return "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) for name, values in sections.items())


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    folder / "tls.key", "-out", folder / "tls.pem"], check=True, capture_output=True)


def firn_over_tls(folder):
    """A server that has started, with its drives in `folder`."""
    certificate(folder)
    return FirnServer(folder / "data", scheme="https", ca_file=folder / "tls.pem",
                      flags=["--tls-cert", str(folder / "tls.pem"), "--tls-key", str(folder / "tls.key")]).start()


def run_suite(suite, folder, port, users, arguments):
    """Asks the server at `port`. Name, group and outcome of every test that ran. `suite`: a checkout and its interpreter."""
    checkout, python = suite
    (folder / "s3tests.conf").write_text(configuration(port, users))
    environment = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    environment |= {"S3TEST_CONF": str(folder / "s3tests.conf"), "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_DEFAULT_REGION": "us-east-1", "PYTHONWARNINGS": "ignore"}
    subprocess.run([python, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", f"--junitxml={folder / 'report.xml'}",
                    *arguments], cwd=checkout, env=environment)
    return outcomes_in(folder / "report.xml")


def outcomes_in(report):
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        yield case.get("name"), group_of(case.get("name"), case.get("classname")), outcome


def run_claimed(checkout, python, folder, arguments):
    """All but the tests that are left out, on firnd."""
    files = [f"s3tests/functional/{file}" for file in FILES]
    deselected = [f"--deselect={file}::{name}" for file in files for name in listed("s3-tests-excluded.txt")]
    server = firn_over_tls(folder)
    try:
        return list(run_suite((checkout, python), folder, server.port, firn_users(), [*deselected, *files, *arguments]))
    finally:
        server.stop()


def main(checkout, python, *arguments):
    known = listed("s3-tests-failures.txt")
    counts, surprises = collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="firn-s3-tests-") as folder:
        for name, group, outcome in run_claimed(checkout, python, pathlib.Path(folder), arguments):
            counts[group, outcome] += 1
            if (outcome == "failed") != (name in known) and outcome != "skipped":
                surprises.append(f"{name}: {outcome}")
    for group in WANTED:
        print(f"{group:24}" + "".join(f"{counts[group, outcome]:4} {outcome}" for outcome in ("passed", "failed", "skipped")))
    print(*surprises or ["as listed"], sep="\n")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
