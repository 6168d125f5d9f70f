"""Walks through a small program in another language, which makes one request for each call.

    PROGRAM upload URL HEADER VALUE PATH MIME | get URL HEADER VALUE | delete URL HEADER VALUE

It prints the status on its first line, then the body as it came.
"""

import json
import subprocess
import sys

from steps import HERE, Refused, walk

dialect, *program = sys.argv[1:]
graph = dialect == "graph"
ROOT = f"{HERE['base']}/v24.0" if graph else HERE["base"]
UPLOADS = f"{ROOT}/{HERE['phone_number_id']}/media" if graph else f"{ROOT}/media"


def call(*arguments):
    done = subprocess.run([*program, *arguments], capture_output=True, check=False, timeout=60)
    status, _, body = done.stdout.partition(b"\n")
    if done.returncode or status != b"200":
        raise Refused(
            f"{status} {body.decode(errors='replace')} {done.stderr.decode(errors='replace')[-400:]}"
        )
    return body


def url(credential, media_id):
    link = json.loads(call("get", f"{ROOT}/{media_id}", *credential))["url"]
    return link.replace("https://lookaside.fbsbx.com", HERE["base"])


walk(
    dialect,
    connect=lambda secret: ["Authorization", f"Bearer {secret}"] if graph else ["D360-API-KEY", secret],
    upload={
        "program": lambda credential, path, mime: json.loads(
            call("upload", UPLOADS, *credential, path, mime)
        )["id"]
    },
    url=url,
    download=lambda credential, media_id: call("get", url(credential, media_id), *credential),
    delete=lambda credential, media_id: json.loads(call("delete", f"{ROOT}/{media_id}", *credential))[
        "success"
    ],
)
