"""pywa: the session's base URL is fixed to graph.facebook.com, so the name is pointed at us."""

from pathlib import Path

import steps
from steps import HERE, walk

steps.reach_vendor_hosts()
from pywa import WhatsApp  # noqa: E402


def pieces(path):
    with open(path, "rb") as file:
        while piece := file.read(1000):
            yield piece


walk(
    "graph",
    connect=lambda token: WhatsApp(phone_id=HERE["phone_number_id"], token=token),
    upload={
        "path": lambda wa, path, mime: wa.upload_media(path, mime_type=mime).id,
        "bytes": lambda wa, path, mime: wa.upload_media(Path(path).read_bytes(), mime, Path(path).name).id,
        "file object": lambda wa, path, mime: wa.upload_media(open(path, "rb"), mime, Path(path).name).id,
        "generator": lambda wa, path, mime: wa.upload_media(pieces(path), mime, Path(path).name).id,
    },
    url=lambda wa, media_id: wa.get_media_url(media_id).url,
    download=lambda wa, media_id: wa.get_media_bytes(wa.get_media_url(media_id).url),
    delete=lambda wa, media_id: wa.delete_media(media_id).success,
)
