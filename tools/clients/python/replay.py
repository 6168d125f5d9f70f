"""Libraries of other ecosystems, byte for byte: heads in their order, parts in their layout.

For those whose registry or runtime is seldom at hand. Each row tells where its layout is from.
"""

import json
import socket
import sys
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from steps import HERE, Refused, walk

HOST = HERE["base"].split("//")[1]


@dataclass(frozen=True)
class Wire:
    """How one library speaks. {boundary}, {mime}, {name}, {bytes} and {credential} are filled in."""

    dialect: str
    version: str
    heads: str
    upload_heads: str
    boundary: str
    parts: tuple
    closing: str = "--{boundary}--\r\n"
    get_heads: str = ""


WIRES = {
    # Recorded from netflie/whatsapp-cloud-api 4.0.0 on Guzzle 7.4.5.
    "netflie": Wire(
        dialect="graph",
        version="/v19.0",
        heads="Host: {host}\r\nUser-Agent: GuzzleHttp/7\r\nAuthorization: Bearer {credential}\r\n",
        upload_heads="Content-Type: multipart/form-data; boundary={boundary}\r\n",
        boundary="dddb438f4036d40d216e161673c67f5beb3607db",
        parts=(
            'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Length: {bytes}\r\nContent-Type: {mime}\r\n\r\n{file}",
            'Content-Disposition: form-data; name="type"\r\nContent-Length: {mime_length}\r\n\r\n{mime}',
            'Content-Disposition: form-data; name="messaging_product"\r\nContent-Length: 8\r\n\r\nwhatsapp',
        ),
    ),
    # Recorded from onetech/whatsapp-360-dialog-sdk 2.0.2 on Guzzle 7.4.5; it gets a URL's path and query only.
    "onetech-360dialog": Wire(
        dialect="d360",
        version="",
        heads="Host: {host}\r\nD360-API-KEY: {credential}\r\nUser-Agent: GuzzleHttp/7\r\n",
        upload_heads="Content-Type: multipart/form-data; boundary={boundary}\r\n",
        boundary="3b55fc9dbd10f00460f80620fec211608c8d7d84",
        parts=(
            'Content-Disposition: form-data; name="messaging_product"\r\nContent-Length: 8\r\n\r\nwhatsapp',
            'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Length: {bytes}\r\nContent-Type: {mime}\r\n\r\n{file}",
        ),
    ),
    # WABA360Dialog.NET (MultipartFormDataContent of .NET): quoted boundary, names without quotes, filename* beside it.
    "WABA360Dialog.NET": Wire(
        dialect="d360",
        version="",
        heads="Host: {host}\r\nD360-API-KEY: {credential}\r\n",
        upload_heads='Content-Type: multipart/form-data; boundary="{boundary}"\r\n',
        boundary="6a1d0f1c-4c7e-4a5e-9d0b-9f6f0a1b2c3d",
        parts=(
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Disposition: form-data; name=messaging_product\r\n\r\nwhatsapp",
            "Content-Type: {mime}\r\n"
            "Content-Disposition: form-data; name=file; filename={name}; filename*=utf-8''{name}\r\n\r\n{file}",
        ),
        get_heads="User-Agent: Mozilla/5.0\r\n",
    ),
    # whatsapp-business-java-api (Retrofit on OkHttp): a length in every part, the file first, no `type`.
    "whatsapp-business-java-api": Wire(
        dialect="graph",
        version="/v20.0",
        heads="Authorization: Bearer {credential}\r\nHost: {host}\r\nConnection: Keep-Alive\r\n"
        "Accept-Encoding: gzip\r\nUser-Agent: okhttp/4.10.0\r\n",
        upload_heads="Content-Type: multipart/form-data; boundary={boundary}\r\n",
        boundary="b3f1a0a2-8f0e-4c5b-8d7e-0f1e2d3c4b5a",
        parts=(
            'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: {mime}\r\nContent-Length: {bytes}\r\n\r\n{file}",
            'Content-Disposition: form-data; name="messaging_product"\r\nContent-Length: 8\r\n\r\nwhatsapp',
        ),
    ),
    # ruby_whatsapp_sdk (Faraday on multipart-post; Net::HTTP downloads with a Content-Type on its GET).
    "ruby_whatsapp_sdk": Wire(
        dialect="graph",
        version="/v24.0",
        heads="User-Agent: Faraday v2.9.0\r\nAuthorization: Bearer {credential}\r\n"
        "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nAccept: */*\r\n"
        "Connection: close\r\nHost: {host}\r\n",
        upload_heads="Content-Type: multipart/form-data; boundary={boundary}\r\n",
        boundary="-----------RubyMultipartPost-0b0a9c6f7d3e4b21",
        parts=(
            'Content-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp',
            'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Length: {bytes}\r\n'
            "Content-Type: {mime}\r\nContent-Transfer-Encoding: binary\r\n\r\n{file}",
            'Content-Disposition: form-data; name="type"\r\n\r\n{mime}',
        ),
        closing="--{boundary}--\r\n\r\n",
        get_heads="Content-Type: image/jpeg\r\n",
    ),
    # dio of Dart: lower-case names everywhere.
    "dio": Wire(
        dialect="graph",
        version="/v23.0",
        heads="user-agent: Dart/3.4 (dart:io)\r\naccept-encoding: gzip\r\n"
        "authorization: Bearer {credential}\r\nhost: {host}\r\n",
        upload_heads="content-type: multipart/form-data; boundary={boundary}\r\n",
        boundary="--dio-boundary-0912837465",
        parts=(
            'content-disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp',
            'content-disposition: form-data; name="type"\r\n\r\n{mime}',
            'content-disposition: form-data; name="file"; filename="{name}"\r\ncontent-type: {mime}\r\n\r\n{file}',
        ),
    ),
}

