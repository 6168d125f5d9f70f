"""pywa's asynchronous half: the same calls, awaited."""

import asyncio
from pathlib import Path

import steps
from steps import HERE, walk

steps.reach_vendor_hosts()
from pywa_async import WhatsApp  # noqa: E402

loop = asyncio.new_event_loop()
now = loop.run_until_complete


async def bytes_of(wa, media_id):
    return await wa.get_media_bytes((await wa.get_media_url(media_id)).url)


walk(
    "graph",
    connect=lambda token: WhatsApp(phone_id=HERE["phone_number_id"], token=token),
    upload={
        "path": lambda wa, path, mime: now(wa.upload_media(path, mime_type=mime)).id,
        "bytes": lambda wa, path, mime: now(
            wa.upload_media(Path(path).read_bytes(), mime, Path(path).name)
        ).id,
    },
    url=lambda wa, media_id: now(wa.get_media_url(media_id)).url,
    download=lambda wa, media_id: now(bytes_of(wa, media_id)),
    delete=lambda wa, media_id: now(wa.delete_media(media_id)).success,
)
