"""curl, with the command lines of the vendors' media pages: only address, credential and file names are put in."""

import json
import subprocess
import sys
from pathlib import Path

from steps import HERE, Refused, scratch, walk

dialect = sys.argv[1]
graph = dialect == "graph"
# Meta's hosts stand in the command lines; --connect-to is curl's own way to reach them elsewhere.
ROOT = "https://graph.facebook.com/v23.0" if graph else "https://waba-v2.360dialog.io"
UPLOADS = f"{ROOT}/{HERE['phone_number_id']}/media" if graph else f"{ROOT}/media"
NAMED_BY_CURL = (".jpg", ".png", ".pdf", ".html")
"""curl declares these from the file's name; all others need ;type=, else they go as application/octet-stream."""


def curl(*arguments):
    told = scratch("answer")
    there = ["--connect-to", f"::127.0.0.1:{HERE['tls_port']}", "--cacert", HERE["ca"], "--max-time", "60"]
    command = ["curl", "-s", "-S", *there, "-w", "%{http_code}", "-o", told, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    body = Path(told).read_bytes() if Path(told).exists() else b""
    if done.returncode or done.stdout != "200":
        raise Refused(f"{done.stderr} {done.stdout} {body.decode(errors='replace')}")
    return body


def upload(credential, path, mime):
    named = "" if path.endswith(NAMED_BY_CURL) else f";type={mime}"
    form = ["-F", f'file=@"{path}"{named}', "-F", f'type="{mime}"', "-F", 'messaging_product="whatsapp"']
    return json.loads(curl(UPLOADS, "-H", credential, *form))["id"]


def upload_short(credential, path, mime):
    form = ["-F", "messaging_product=whatsapp", "-F", f"file=@{path};type={mime}"]
    return json.loads(curl("-X", "POST", UPLOADS, "-H", credential, *form))["id"]


def url(credential, media_id):
    """Meta's reference sends `{}` as JSON with its GET and DELETE."""
    body = ["--header", "Content-Type: application/json", "--data", "{}"] if graph else []
    answer = curl("--request", "GET", "--url", f"{ROOT}/{media_id}", "--header", credential, *body)
    return json.loads(answer)["url"]


def download(credential, media_id):
    link = url(credential, media_id)
    if not graph:
        link = link.replace("https://lookaside.fbsbx.com", ROOT)
    return curl("-L", "-X", "GET", link, "-H", credential)


def delete(credential, media_id):
    number = f"?phone_number_id={HERE['phone_number_id']}" if graph else ""
    return json.loads(curl("-X", "DELETE", f"{ROOT}/{media_id}{number}", "-H", credential))["success"]


walk(
    dialect,
    connect=lambda secret: f"Authorization: Bearer {secret}" if graph else f"D360-API-KEY: {secret}",
    upload={"documented form": upload, "short form": upload_short},
    url=url,
    download=download,
    delete=delete,
)
