"""Applications that go on while nodes come and go: an SDK as it is by default, behind what sends requests to nodes that are up."""

import random
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from harness.client_threads import ClientThreads

INLINE, STRIPED, LARGE = 2_000, 200_000, 12_000_000


class SteadyClients(ClientThreads):
    """Put and read back, through nodes at random, until `stop`; keeps what failed for good and when what was answered."""

    def __init__(self, cluster, bucket, seed, sizes=(INLINE, STRIPED), make_client=None):
        super().__init__(4)
        self.cluster, self.bucket, self.seed, self.sizes = cluster, bucket, seed, sizes
        self.make_client = make_client or default_client
        self.up = set(cluster.nodes)  # Those that whatever stands before the nodes sends requests to.
        self.answers, self.failures = [], []
        self.start()

    def loop(self, number):
        rng = random.Random(f"{self.seed}/steady/{number}")
        clients = {node: self.make_client(node) for node in self.cluster.nodes}
        serial = 0
        while not self.stopping.is_set():
            serial += 1
            key, size = f"{number}/{serial}", rng.choice(self.sizes)
            began = time.monotonic()
            try:
                body = rng.randbytes(size)
                self.through(clients, rng, lambda s3: s3.put_object(Bucket=self.bucket, Key=key, Body=body))
                self.answers.append((time.monotonic(), size))
                got = self.through(clients, rng, lambda s3: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
                if got != body:
                    self.failures.append((key, "reads back otherwise"))
            except (ClientError, BotoCoreError) as failure:
                self.failures.append((key, f"after {time.monotonic() - began:.1f} s: {failure}"))

    def through(self, clients, rng, call):
        """A request that no node took, because its node has ended, goes to another."""
        for last in (False, False, True):
            try:
                return call(clients[self.one_up(rng)])
            except (HTTPClientError, BotoConnectionError):
                if last:
                    raise

    def one_up(self, rng):
        return rng.choice(sorted(self.up, key=lambda node: node.number))

    def wait_for_more(self, more, seconds=60):
        goal, deadline = len(self.answers) + more, time.monotonic() + seconds
        while len(self.answers) < goal:
            assert time.monotonic() < deadline, f"nothing is acknowledged any more: {self.failures[-3:]}"
            time.sleep(0.02)

    def first_after(self, instant, size, seconds=60):
        """How long after `instant` an object of this size was put that was begun at any time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            later = [at for at, each in list(self.answers) if at > instant and each == size]
            if later:
                return later[0] - instant
            time.sleep(0.01)
        raise AssertionError(f"no write of {size} bytes for {seconds} s: {self.failures[-3:]}")


def default_client(node):
    """As an application makes it: whatever is not the address is the SDK's own choice."""
    return boto3.client("s3", endpoint_url=node.endpoint, region_name="us-east-1", aws_access_key_id=node.access_key,
                        aws_secret_access_key=node.secret_key, config=Config(s3={"addressing_style": "path"}))
