"""waclient: `base_url` is a plain attribute. It refuses webp, other types and large files by itself."""

from pathlib import Path

from steps import HERE, scratch, walk
from waclient import WhatsAppClient


def connect(token):
    client = WhatsAppClient(phone_number_id=HERE["phone_number_id"], access_token=token)
    client.base_url = f"{HERE['base']}/v21.0"
    return client


def download(client, media_id):
    media = client.media_handler
    return Path(media.download(media.get_url(media_id), scratch("waclient"))).read_bytes()


walk(
    "graph",
    connect=connect,
    upload={"path": lambda client, path, mime: client.media_handler.upload(path, mime)},
    url=lambda client, media_id: client.media_handler.get_url(media_id),
    download=download,
    delete=lambda client, media_id: client.media_handler.delete(media_id),
    hears={"wrong type": "Unsupported MIME type", "too large": "File too large"},
    without=("image/webp",),
)
