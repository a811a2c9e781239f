"""Mixed load with a history: puts inline and striped, multipart uploads, copies, deletes, batch deletes."""

import random
import time

from harness.client_threads import ClientThreads
from harness.history import History, digest

MIB = 1 << 20
KEYS_PER_CLIENT = 40

# Half of all requests put inline bodies; the others are one stripe, several, and a large one now and then.
INLINE_SIZES = [0, 1, 700, 4096, 12_000, 16_384]
STRIPED_SIZES = [16_385, 40_000, 300_000, 1 * MIB + 7, 3 * MIB]


class Load(ClientThreads):
    """Clients that write until told to stop or the server is gone. Each has keys of its own, so a key has one writer."""

    def __init__(self, server, bucket, seed, clients=4, large=True):
        super().__init__(clients)
        self.server, self.bucket, self.seed = server, bucket, seed
        self.sizes = STRIPED_SIZES if large else STRIPED_SIZES[:3]
        self.history = History()
        self.round = 0

    def start(self):
        self.round += 1
        return super().start()

    def wait_until_answered(self, more, seconds=120):
        """Waits for so many more acknowledged requests; a server that stopped serving fails here."""
        goal, deadline = self.history.acknowledged + more, time.monotonic() + seconds
        while self.history.acknowledged < goal:
            assert time.monotonic() < deadline, "requests are not answered any more"
            time.sleep(0.01)

    def loop(self, number):
        rng = random.Random(f"{self.seed}/{self.round}/{number}")
        s3 = self.server.client()
        while not self.stopping.is_set():
            if not self.one(s3, rng, number) and self.server.process.poll() is not None:
                return

    def one(self, s3, rng, number):
        key = self.key(rng, number)
        action = rng.choices(["inline", "striped", "multipart", "copy", "delete", "batch"], [52, 18, 6, 9, 11, 4])[0]
        return getattr(self, action)(s3, rng, key, number)

    def key(self, rng, number):
        return f"c{number}/{rng.randrange(KEYS_PER_CLIENT):03}"

    def put(self, s3, kind, key, body):
        return self.history.change(kind, key, digest(body),
                                   lambda: s3.put_object(Bucket=self.bucket, Key=key, Body=body))

    def inline(self, s3, rng, key, _):
        return self.put(s3, "inline", key, rng.randbytes(rng.choice(INLINE_SIZES)))

    def striped(self, s3, rng, key, _):
        return self.put(s3, "striped", key, rng.randbytes(rng.choice(self.sizes)))

    def multipart(self, s3, rng, key, _):
        bodies = [rng.randbytes(5 * MIB), rng.randbytes(rng.choice([1, 70_000]))] if rng.random() < 0.2 else [
            rng.randbytes(rng.choice([850, 20_000, 400_000]))]

        def upload():
            made = s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=self.bucket, Key=key, UploadId=made, PartNumber=n,
                                                              Body=body)["ETag"]} for n, body in enumerate(bodies, 1)]
            s3.complete_multipart_upload(Bucket=self.bucket, Key=key, UploadId=made, MultipartUpload={"Parts": parts})

        return self.history.change("multipart", key, digest(b"".join(bodies)), upload)

    def copy(self, s3, rng, key, number):
        source = self.key(rng, number)
        states = self.history.possible(source)
        if source == key or len(states) != 1 or None in states:
            return self.inline(s3, rng, key, number)
        return self.history.change("copy", key, next(iter(states)), lambda: s3.copy_object(
            Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": source}))

    def delete(self, s3, rng, key, _):
        return self.history.change("delete", key, None, lambda: s3.delete_object(Bucket=self.bucket, Key=key))

    def batch(self, s3, rng, _, number):
        """Several keys at once: recorded one by one, since an unanswered batch may have removed any of them."""
        keys = sorted({self.key(rng, number) for _ in range(4)})
        before = {key: self.history.possible(key) for key in keys}
        answered = self.history.change("batch delete", keys[0], None, lambda: s3.delete_objects(
            Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}))
        for key in keys[1:]:
            self.history.states[key] = {None} if answered else before[key] | {None}
            if not answered:
                self.history.unanswered.add(key)
        return answered


def run_for(load, seconds):
    load.start()
    time.sleep(seconds)
    load.stop()
