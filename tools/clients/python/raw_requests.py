"""requests, as 360dialog's examples use it: link host replaced, path and query kept byte for byte."""

import sys
from pathlib import Path

import requests
from steps import HERE, Refused, walk

dialect = sys.argv[1]
graph = dialect == "graph"
ROOT = f"{HERE['base']}/v23.0" if graph else HERE["base"]
UPLOADS = f"{ROOT}/{HERE['phone_number_id']}/media" if graph else f"{ROOT}/media"


def connect(credential):
    session = requests.Session()
    session.headers.update(
        {"Authorization": f"Bearer {credential}"} if graph else {"D360-API-KEY": credential}
    )
    return session


def checked(answer):
    if not answer.ok:
        raise Refused(f"{answer.status_code} {answer.text}")
    return answer


def upload(session, file, path, mime):
    form = {"messaging_product": "whatsapp", "type": mime}
    files = {"file": (Path(path).name, file, mime)}
    return checked(session.post(UPLOADS, data=form, files=files, timeout=60)).json()["id"]


def url(session, media_id):
    link = checked(session.get(f"{ROOT}/{media_id}", timeout=20)).json()["url"]
    return link.replace("https://lookaside.fbsbx.com", HERE["base"])


walk(
    dialect,
    connect=connect,
    upload={
        "file object": lambda session, path, mime: upload(session, open(path, "rb"), path, mime),
        "bytes": lambda session, path, mime: upload(session, Path(path).read_bytes(), path, mime),
    },
    url=url,
    download=lambda session, media_id: checked(session.get(url(session, media_id), timeout=20)).content,
    delete=lambda session, media_id: checked(session.delete(f"{ROOT}/{media_id}", timeout=20)).json()[
        "success"
    ],
)
