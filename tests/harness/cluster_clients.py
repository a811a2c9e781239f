"""Clients of a whole cluster: what they ask is noted for linearizability, and a mixed load with its history.

Unlike one process, a cluster may carry out a request long after its client was told nothing, or a 5xx: nodes go on where
a network was parted. So such a request may happen at any later time, and the keys that it names are left alone in favour
of new ones.
"""

import collections
import datetime
import hashlib
import http.client
import itertools
import random
import time
import xml.etree.ElementTree as ElementTree

from harness import sigv4
from harness.conditional_clients import Clients, OneClient
from harness.history import History
from harness.load import KEYS_PER_CLIENT, Load

FOREVER = 1 << 62
# A history of one key stays short enough to be decided: each request without an answer doubles what may have happened.
KEYS_LAST_SECONDS = 4
UNANSWERED_MAX = 4
MEMBERS = [str(number) for number in range(8)]


class ContendedClients(Clients):
    """Requests on few keys and few sets, each to any node, until `stop`."""

    def __init__(self, cluster, bucket, seed, errors, keys=3, clients=8, timeout=15):
        super().__init__(cluster.nodes[0], bucket, seed, clients=clients)
        self.errors = errors
        self.cluster, self.timeout, self.key_count = cluster, timeout, keys
        self.began = time.monotonic()
        self.unanswered = collections.Counter()

    def end_of_unanswered(self):
        return FOREVER

    def fresh(self, kind, number):
        """The key, or set, of this number that is in use now."""
        name = f"{kind}/{int((time.monotonic() - self.began) / KEYS_LAST_SECONDS)}/{number}"
        versions = (f"{name}-{version}" for version in itertools.count())
        return next(each for each in versions if self.unanswered[each] < UNANSWERED_MAX)

    def loop(self, number):
        rng = random.Random(f"{self.seed}/contended/{number}")
        client = ClusterClient(self, number, rng)
        while not self.stopping.is_set():
            if rng.random() < 0.3:
                client.one_of_set(self.fresh("set", rng.randrange(self.key_count)))
            else:
                client.one(rng, self.fresh("contended", rng.randrange(self.key_count)))


class ClusterClient(OneClient):
    """Asks any node, the next time another one."""

    def __init__(self, clients, number, rng):
        super().__init__(clients, number)
        self.rng = rng
        self.connections = {}

    def one_of_set(self, prefix):
        kind = self.rng.choice(["add", "add", "remove", "list"])
        member = self.rng.choice(MEMBERS) if kind != "list" else ""
        note = {"key": prefix, "client": self.number, "kind": kind, "if": "", "unless": "", "new": member, "seen": ""}
        if kind == "list":
            return self.noted(note, "GET", query=[("list-type", "2"), ("prefix", f"{prefix}/")], key="")
        method, body = ("PUT", b"member") if kind == "add" else ("DELETE", b"")
        return self.noted(note, method, body=body, key=f"{prefix}/{member}")

    def learn(self, note, seen, content):
        if note["kind"] == "list":
            assert note["status"] == 200, f"{note}: {content[:300]}"
            keys = [e.text for e in ElementTree.fromstring(content).iter() if e.tag.endswith("}Key")]
            note["seen"] = ",".join(key.rsplit("/", 1)[1] for key in keys)
        else:
            super().learn(note, seen, content)

    def noted(self, note, *asked, **more):
        super().noted(note, *asked, **more)
        if note.get("status") == 0:
            self.all.unanswered[note["key"]] += 1

    def ask(self, method, key, query=(), headers=None, body=b""):
        """None when nothing, or a 5xx, was answered."""
        node = self.rng.choice(self.all.cluster.nodes)
        answer = self.ask_node(node, method, f"/{self.all.bucket}/{key}", query, headers or {}, body)
        if answer is None or answer[0] >= 500:
            label = f"{method} {answer[0] if answer else 'unanswered'}"
            with self.all.lock:
                self.all.statuses[label] = self.all.statuses.get(label, 0) + 1
            self.all.stopping.wait(0.1)  # Room for others where nothing is to be had.
            return None
        return answer

    def ask_node(self, node, method, path, query, headers, body):
        headers = {"host": f"{node.host}:{node.port}", **headers}
        when = sigv4.now() + datetime.timedelta(seconds=node.clock_offset)
        self.signer.authorize(method, path, list(query), headers, hashlib.sha256(body).hexdigest(), when)
        connection = self.connections.pop(node.number, None)
        connection = connection or http.client.HTTPConnection(node.host, node.port, timeout=self.all.timeout)
        try:
            connection.request(method, path + (f"?{sigv4.canonical_query(query)}" if query else ""), body, headers)
            answer = connection.getresponse()
            result = answer.status, answer.getheader("etag", ""), answer.read()
            self.all.errors.note(node, f"{method} {path}", answer.status, answer.getheader("x-amz-request-id", ""))
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        self.connections[node.number] = connection
        return result


class ClusterLoad(Load):
    """The mixed load through all nodes that can be talked to. A change that was not acknowledged retires its keys."""

    def __init__(self, cluster, bucket, seed, errors, large=False):
        super().__init__(cluster.nodes[0], bucket, seed, 3, large)
        self.errors = errors
        self.cluster = cluster
        self.history = History(late_effects=True)
        self.generations = {}

    def loop(self, number):
        rng = random.Random(f"{self.seed}/{self.round}/{number}")
        clients = {node.number: self.errors.watch(node.client(read_timeout=20, connect_timeout=3), node)
                   for node in self.cluster.nodes}
        while not self.stopping.is_set():
            nodes = [node for node in self.cluster.living() if not node.clock_offset]
            if not nodes or not self.one(clients[rng.choice(nodes).number], rng, number):
                self.stopping.wait(0.1)

    def key(self, rng, number):
        slot = f"c{number}/{rng.randrange(KEYS_PER_CLIENT):03}"
        generation = self.generations.get(slot, 0)
        while f"{slot}-{generation}" in self.history.unanswered:
            generation += 1
        self.generations[slot] = generation
        return f"{slot}-{generation}"
