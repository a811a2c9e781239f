"""Clients that fight over few keys with conditions, and note when each request began, when it ended and what it answered.

Their notes are what fault/linearizability checks: for every key there must be an order of all requests, each between its
beginning and its end, in which every answer is the one that S3 gives.
"""

import collections
import hashlib
import http.client
import itertools
import json
import random
import threading
import time

from harness import sigv4
from harness.client_threads import ClientThreads

SMALL, LARGE = 40, 20_000  # Inline, and of one stripe.


class Clients(ClientThreads):
    """Threads that ask until `writes` conditional puts and deletes are noted. `disturb` may kill the server and start it again."""

    def __init__(self, server, bucket, seed, keys=4, clients=16):
        super().__init__(clients)
        self.server, self.bucket, self.seed = server, bucket, seed
        self.ports = [server.port]  # A client keeps to one of them.
        self.keys = [f"contended/{number}" for number in range(keys)]
        self.notes = []
        self.statuses = {}
        self.tags = collections.defaultdict(list)  # What each key held lately: guesses for conditions.
        self.lock = threading.Lock()
        self.serial = itertools.count()
        self.running = threading.Event()
        self.running.set()
        self.starts = 0  # A connection to an earlier one is dead.
        self.conditional_writes = self.goal = 0

    def run(self, writes, disturb=lambda: None):
        self.goal = writes
        self.start()
        try:
            disturb()
            self.join()
        finally:
            self.goal = 0  # Interrupted, or failed: nobody need go on.
            self.running.set()
            self.abandon()

    def kill_and_restart(self):
        """What had no answer by then has happened before the server is ready again, or never will."""
        self.running.clear()
        self.starts += 1
        self.server.restart()
        self.running.set()

    def end_of_unanswered(self):
        """By when a request without an answer has happened, if ever it does."""
        return time.monotonic_ns()

    def finished(self):
        return self.faults or self.conditional_writes >= self.goal

    def loop(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        client = OneClient(self, number)
        while not self.finished():
            self.running.wait()
            client.one(rng, rng.choice(self.keys))

    def write(self, path):
        with open(path, "w") as file:
            for note in self.notes:
                file.write(json.dumps(note) + "\n")


class OneClient:
    """One connection at a time, and the requests that go over it."""

    def __init__(self, clients, number):
        self.all, self.number = clients, number
        self.signer = clients.server.wire().signer
        self.connection, self.start = None, 0

    def one(self, rng, key):
        kind = rng.choices(["put", "complete", "delete", "read"], [50, 5, 25, 20])[0]
        note = {"key": key, "client": self.number, "kind": kind, "if": "", "unless": "", "new": "", "seen": ""}
        self.add_condition(rng, note)
        if kind == "complete":
            return self.complete(note)
        body = self.new_body(LARGE if rng.random() < 0.1 else SMALL) if kind == "put" else b""
        note["new"] = hashlib.md5(body).hexdigest() if kind == "put" else ""
        return self.noted(note, {"put": "PUT", "delete": "DELETE", "read": "GET"}[kind], body=body)

    def add_condition(self, rng, note):
        known = self.all.tags[note["key"]]
        guess = rng.choice(known[-3:]) if known else "0" * 32
        chance = rng.random()
        if note["kind"] == "read":
            note["unless"] = guess if chance < 0.3 else ""
        elif chance < (0.75 if note["kind"] == "delete" else 0.5):
            note["if"] = guess
        elif chance < 0.9 and note["kind"] != "delete":
            note["unless"] = "*"

    def new_body(self, size):
        return f"{self.number}/{next(self.all.serial)}/".ljust(size, ".").encode()

    def complete(self, note):
        """A multipart upload is one request here: what comes before its end changes nothing."""
        note["kind"] = "put"
        body = self.new_body(SMALL)
        upload = self.ask("POST", note["key"], query=[("uploads", None)])
        if upload is None:
            return
        upload = upload[2].partition(b"<UploadId>")[2].partition(b"</UploadId>")[0].decode()
        part = self.ask("PUT", note["key"], query=[("partNumber", "1"), ("uploadId", upload)], body=body)
        if part is None:
            return
        note["new"] = hashlib.md5(hashlib.md5(body).digest()).hexdigest() + "-1"
        parts = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{part[1]}</ETag></Part></CompleteMultipartUpload>"
        self.noted(note, "POST", query=[("uploadId", upload)], body=parts.encode())

    def noted(self, note, method, query=(), body=b"", key=None):
        headers = {"if-match": f'"{note["if"]}"'} if note["if"] else {}
        if note["unless"]:
            headers["if-none-match"] = "*" if note["unless"] == "*" else f'"{note["unless"]}"'
        note["call"] = time.monotonic_ns()
        answer = self.ask(method, note["key"] if key is None else key, query, headers, body)
        if answer is None:
            if note["kind"] in ("read", "list"):
                return
            note["status"] = 0
            note["return"] = self.all.end_of_unanswered()
        else:
            note["status"], seen, content = answer
            note["return"] = time.monotonic_ns()
            self.learn(note, seen.strip('"'), content)
        label = f'{note["kind"]} {note["status"]}'
        with self.all.lock:
            self.all.notes.append(note)
            self.all.statuses[label] = self.all.statuses.get(label, 0) + 1
            self.all.conditional_writes += note["kind"] != "read" and bool(note["if"] or note["unless"])

    def learn(self, note, seen, content):
        assert note["status"] in (200, 204, 304, 404, 412), f"{note}: {content[:300]}"
        if note["status"] != 200:
            return
        known = self.all.tags[note["key"]]
        known.append(note["new"] or seen)
        del known[:-8]
        if note["kind"] == "read":
            note["seen"] = seen
            whole = hashlib.md5(content).hexdigest()
            assert seen in (whole, hashlib.md5(bytes.fromhex(whole)).hexdigest() + "-1"), f"{note}: torn or mixed body"

    def ask(self, method, key, query=(), headers=None, body=b""):
        """(status, entity tag, body), or None when the server died; then it is up again."""
        path = f"/{self.all.bucket}/{key}"
        port = self.all.ports[self.number % len(self.all.ports)]
        headers = {"host": f"127.0.0.1:{port}", **(headers or {})}
        self.signer.authorize(method, path, list(query), headers, hashlib.sha256(body).hexdigest())
        if self.connection is None or self.start != self.all.starts:
            self.start = self.all.starts
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            self.connection.request(method, path + (f"?{sigv4.canonical_query(query)}" if query else ""), body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.getheader("etag", ""), answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            if self.all.running.is_set() and self.start == self.all.starts:
                raise  # Nobody but kill_and_restart may cut a connection.
            self.all.running.wait(60)
            return None
