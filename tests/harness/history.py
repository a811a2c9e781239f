"""What clients were told, and therefore what they may see: the judge of every fault test.

A key's state is a digest of its bytes, or None where it is absent. An acknowledged change leaves one possible state; a
request that got no answer, or an error from the server, leaves those before it and the new one. A read must show one of
the possible states, and then settles which it was.
"""

import collections
import hashlib
import threading

from botocore.exceptions import ClientError, ConnectionError as BotoConnectionError, HTTPClientError


def digest(body):
    return hashlib.sha256(body).hexdigest()


class History:
    """Of one bucket. One thread writes a key at a time; several threads may write different keys.

    With `late_effects` a change that was not acknowledged may still happen at any later time, as where nodes go on while
    the client gave up: nobody should write such a key again.
    """

    def __init__(self, late_effects=False):
        self.late_effects = late_effects
        self.unanswered = set()
        self.states = {}
        self.counts = collections.Counter()
        self.lock = threading.Lock()

    @property
    def acknowledged(self):
        return sum(n for kind, n in self.counts.items() if kind != "unanswered")

    def possible(self, key):
        return self.states.get(key, {None})

    def change(self, kind, key, state, call):
        """Runs `call`, which makes `state` the key's; returns whether it was acknowledged."""
        before = self.possible(key)
        try:
            call()
        except (ClientError, BotoConnectionError, HTTPClientError, OSError) as failure:
            if rejected(failure):
                raise
            with self.lock:
                self.states[key] = before | {state}
                self.unanswered.add(key)
                self.counts["unanswered"] += 1
            return False
        with self.lock:
            self.states[key] = {state}
            self.counts[kind] += 1
        return True

    def verify(self, s3, bucket, keys=None):
        """Reads every key; returns what contradicts the history, as (key, what was seen)."""
        wrong = []
        for key in list(keys if keys is not None else self.states):
            seen = self.observe(s3, bucket, key)
            if seen in self.possible(key):
                if not self.is_open(key):
                    self.states[key] = {seen}
            else:
                wrong.append((key, "lost" if seen is None else "changed or brought back" if len(seen) == 64 else seen))
        return wrong

    def verify_listing(self, s3, bucket, prefix=""):
        """Listing and reads must agree; call after verify."""
        listed = set()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            listed |= {entry["Key"] for entry in page.get("Contents", [])}
        expected = {key for key, states in self.states.items() if states != {None} and key.startswith(prefix)}
        return sorted(key for key in listed ^ expected if not self.is_open(key))

    def is_open(self, key):
        """What was not acknowledged may still come to be."""
        return self.late_effects and key in self.unanswered

    @staticmethod
    def observe(s3, bucket, key):
        try:
            return digest(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as failure:
            if failure.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            return failure.response["Error"]["Code"]
        except (BotoConnectionError, HTTPClientError, OSError) as failure:
            return f"unreadable: {failure}"[:120]


def rejected(failure):
    """A 4xx: the request was wrong, which is the test's own mistake (409 and 412 are decided by callers)."""
    if not isinstance(failure, ClientError):
        return False
    return 400 <= failure.response["ResponseMetadata"]["HTTPStatusCode"] < 500
