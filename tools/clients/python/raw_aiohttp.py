"""aiohttp against 360dialog's routes: chunked bodies where a stream's length is unknown, headers in every part."""

import asyncio
from pathlib import Path

import aiohttp
from steps import HERE, Refused, walk

loop = asyncio.new_event_loop()
now = loop.run_until_complete


async def pieces(path):
    for start in range(0, Path(path).stat().st_size, 1000):
        with open(path, "rb") as file:
            file.seek(start)
            yield file.read(1000)


async def call(key, method, path, **options):
    async with aiohttp.ClientSession(HERE["base"], headers={"D360-API-KEY": key}) as session:
        async with session.request(method, path, **options) as answer:
            body = await answer.read()
            if answer.status >= 400:
                raise Refused(f"{answer.status} {body.decode()}")
            return body if "attachments" in path else await answer.json()


def upload(key, file, path, mime):
    form = aiohttp.FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("file", file, filename=Path(path).name, content_type=mime)
    form.add_field("type", mime)
    return now(call(key, "POST", "/media", data=form))["id"]


def url(key, media_id):
    return now(call(key, "GET", f"/{media_id}"))["url"].replace("https://lookaside.fbsbx.com", "")


walk(
    "d360",
    connect=lambda key: key,
    upload={
        "file object": lambda key, path, mime: upload(key, open(path, "rb"), path, mime),
        "async generator": lambda key, path, mime: upload(key, pieces(path), path, mime),
    },
    url=url,
    download=lambda key, media_id: now(call(key, "GET", url(key, media_id))),
    delete=lambda key, media_id: now(call(key, "DELETE", f"/{media_id}"))["success"],
)