wire = WIRES[sys.argv[1]]


def call(credential, method, target, heads="", body=b""):
    """One request on its own connection; the answer is read even where it comes before the body is through."""
    fill = wire.heads.format(host=HOST, credential=credential)
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    name, port = HOST.split(":")
    with socket.create_connection((name, int(port)), timeout=60) as connection:
        try:
            connection.sendall(f"{method} {target} HTTP/1.1\r\n{fill}{heads}{length}\r\n".encode() + body)
        except ConnectionError:
            pass
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        told = answer.read()
    if answer.status != 200:
        raise Refused(f"{answer.status} {told.decode(errors='replace')}")
    return told


def upload(credential, path, mime):
    content = Path(path).read_bytes()
    facts = {
        "boundary": wire.boundary,
        "mime": mime,
        "mime_length": len(mime),
        "name": Path(path).name,
        "bytes": len(content),
    }
    body = b""
    for part in wire.parts:
        before, _, after = part.partition("{file}")
        file = content if "{file}" in part else b""
        body += f"--{wire.boundary}\r\n{before.format(**facts)}".encode() + file + after.encode() + b"\r\n"
    body += wire.closing.format(**facts).encode()
    number = f"/{HERE['phone_number_id']}" if wire.dialect == "graph" else ""
    heads = wire.upload_heads.format(**facts)
    return json.loads(call(credential, "POST", f"{wire.version}{number}/media", heads, body))["id"]


def url(credential, media_id):
    return json.loads(call(credential, "GET", f"{wire.version}/{media_id}"))["url"]


def download(credential, media_id):
    target = url(credential, media_id).split("/", 3)[3]
    return call(credential, "GET", f"/{target}", wire.get_heads)


walk(
    wire.dialect,
    connect=lambda credential: credential,
    upload={"recorded form": upload},
    url=url,
    download=download,
    delete=lambda credential, media_id: json.loads(call(credential, "DELETE", f"{wire.version}/{media_id}"))[
        "success"
    ],
)
