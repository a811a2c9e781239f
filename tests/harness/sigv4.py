"""Signature V4 as its specification says, independent of botocore: requests, presigned URLs and signed chunks."""

import datetime
import hashlib
import hmac
import urllib.parse
from dataclasses import dataclass

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def quote_path(path):
    return quote(path, safe="/-_.~")


def canonical_query(query):
    """`query`: pairs of decoded names and values; None as a value means a name alone."""
    return "&".join(sorted(f"{quote(name)}={quote(value or '')}" for name, value in query))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def hmac256(key, text):
    return hmac.new(key, text.encode() if isinstance(text, str) else text, hashlib.sha256).digest()


@dataclass
class Signer:
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    service: str = "s3"

    def scope(self, when):
        return f"{when:%Y%m%d}/{self.region}/{self.service}/aws4_request"

    def key(self, when):
        key = hmac256(("AWS4" + self.secret_key).encode(), f"{when:%Y%m%d}")
        for part in (self.region, self.service, "aws4_request"):
            key = hmac256(key, part)
        return key

    def signature(self, when, canonical):
        text = "\n".join(["AWS4-HMAC-SHA256", f"{when:%Y%m%dT%H%M%SZ}", self.scope(when),
                          hashlib.sha256(canonical.encode()).hexdigest()])
        return hmac256(self.key(when), text).hex()

    @staticmethod
    def canonical(method, raw_path, query, headers, signed, payload):
        lines = [f"{name}:{' '.join(str(headers[name]).split())}" for name in signed]
        return "\n".join([method, raw_path, canonical_query(query), *lines, "", ";".join(signed), payload])

    def authorize(self, method, raw_path, query, headers, payload, when=None):
        """Adds x-amz-date, x-amz-content-sha256 and Authorization to `headers` (lower-case names); returns the signature."""
        when = when or now()
        headers["x-amz-date"] = f"{when:%Y%m%dT%H%M%SZ}"
        headers["x-amz-content-sha256"] = payload
        signed = sorted(name for name in headers if name not in ("authorization", "connection", "expect", "user-agent"))
        signature = self.signature(when, self.canonical(method, raw_path, query, headers, signed, payload))
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{self.scope(when)}, "
                                    f"SignedHeaders={';'.join(signed)}, Signature={signature}")
        return signature

    def presign(self, method, raw_path, query, host, expires=300, when=None, headers=None, algorithm="AWS4-HMAC-SHA256"):
        """The query of a presigned URL, as text."""
        when = when or now()
        headers = {"host": host, **(headers or {})}
        signed = sorted(headers)
        query = list(query) + [
            ("X-Amz-Algorithm", algorithm), ("X-Amz-Credential", f"{self.access_key}/{self.scope(when)}"),
            ("X-Amz-Date", f"{when:%Y%m%dT%H%M%SZ}"), ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", ";".join(signed))]
        signature = self.signature(when, self.canonical(method, raw_path, query, headers, signed, UNSIGNED))
        return f"{canonical_query(query)}&X-Amz-Signature={signature}"

    def chunk_signature(self, when, previous, chunk):
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", f"{when:%Y%m%dT%H%M%SZ}", self.scope(when), previous, EMPTY_SHA256,
                          hashlib.sha256(chunk).hexdigest()])
        return hmac256(self.key(when), text).hex()

    def trailer_signature(self, when, previous, trailer):
        text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", f"{when:%Y%m%dT%H%M%SZ}", self.scope(when), previous,
                          hashlib.sha256(trailer).hexdigest()])
        return hmac256(self.key(when), text).hex()
