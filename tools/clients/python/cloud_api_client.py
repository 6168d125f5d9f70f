"""whatsapp-cloud-api-client: it knows no download and no delete.

Its own session labels every body as JSON, the form of an upload too, which no server can read; so it gets a session
by its `http_client` option, which sets the address as well.
"""

import httpx
from steps import HERE, walk
from whatsapp_cloud_api import WhatsAppClient

walk(
    "graph",
    connect=lambda token: WhatsAppClient(
        access_token=token,
        phone_number_id=HERE["phone_number_id"],
        http_client=httpx.Client(
            base_url=f"{HERE['base']}/v22.0", headers={"Authorization": f"Bearer {token}"}, timeout=20
        ),
    ),
    upload={"path": lambda client, path, mime: client.upload_media(file_path=path, mime_type=mime).id},
    url=lambda client, media_id: client.get_media(media_id=media_id).url,
)
