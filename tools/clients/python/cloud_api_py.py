"""whatsapp-cloud-api: uploads bytes; its own download writes to a bucket of its author, so requests downloads here."""

from pathlib import Path

import steps
from steps import HERE, Refused, walk

steps.reach_vendor_hosts()
import requests  # noqa: E402
from whatsapp_cloud_api.whatsappcloudapi import WhatsApp  # noqa: E402


def upload(client, path, mime):
    answer = client.upload_media(Path(path).name, Path(path).read_bytes(), mime, return_request=True)
    if "id" not in answer.json():
        raise Refused(answer.text)
    return answer.json()["id"]


def url(client, media_id):
    details = client.get_media_url(media_id, get_all_media_details=True)
    if "url" not in details:
        raise Refused(details)
    return details["url"]


def download(client, media_id):
    headers = {"Authorization": f"Bearer {HERE['token']}"}
    return requests.get(url(client, media_id), headers=headers, timeout=20).content


walk(
    "graph",
    connect=lambda token: WhatsApp(HERE["phone_number_id"], token),
    upload={"bytes": upload},
    url=url,
    download=download,
)
