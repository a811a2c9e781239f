"""A certificate authority of a test, by the openssl command."""

import pathlib
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
EXTENSIONS = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n"


class Authority:
    def __init__(self, folder, name="test-authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.key = self.folder / "authority.crt", self.folder / "authority.key"
        openssl("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def issue(self, name):
        """Certificate and key for servers and clients on 127.0.0.1; a new pair under an old name replaces it."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / "extensions"
        extensions.write_text(EXTENSIONS)
        openssl("req", "-new", *KEY, "-subj", f"/CN={name}", "-keyout", f"{key}.new", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                "-extfile", extensions, "-out", f"{certificate}.new")
        pathlib.Path(f"{key}.new").rename(key)
        pathlib.Path(f"{certificate}.new").rename(certificate)
        return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
