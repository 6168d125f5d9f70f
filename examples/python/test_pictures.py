"""The application against the stand-in: the good way, and every way that hurts."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

CUSTOMER = "51999888777"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_picture_is_uploaded_once_and_sent(world, pictures, photo):
    media_id = pictures.send(photo, CUSTOMER)
    [upload] = world.expect(action="upload", count=1, outcome="ok")
    assert (upload["media_id"], upload["declared"], upload["found"]) == (media_id, "image/png", "image/png")
    [message] = world.messages()
    assert (message["type"], message["media_id"], message["to"]) == ("image", media_id, CUSTOMER)


def test_an_upload_is_tried_again_after_an_error_of_the_service(world, pictures, photo):
    world.arm(action="upload", next=2, error="internal")
    pictures.send(photo, CUSTOMER)
    assert [entry["status"] for entry in world.expect(action="upload", count=3)] == [500, 500, 200]


def test_an_upload_whose_answer_is_lost_is_made_twice(world, pictures, photo):
    """What a cut connection costs: the first file was kept, and nobody knows its id."""
    world.arm(action="upload", cut=4)
    pictures.send(photo, CUSTOMER)
    assert len(world.media()) == 2


def test_a_refused_file_is_told_with_its_reason(world, pictures, tmp_path):
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"this is no picture")
    with pytest.raises(RuntimeError):
        pictures.send(fake, CUSTOMER)
    assert world.expect(action="upload", outcome="rejected", at_least=1)[0]["declared"] == "image/jpeg"


@pytest.mark.parametrize("fault", [{"flip": 100}, {"cut": 1000}, {"status": 502}, {"error": "expired_link"}])
def test_a_damaged_download_is_made_again(world, pictures, photo, tmp_path, fault):
    media_id = pictures.send(photo, CUSTOMER)
    world.arm(action="download", **fault)
    saved = pictures.save(media_id, sha256(photo), tmp_path)
    assert open(saved, "rb").read() == photo.read_bytes()
    world.expect(action="download", count=2)


def test_media_is_gone_thirty_days_after_its_last_use(stand_in, world, pictures, photo, tmp_path):
    media_id = pictures.send(photo, CUSTOMER)
    stand_in.advance("29d")
    pictures.save(media_id, sha256(photo), tmp_path)
    stand_in.advance("29d")
    pictures.save(media_id, sha256(photo), tmp_path)
    stand_in.advance("31d")
    with pytest.raises(LookupError):
        pictures.save(media_id, sha256(photo), tmp_path)


def test_a_customers_picture_arrives_by_a_signed_webhook(world, pictures, photo, tmp_path):
    received = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            expected = "sha256=" + hmac.new(b"app secret", body, hashlib.sha256).hexdigest()
            assert hmac.compare_digest(self.headers["X-Hub-Signature-256"], expected)
            received.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
    endpoint.timeout = 10
    serving = threading.Thread(target=endpoint.handle_request)
    serving.start()
    world.subscribe(f"http://127.0.0.1:{endpoint.server_port}/webhook", "app secret")
    world.receive(photo.read_bytes(), CUSTOMER, caption="for you", type="image/png")
    serving.join()
    endpoint.server_close()

    [message] = received[0]["entry"][0]["changes"][0]["value"]["messages"]
    assert (message["from"], message["image"]["caption"]) == (CUSTOMER, "for you")
    saved = pictures.save(message["image"]["id"], sha256(photo), tmp_path)
    assert open(saved, "rb").read() == photo.read_bytes()
