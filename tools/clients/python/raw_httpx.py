"""httpx against 360dialog's routes, on one kept connection."""

from pathlib import Path

import httpx
from steps import HERE, Refused, walk


def connect(key):
    return httpx.Client(base_url=HERE["base"], headers={"D360-API-KEY": key})


def checked(answer):
    if answer.is_error:
        raise Refused(f"{answer.status_code} {answer.text}")
    return answer


def upload(client, path, mime):
    files = {"file": (Path(path).name, open(path, "rb"), mime)}
    return checked(client.post("/media", data={"messaging_product": "whatsapp"}, files=files)).json()["id"]


def url(client, media_id):
    return checked(client.get(f"/{media_id}")).json()["url"].replace("https://lookaside.fbsbx.com", "")


def download(client, media_id):
    with client.stream("GET", url(client, media_id)) as answer:
        return b"".join(answer.iter_bytes())


walk(
    "d360",
    connect=connect,
    upload={"file object": upload},
    url=url,
    download=download,
    delete=lambda client, media_id: checked(client.delete(f"/{media_id}")).json()["success"],
)
