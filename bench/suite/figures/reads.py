"""CPU per request of what is asked most: retrieve_url, downloads, a range. Server on one core, load on the others."""
import http.client
import itertools
import random
import threading

from .. import load
from ..contenders import BOUNDARY, HttpFloor, Nginx, form
from ..report import Figure
from . import cpu_per_request

# Different media, so that no figure is that of a single hot record.
SMALL_FILES, LARGE_FILES = 256, 32
# A service that is asked is also uploaded to; whatever it remembers of the catalog must live with that.
UPLOADS_BESIDE = 50


def retrieve_url(bench):
    """retrieve_url of many media against 300 bytes of JSON from bare hyper: alone, and while uploads change the catalog."""
    with bench.service("retrieve_url") as service, HttpFloor(bench.binaries["http_floor"]) as floor:
        ids = [service.upload(load.pdf(load.KIB, each), "application/pdf") for each in range(SMALL_FILES)]
        asked = [load.get(service.retrieve_path(each), service.headers) for each in ids]
        contenders = {"floor": (floor, lambda: asked), "ours": (service, lambda: asked)}
        alone = cpu_per_request(bench, contenders)
        with Uploading(service, UPLOADS_BESIDE):
            beside = cpu_per_request(bench, contenders)
    figure = figure_of("retrieve_url, CPU per request", *alone)
    yield figure.at_most(figure.ratio, 1.6, "×").at_most(figure.value, 20, "µs")
    yield figure_of(f"retrieve_url beside {UPLOADS_BESIDE} uploads a second, CPU of both", *beside)


def figure_of(name, micros, also):
    figure = Figure(name, "µs", micros["ours"], "bare hyper", micros["floor"], also=also["ours"])
    figure.also["floor's requests/s"] = also["floor"]["requests/s"]
    return figure


class Uploading:
    """Small uploads at a steady pace, on one connection, for as long as the `with` block lasts."""

    def __init__(self, service, per_second):
        self.service, self.per_second, self.ended = service, per_second, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        connection = http.client.HTTPConnection(self.service.address, timeout=30)
        headers = {**self.service.headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        for each in itertools.count():
            if self.ended.wait(1 / self.per_second):
                connection.close()
                return
            connection.request("POST", self.service.upload_path, form(load.pdf(load.KIB, f"beside {each}"), "application/pdf"), headers)
            connection.getresponse().read()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def downloads_of(service, length, files):
    """Uploads files, and gives what asks for them: with fresh links each time."""
    ids = [service.upload(load.pdf(length, each), "application/pdf") for each in range(files)]

    def requests():
        return [load.get(service.download_path(each), service.headers) for each in ids]

    return requests


def download_16k(bench):
    """Download of 16 KiB, decrypted and verified, against 300 bytes of JSON from bare hyper."""
    with bench.service("download_16k") as service, HttpFloor(bench.binaries["http_floor"]) as floor:
        requests = downloads_of(service, 16 * load.KIB, SMALL_FILES)
        asked = requests()
        micros, also = cpu_per_request(bench, {"floor": (floor, lambda: asked), "ours": (service, requests)})
    figure = Figure("download 16 KiB, CPU per request", "µs", micros["ours"], "bare hyper", micros["floor"], also=also["ours"])
    yield figure.at_most(figure.ratio, 2, "×")


def download_1m(bench):
    """Download of 1 MiB, decrypted and verified, against nginx sending the same bytes plain."""
    if not bench.nginx:
        return
    files = {str(each): load.pdf(load.MIB, each) for each in range(LARGE_FILES)}
    with bench.service("download_1m") as service, Nginx(bench.nginx, bench.fresh("nginx"), files) as floor:
        requests = downloads_of(service, load.MIB, LARGE_FILES)
        plain = [load.get(f"/{name}", {}) for name in files]
        micros, also = cpu_per_request(bench, {"floor": (floor, lambda: plain), "ours": (service, requests)}, connections=8)
    figure = Figure("download 1 MiB, CPU per request", "µs", micros["ours"], "nginx plain", micros["floor"], also=also["ours"])
    yield figure.at_most(figure.ratio, 2, "×").at_most(figure.value, 550, "µs")


def range_1k(bench):
    """A range of 1 KiB anywhere in 95 MiB, against a download of 16 KiB from the same service."""
    with bench.service("range_1k") as service:
        small = downloads_of(service, 16 * load.KIB, SMALL_FILES)
        length = 95 * load.MIB
        large = service.upload(load.pdf(length, 1), "application/pdf")

        def ranges():
            path, chance = service.download_path(large), random.Random(1)
            starts = [chance.randrange(length - load.KIB) for _ in range(SMALL_FILES)]
            of = lambda start: {**service.headers, "Range": f"bytes={start}-{start + load.KIB - 1}"}
            return [load.get(path, of(start)) for start in starts]

        micros, also = cpu_per_request(bench, {"floor": (service, small), "ours": (service, ranges)})
    figure = Figure("range of 1 KiB in 95 MiB, CPU per request", "µs", micros["ours"], "our 16 KiB", micros["floor"], also=also["ours"])
    yield figure.at_most(figure.ratio, 1.5, "×")
