"""The walk every Python client takes: upload, url, download, delete, errors.

A client script says how its library does each of the four actions and calls `walk`. Nothing here knows any library;
nothing in a library is changed. Where a library knows only https://graph.facebook.com, `reach_vendor_hosts` sends
that name to our TLS port, as a hosts file would.
"""

import json
import os
import socket
import sys
import tempfile
from pathlib import Path

HERE = json.loads(os.environ["WAMEDIA_CLIENT"])
"""What the runner tells: base, tls_port, token, d360_key, phone_number_id, samples {mime: path} and bad files."""

VENDOR_HOSTS = (
    "graph.facebook.com",
    "lookaside.fbsbx.com",
    "waba-v2.360dialog.io",
    "developers.facebook.com",
)

SAYS = {
    "graph": {
        "unknown id": "Unsupported",
        "wrong token": "Authentication Error",
        "wrong type": "must be a file with one of the following types",
        "too large": "Invalid parameter",
        "not a jpeg": "Media upload error",
    },
    "d360": {
        "unknown id": "Media not found",
        "wrong token": "Invalid API key",
        "wrong type": "must be a file with one of the following types",
        "too large": "File Too Large",
        "not a jpeg": "on processing it is of type",
    },
}
"""What a user must be able to read in the library's own error, by dialect."""


class Refused(Exception):
    """For libraries that return an error where others raise it."""


def reach_vendor_hosts():
    """Points the vendors' names at our TLS port, below whatever HTTP library is in use."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def resolve_ours(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        return resolve("127.0.0.1" if name in VENDOR_HOSTS else host, *args, **kwargs)

    def connect_ours(self, address):
        https = address == ("127.0.0.1", 443)
        return connect(self, ("127.0.0.1", HERE["tls_port"]) if https else address)

    socket.getaddrinfo, socket.socket.connect = resolve_ours, connect_ours


def scratch(name):
    """A path in a throwaway folder, for libraries that download to a file."""
    return os.path.join(tempfile.mkdtemp(), name)


def walk(
    dialect,
    upload=None,
    url=None,
    download=None,
    delete=None,
    connect=None,
    hears={},
    foreign=None,
    without=(),
):
    """Takes one library through all steps and prints one line of JSON for each.

    `connect(credential)` makes a client; `upload` maps a way ("path", "bytes", "stream") to `f(client, path, mime)`
    giving an id; `url(client, id)` gives the link, `download(client, id)` the bytes, `delete(client, id)` something
    true. `hears` overrides what the library's error can tell, by case; None where it tells nothing. `foreign` uploads
    for libraries that cannot; `without` names samples that the library itself refuses.
    """
    credential = HERE["token" if dialect == "graph" else "d360_key"]
    client = connect(credential)
    ways = upload or {"elsewhere": foreign}
    samples = {mime: path for mime, path in HERE["samples"].items() if mime not in without}
    kept = []

    def upload_all():
        for way, send in ways.items():
            for mime, path in samples.items():
                kept.append((send(client, path, mime), path, mime))
        ids = [media_id for media_id, _, _ in kept]
        expect(len(set(ids)) == len(ids) and all(str(i).isdigit() for i in ids), f"ids {ids}")
        return f"{len(kept)} files by {', '.join(ways)}"

    def url_all():
        expect(kept, "nothing was uploaded")
        for media_id, _, _ in kept:
            link = url(client, media_id)
            expect("/whatsapp_business/attachments/?mid=" in link, f"link {link}")

    def download_all():
        expect(kept, "nothing was uploaded")
        for media_id, path, mime in kept:
            got = download(client, media_id)
            expect(got == Path(path).read_bytes(), f"{mime} came back different ({len(got)} bytes)")

    def delete_all():
        expect(kept, "nothing was uploaded")
        for media_id, _, _ in kept:
            expect(delete(client, media_id), f"delete of {media_id} told no success")
        if url:
            refused(lambda: url(client, kept[0][0]), hears.get("unknown id", SAYS[dialect]["unknown id"]))

    def errors():
        says = SAYS[dialect] | hears
        look = url or delete or download
        refused(lambda: look(client, "1234567890123456"), says["unknown id"])
        refused(lambda: look(connect("nobody"), "1234567890123456"), says["wrong token"])
        if upload:
            send = next(iter(ways.values()))
            refused(lambda: send(client, HERE["wrong_type"], "text/html"), says["wrong type"])
            refused(lambda: send(client, HERE["too_large"], "image/jpeg"), says["too large"])
            refused(lambda: send(client, HERE["not_a_jpeg"], "image/jpeg"), says["not a jpeg"])
        return ", ".join(case for case in says if upload or case in ("unknown id", "wrong token"))

    step("upload", upload_all, absent=not upload)
    if not upload:
        upload_all()
    step("url", url_all, absent=not url)
    step("download", download_all, absent=not download)
    step("delete", delete_all, absent=not delete)
    step("errors", errors)


def step(name, action, absent=False):
    outcome = {"step": name, "ok": None}
    if not absent:
        try:
            outcome |= {"ok": True, "note": action() or ""}
        except Exception as error:  # any failure of a library is a finding, told with its own words
            outcome |= {"ok": False, "note": f"{type(error).__name__}: {error}"[:600]}
    print("\n" + json.dumps(outcome), flush=True)


def expect(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


def refused(action, says):
    """The action must fail with `says` in the library's error; None asks for a failure only."""
    try:
        answer = action()
    except Exception as error:
        told = f"{type(error).__name__} {error!r} {error}"
        expect(says is None or says in told, f"expected {says!r} in {told}")
        return
    raise AssertionError(f"not refused, told {answer!r}")


def upload_with_requests(client, path, mime):
    """An id for libraries that only download."""
    import requests

    answer = requests.post(
        f"{HERE['base']}/v21.0/{HERE['phone_number_id']}/media",
        headers={"Authorization": f"Bearer {HERE['token']}"},
        data={"messaging_product": "whatsapp"},
        files={"file": (Path(path).name, Path(path).read_bytes(), mime)},
        timeout=20,
    )
    return answer.json()["id"]
