"""Load: what is asked, and the generator that asks it."""
import json
import pathlib
import random
import string
import subprocess
import tempfile

from . import machine
from .contenders import BOUNDARY, form

SCRIPT = pathlib.Path(__file__).with_name("wrk.lua")
SEPARATOR = b"\n--next request--\n"
SERIAL = b"@@serial@@" + b"@" * 10
KIB, MIB = 1024, 1024 * 1024


def noise(length, seed):
    """Letters without a pattern, the same for the same seed; no byte of them means anything to any format."""
    return "".join(random.Random(seed).choices(string.ascii_lowercase, k=min(length, 65536))).encode() * (length // 65536 + 1)


def pdf(length, seed):
    """A document of exactly this many bytes."""
    head, tail = f"%PDF-1.4\n%{seed} ".encode(), b"\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"
    return head + noise(length, seed)[: length - len(head) - len(tail)] + tail


def jpeg(length, picture):
    """A photo of exactly this many bytes: a real one, filled up with comments, with the place of a serial number."""
    fill, comments = length - len(picture), b""
    while fill > len(comments):
        room = min(fill - len(comments), 60000)
        text = (SERIAL + noise(room, 1))[: room - 4]
        comments += b"\xff\xfe" + (room - 2).to_bytes(2, "big") + text
    return picture[:2] + comments + picture[2:]


def get(path, headers):
    return request("GET", path, headers)


def upload(path, content, mime, headers):
    body = form(content, mime)
    return request("POST", path, {**headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, body)


def request(method, path, headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines + ["", ""]).encode() + body


class Wrk:
    """Sends requests at the server from the load's cores."""

    runs = 0

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, address, requests, seconds, connections=32, cores=None):
        """Sends `requests` round and round for that long; what wrk counted."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".requests") as file:
            file.write(b"".join(each + SEPARATOR for each in requests))
            file.flush()
            Wrk.runs += 1
            run = f"{random.randrange(10**8):08d}{Wrk.runs % 100:02d}"
            command = [self.binary, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
            command += ["-s", SCRIPT, f"http://{address}", "--", file.name, run]
            said = subprocess.run(machine.pinned(cores or machine.LOAD_CORES, command), capture_output=True, text=True)
        for line in said.stdout.splitlines():
            if line.startswith("JSON "):
                return json.loads(line[5:])
        raise SystemExit(f"wrk failed: {said.stdout}{said.stderr}")
