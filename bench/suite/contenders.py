"""Who is measured: the service, and the floors that serve. Each runs on the server's core and ends with its `with` block."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from . import machine

BOUNDARY = "----------------------------boundary"


class Process:
    """A running contender: where it listens, what it costs."""

    def __init__(self, command, cores, **options):
        self.popen = subprocess.Popen(machine.pinned(cores, command) if cores else command, **options)
        self.pid = self.popen.pid

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(40)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class HttpFloor(Process):
    """Bare hyper, 300 bytes of JSON."""

    def __init__(self, binary, cores=machine.SERVER_CORES):
        super().__init__([binary], cores, stdout=subprocess.PIPE)
        self.address = f"127.0.0.1:{int(self.popen.stdout.readline())}"


NGINX = """
daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log stderr error;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 75;
  open_file_cache max=10000; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; default_type application/octet-stream; }}
}}
"""


class Nginx(Process):
    """nginx sending plain files: sendfile, no log, open files cached."""

    def __init__(self, binary, folder, files, cores=machine.SERVER_CORES):
        folder = pathlib.Path(folder)
        (folder / "files").mkdir(parents=True)
        for name, content in files.items():
            (folder / "files" / name).write_bytes(content)
        port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user))
        self.address = f"127.0.0.1:{port}"
        super().__init__([binary, "-p", str(folder), "-c", str(folder / "nginx.conf")], cores, stderr=subprocess.DEVNULL)
        wait_for(self.address)

    def cpu_seconds(self):
        return sum(machine.cpu_seconds(pid) for pid in [self.pid, *machine.children(self.pid)])


class Service(Process):
    """The service on a data folder of its own; the credentials of the first start are remembered beside the folder."""

    def __init__(self, binary, data, cores=machine.SERVER_CORES, config="", quiet=True):
        data = pathlib.Path(data)
        data.parent.mkdir(parents=True, exist_ok=True)
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data, "--ready-json"]
        if quiet:
            command.append("--quiet")
        if config:
            file = data.with_suffix(".toml")
            file.write_text(config)
            command += ["--config", file]
        started = time.perf_counter()
        super().__init__(command, cores, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.popen.stdout.readline()
        self.start_ms = (time.perf_counter() - started) * 1000
        if not line:
            raise SystemExit(f"the service did not start: {' '.join(map(str, command))}")
        ready, known = json.loads(line), data.with_suffix(".ready.json")
        if "token" in ready:
            known.write_text(json.dumps(ready))
        else:
            ready = {**json.loads(known.read_text()), **ready}
        self.address = ready["public"].removeprefix("http://")
        self.admin = ready["admin"]
        self.token, self.number = ready["token"], ready["phone_number_id"]
        self.upload_path = f"/v23.0/{self.number}/media"

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method, path, body=None, headers=()):
        """One request on a connection of its own; the answer's body, which must come with 2xx."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        connection.request(method, path, body, {**self.headers, **dict(headers)})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status // 100 != 2:
            raise SystemExit(f"{method} {path} was answered {answer.status}: {said[:300]}")
        return said

    def upload(self, content, mime):
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return json.loads(self.ask("POST", self.upload_path, form(content, mime), kind))["id"]

    def retrieve_path(self, media_id):
        return f"/v23.0/{media_id}"

    def download_path(self, media_id):
        url = json.loads(self.ask("GET", self.retrieve_path(media_id)))["url"]
        return "/" + url.split("/", 3)[3]


def form(content, mime):
    """The body of an upload, as `curl -F` would write it."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: {mime}\r\n\r\n'
    )
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(address):
    host, port = address.split(":")
    for _ in range(200):
        try:
            socket.create_connection((host, int(port))).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {address}")
