"""Starts and stops wamedia for one client, and makes the certificates its TLS port shows."""

import json
import os
import shutil
import subprocess
import tempfile

NAMES = "DNS:graph.facebook.com,DNS:lookaside.fbsbx.com,DNS:waba-v2.360dialog.io,DNS:developers.facebook.com"


class Server:
    """A server with its own data folder; over TLS it plays Meta's hosts, links included."""

    def __init__(self, binary, scratch, settings, tls):
        self.data = tempfile.mkdtemp(prefix="data-", dir=scratch)
        if tls:
            settings = settings | {
                "WAMEDIA_PUBLIC_TLS_CERTIFICATE": str(scratch / "leaf.pem"),
                "WAMEDIA_PUBLIC_TLS_KEY": str(scratch / "leaf.key"),
                "WAMEDIA_GRAPH_MEDIA_URL_HOST": "lookaside",
            }
        anywhere = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [binary, "serve", *anywhere, "--data", self.data, "--ready-json", "--quiet"],
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.base = self.ready["public"]
        self.port = int(self.base.rsplit(":", 1)[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=40)
        self.process.stdout.close()
        shutil.rmtree(self.data, ignore_errors=True)


def make_certificates(folder):
    """ca.pem, leaf.pem and leaf.key for the vendors' names, good for a day."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    authority = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    openssl(
        "req", "-x509", *new, "-subj", "/CN=tools-clients", *authority, "-keyout", "ca.key", "-out", "ca.pem"
    )
    openssl("req", *new[:-2], "-subj", "/CN=graph.facebook.com", "-keyout", "leaf.key", "-out", "leaf.csr")
    (folder / "leaf.ext").write_text(f"subjectAltName={NAMES},IP:127.0.0.1\n")
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext", "-days", "1"]
    openssl("x509", "-req", "-in", "leaf.csr", *signing, "-out", "leaf.pem")
