"""Rust libraries, one call for each start of the program in ../rust."""

import os
import subprocess
import sys

from steps import HERE, Refused, walk

library, program = sys.argv[1:3]

HEARS = {
    "wacloudapi": {"wrong token": "InvalidToken"},
    "whatsapp-business-rs": {"wrong type": "Unsupported document MIME type"},
}
"""One has an error of its own for code 190, the other refuses other types by itself."""


def call(token, *arguments):
    here = {"BASE": HERE["base"], "PHONE_NUMBER_ID": HERE["phone_number_id"], "TOKEN": token}
    environment = os.environ | here | {"API_BASE_URL_FOR_TESTING": HERE["base"]}
    done = subprocess.run(
        [program, library, *arguments], env=environment, capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace"))
    return done.stdout


walk(
    "graph",
    connect=lambda token: token,
    upload={"bytes": lambda token, path, mime: call(token, "upload", path, mime).decode()},
    url=lambda token, media_id: call(token, "url", media_id).decode(),
    download=lambda token, media_id: call(token, "download", media_id),
    delete=lambda token, media_id: call(token, "delete", media_id) == b"true",
    hears=HEARS[library],
)
