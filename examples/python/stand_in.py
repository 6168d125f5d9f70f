"""The stand-in for tests: a process, its controls, and a world for each test. To be copied; needs nothing but Python."""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request


class StandIn:
    def __init__(self, binary=os.environ.get("WAMEDIA", "wamedia")):
        command = [binary, "serve", "--stand-in", "--in-memory", "--ready-json", "--quiet"]
        ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.process = subprocess.Popen(command + ports, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def ask(self, method, path, body=None, raw=None):
        """One control: its answer, or AssertionError with what it says is wrong."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/octet-stream" if raw is not None else "application/json"}
        request = urllib.request.Request(self.ready["admin"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def advance(self, by):
        return self.ask("POST", "/v1/stand-in/clock/advance", {"by": by})

    def reset_clock(self):
        return self.ask("DELETE", "/v1/stand-in/clock")


class World:
    """An account of its own: tests that run at once do not meet."""

    def __init__(self, stand_in):
        self.stand_in = stand_in
        self.made = stand_in.ask("POST", "/v1/stand-in/worlds", {})
        self.name = self.made["world"]

    def __getattr__(self, name):
        return self.made[name]

    def arm(self, **fault):
        return self.stand_in.ask("POST", "/v1/stand-in/faults", {"world": self.name, **fault})

    def expect(self, **expected):
        expected = {"world": self.name, "within": "2s", **expected}
        return self.stand_in.ask("POST", "/v1/stand-in/journal/expect", expected)["matched"]

    def messages(self):
        return self.stand_in.ask("GET", f"/v1/stand-in/messages?world={self.name}")

    def media(self):
        return self.stand_in.ask("GET", f"/v1/stand-in/worlds/{self.name}")["media"]

    def subscribe(self, url, app_secret):
        body = {"account": self.name, "url": url, "app_secret": app_secret, "allow_private": True, "check": False}
        return self.stand_in.ask("POST", "/v1/subscriptions", body)

    def receive(self, data, sender, **facts):
        """A customer sends a file."""
        query = urllib.parse.urlencode({"phone_number_id": self.phone_number_id, "from": sender, **facts})
        return self.stand_in.ask("POST", f"/v1/receive?{query}", raw=data)

    def discard(self):
        self.stand_in.ask("DELETE", f"/v1/stand-in/worlds/{self.name}")
