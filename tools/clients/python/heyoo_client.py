"""heyoo: `base_url` is a plain attribute. Errors come back as the answer's JSON."""

from pathlib import Path

from heyoo import WhatsApp
from steps import HERE, Refused, scratch, walk


def connect(token):
    client = WhatsApp(token, phone_number_id=HERE["phone_number_id"])
    client.base_url = f"{HERE['base']}/v14.0"
    return client


def upload(client, path, mime):
    answer = client.upload_media(path)
    if not answer:
        raise Refused("upload_media told None")
    return answer["id"]


def url(client, media_id):
    link = client.query_media_url(media_id)
    if not link:
        raise Refused("query_media_url told None")
    return link


def download(client, media_id):
    saved = client.download_media(url(client, media_id), "x/bin", scratch("heyoo"))
    return Path(saved).read_bytes()


def delete(client, media_id):
    answer = client.delete_media(media_id)
    return answer and answer["success"]


walk(
    "graph",
    connect=connect,
    upload={"path": upload},
    url=url,
    download=download,
    delete=delete,
    hears=dict.fromkeys(("unknown id", "wrong token", "wrong type", "too large", "not a jpeg")),
)
