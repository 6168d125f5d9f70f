"""whatsapp-python: asks developers.facebook.com for the newest version at start, so that name is pointed at us too."""

from pathlib import Path

import steps
from steps import HERE, scratch, walk

steps.reach_vendor_hosts()
from whatsapp import WhatsApp  # noqa: E402


def connect(token):
    numbers = {"first": HERE["phone_number_id"]}
    return WhatsApp(token, numbers, update_check=False, version="v21.0")


def download(client, media_id):
    saved = client.download_media(client.query_media_url(media_id), "x/bin", scratch("whatsapp-python"))
    return Path(saved).read_bytes()


walk(
    "graph",
    connect=connect,
    upload={"path": lambda client, path, mime: client.upload_media(path)["id"]},
    url=lambda client, media_id: client.query_media_url(media_id),
    download=download,
    delete=lambda client, media_id: client.delete_media(media_id)["success"],
    hears={
        "unknown id": "Exception",
        "wrong token": "ExpiredTokenException",
        "wrong type": "Exception",
        "too large": "Exception",
        "not a jpeg": "Exception",
    },
)
