"""A small application that sends pictures by WhatsApp: what the tests beside it are for.

It knows its client library (heyoo), its address and its credentials, and nothing of the stand-in.
"""

import hashlib
import time
from pathlib import Path

import requests
from heyoo import WhatsApp


class Pictures:
    def __init__(self, base, token, phone_number_id):
        self.client = WhatsApp(token, phone_number_id)
        self.client.base_url = base
        self.client.url = f"{base}/{phone_number_id}/messages"

    def send(self, path, to):
        """Uploads and sends; the id of the media. A refused upload is tried three times."""
        for attempt in range(3):
            time.sleep(0.05 * attempt)
            answer = self._upload(path)
            if answer and "id" in answer:
                self.client.send_image(answer["id"], to, link=False)
                return answer["id"]
        raise RuntimeError(f"WhatsApp did not take {path}: {answer}")

    def _upload(self, path):
        try:
            return self.client.upload_media(str(path))
        except requests.RequestException:
            return None

    def save(self, media_id, sha256, folder):
        """Saves received media once its bytes are those that were announced. The library saves errors, too."""
        for _ in range(3):
            url = self.client.query_media_url(media_id)
            if not url:
                raise LookupError(media_id)
            try:
                saved = self.client.download_media(url, "image/png", str(Path(folder) / media_id))
            except requests.RequestException:
                continue
            if saved and hashlib.sha256(Path(saved).read_bytes()).hexdigest() == sha256:
                return saved
        raise OSError(f"{media_id} did not arrive whole")
