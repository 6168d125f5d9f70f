"""whatsapp-python's AsyncWhatsApp: every call gives a future; errors come back as the answer's JSON."""

import asyncio
from pathlib import Path

import steps
from steps import HERE, Refused, scratch, walk

steps.reach_vendor_hosts()
from whatsapp import AsyncWhatsApp  # noqa: E402

loop = asyncio.new_event_loop()


def connect(token):
    numbers = {"first": HERE["phone_number_id"]}
    return AsyncWhatsApp(token, numbers, update_check=False, version="v21.0")


def told(call):
    async def both():
        answer = await call
        return await answer if asyncio.isfuture(answer) else answer

    answer = loop.run_until_complete(both())
    if isinstance(answer, int) or (isinstance(answer, dict) and "error" in answer):
        raise Refused(answer)
    return answer


def download(client, media_id):
    link = told(client.query_media_url(media_id))["url"]
    return Path(told(client.download_media(link, "x/bin", scratch("whatsapp-python")))).read_bytes()


walk(
    "graph",
    connect=connect,
    upload={"path": lambda client, path, mime: told(client.upload_media(path))["id"]},
    url=lambda client, media_id: told(client.query_media_url(media_id))["url"],
    download=download,
    delete=lambda client, media_id: told(client.delete_media(media_id))["success"],
    hears={"wrong type": "400", "too large": "400", "not a jpeg": "400"},
)
