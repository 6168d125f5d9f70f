"""wa-cloud-py: downloads only; `base_url` is a plain attribute."""

import glob
import os

from steps import HERE, Refused, scratch, upload_with_requests, walk
from wa_cloud_py import WhatsApp


def connect(token):
    client = WhatsApp(access_token=token, phone_number_id=HERE["phone_number_id"], verbose=False)
    client.base_url = f"{HERE['base']}/v21.0"
    return client


def download(client, media_id):
    folder = os.path.dirname(scratch("unused"))
    done, answer = client.download_media(media_id, "media", folder)
    if not done:
        raise Refused(answer)
    (saved,) = glob.glob(f"{folder}/media*")
    with open(saved, "rb") as file:
        return file.read()


walk("graph", connect=connect, foreign=upload_with_requests, download=download)
