"""S3 requests down to the byte: what SDKs would hide or repair is sent and seen as it is."""

import base64
import hashlib
import http.client
import socket
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from harness import sigv4


@dataclass
class Answer:
    status: int
    reason: str
    headers: dict          # Lower-case names; of repeated ones the last.
    body: bytes
    method: str = ""
    _tree: object = field(default=None, repr=False)

    def xml(self):
        """The body as an element tree without name spaces."""
        if self._tree is None:
            self._tree = ElementTree.fromstring(self.body)
            for element in self._tree.iter():
                element.tag = element.tag.rsplit("}", 1)[-1]
        return self._tree

    def text(self, path):
        """Text of the first element at `path`, None if there is none."""
        return self.xml().findtext(path)

    def texts(self, path):
        return [element.text or "" for element in self.xml().findall(path)]

    @property
    def code(self):
        """The S3 error code, None on success and on an answer without a body."""
        return self.text("Code") if self.status >= 300 and self.body.startswith(b"<") else None

    def __str__(self):
        return f"{self.status} {self.reason} {self.body[:300]!r}"


class Wire:
    """One credential towards one endpoint. Every request uses a connection of its own."""

    def __init__(self, endpoint, access_key, secret_key, region="us-east-1", timeout=60, ca_file=None):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self.signer = sigv4.Signer(access_key, secret_key, region)
        self.timeout = timeout
        self.ca_file = ca_file

    @property
    def host(self):
        return self.endpoint.netloc

    def connect(self):
        if self.endpoint.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca_file)
            return http.client.HTTPSConnection(self.endpoint.hostname, self.endpoint.port, timeout=self.timeout,
                                               context=context)
        return http.client.HTTPConnection(self.endpoint.hostname, self.endpoint.port, timeout=self.timeout)

    def socket(self):
        return socket.create_connection((self.endpoint.hostname, self.endpoint.port), timeout=self.timeout)

    def request(self, method, path, query=(), headers=None, body=b"", payload=None, sign=True, when=None, host=None,
                raw_path=None, prepare=None):
        """`path` is decoded, `query` pairs of decoded text (a value None: the name alone).

        payload: what x-amz-content-sha256 says; by default the body's digest. prepare(headers): changes the signed head.
        """
        raw_path = raw_path if raw_path is not None else sigv4.quote_path(path)
        query = list(query.items()) if isinstance(query, dict) else list(query)
        headers = {name.lower(): str(value) for name, value in (headers or {}).items()}
        headers.setdefault("host", host or self.host)
        if sign:
            self.signer.authorize(method, raw_path, query, headers, payload or hashlib.sha256(body).hexdigest(), when)
        if prepare:
            prepare(headers)
        target = raw_path
        if query:
            target += "?" + "&".join(sigv4.quote(n) if v is None else f"{sigv4.quote(n)}={sigv4.quote(v)}" for n, v in query)
        return self.send(method, target, headers, body)

    def send(self, method, target, headers, body=b""):
        """A head as given, with Content-Length added where a body needs one."""
        connection = self.connect()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            names = {name.lower() for name in headers}
            for name, value in headers.items():
                connection.putheader(name, value)
            if "content-length" not in names and "transfer-encoding" not in names and (body or method in ("PUT", "POST")):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            try:
                if body:
                    connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # Refused before it was read; the answer says why.
            return read_answer(connection.getresponse(), method)
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def head(self, path, **more):
        return self.request("HEAD", path, **more)

    def put(self, path, body=b"", **more):
        return self.request("PUT", path, body=body, **more)

    def post(self, path, body=b"", **more):
        return self.request("POST", path, body=body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def put_chunked(self, path, chunks, query=(), headers=None, mode=sigv4.STREAMING, trailers=(), decoded=None, damage=None):
        """A body in aws-chunked framing. damage(frames): changes the framed pieces before they are sent."""
        when = sigv4.now()
        raw_path = sigv4.quote_path(path)
        headers = {name.lower(): str(value) for name, value in (headers or {}).items()}
        headers |= {"host": self.host, "content-encoding": "aws-chunked",
                    "x-amz-decoded-content-length": str(sum(map(len, chunks)) if decoded is None else decoded)}
        if trailers:
            headers["x-amz-trailer"] = ",".join(name for name, _ in trailers)
        query = list(query.items()) if isinstance(query, dict) else list(query)
        signature = self.signer.authorize("PUT", raw_path, query, headers, mode, when)
        frames = self.frames(chunks, mode, trailers, when, signature)
        if damage:
            frames = damage(frames)
        target = raw_path + ("?" + sigv4.canonical_query(query) if query else "")
        return self.send("PUT", target, headers, b"".join(frames))

    def frames(self, chunks, mode, trailers, when, previous):
        frames = []
        for chunk in [*chunks, b""]:
            line = f"{len(chunk):x}"
            if mode != sigv4.UNSIGNED_TRAILER:
                previous = self.signer.chunk_signature(when, previous, chunk)
                line += f";chunk-signature={previous}"
            end = b"" if not chunk and mode != sigv4.STREAMING else b"\r\n"
            frames.append(line.encode() + b"\r\n" + chunk + end)
        if mode != sigv4.STREAMING:
            frames += self.trailer_frames(mode, trailers, when, previous)
        return frames

    def trailer_frames(self, mode, trailers, when, previous):
        frames = [f"{name}:{value}\r\n".encode() for name, value in trailers]
        if mode == sigv4.STREAMING_TRAILER:
            canonical = "".join(f"{name}:{value}\n" for name, value in trailers).encode()
            signature = self.signer.trailer_signature(when, previous, canonical)
            frames.append(f"x-amz-trailer-signature:{signature}\r\n".encode())
        return [*frames, b"\r\n"]

    def presigned(self, method, path, query=(), **more):
        """Target (path and query) of a presigned URL."""
        raw_path = sigv4.quote_path(path)
        return raw_path + "?" + self.signer.presign(method, raw_path, query, self.host, **more)


def read_answer(response, method):
    body = response.read()
    return Answer(response.status, response.reason, {n.lower(): v for n, v in response.getheaders()}, body, method)


def md5_header(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()
