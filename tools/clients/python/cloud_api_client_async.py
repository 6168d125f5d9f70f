"""whatsapp-cloud-api-client's AsyncWhatsAppClient, with a session of its own as in cloud_api_client.py."""

import asyncio

import httpx
from steps import HERE, walk
from whatsapp_cloud_api import AsyncWhatsAppClient

now = asyncio.new_event_loop().run_until_complete

walk(
    "graph",
    connect=lambda token: AsyncWhatsAppClient(
        access_token=token,
        phone_number_id=HERE["phone_number_id"],
        http_client=httpx.AsyncClient(
            base_url=f"{HERE['base']}/v22.0", headers={"Authorization": f"Bearer {token}"}, timeout=20
        ),
    ),
    upload={"path": lambda client, path, mime: now(client.upload_media(file_path=path, mime_type=mime)).id},
    url=lambda client, media_id: now(client.get_media(media_id=media_id)).url,
)
