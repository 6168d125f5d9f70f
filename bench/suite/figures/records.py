"""A large catalog: the same questions among 1,000,000 records and among 1,000; and the sweep of many expired ones."""
import json
import os
import random
import shutil
import statistics
import subprocess
import threading
import time
import urllib.request

from .. import load, machine
from ..build import say
from ..contenders import Service
from ..report import Figure
from . import cpu_per_request
from .uploads import AT_ONCE, PICTURE


def seeded(bench, name, live, expired):
    """A data folder with that many records, and ids of live ones. The service has made it and is gone again."""
    data = bench.fresh(name) / "data"
    with Service(bench.binaries["wamedia"], data):
        pass
    say(f"  seeding {live + expired:,} records …")
    said = subprocess.run([bench.binaries["seed"], data, str(live), str(expired)], capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"seed failed: {said.stderr}")
    os.sync()
    return data, json.loads(said.stdout)


def records(bench):
    """retrieve_url and durable uploads among many records and among few, taking turns."""
    many = 100_000 if bench.quick else 1_000_000
    few_data, few_ids = seeded(bench, "few", 1000, 0)
    many_data, many_ids = seeded(bench, "many", many, 0)
    binary, among = bench.binaries["wamedia"], f"among {many:,} records, against 1,000"
    with Service(binary, few_data) as few, Service(binary, many_data) as large:
        ask = lambda service, ids: [load.get(service.retrieve_path(each), service.headers) for each in ids]
        some = random.Random(1).sample(many_ids, 1000)
        asked_few, asked_some, asked_any = ask(few, few_ids), ask(large, some), ask(large, many_ids)
        contenders = {
            "floor": (few, lambda: asked_few),
            "some": (large, lambda: asked_some),
            "any": (large, lambda: asked_any),
        }
        micros, also = cpu_per_request(bench, contenders)
        for which, name in (("some", "1,000 media asked"), ("any", f"{len(many_ids):,} media asked")):
            figure = Figure(f"retrieve_url {among} ({name})", "µs", micros[which], "1,000", micros["floor"], also=also[which])
            yield figure.at_most(figure.ratio, 1.2, "×")
    content = load.jpeg(100 * load.KIB, PICTURE.read_bytes())
    with Service(binary, few_data, machine.TWO_CORES) as few, Service(binary, many_data, machine.TWO_CORES) as large:
        times = {few: [], large: []}
        for each in range(bench.rounds + 1):
            for service in (few, large):
                os.sync()
                asked = [load.upload(service.upload_path, content, "image/jpeg", service.headers)]
                counted = bench.wrk.run(service.address, asked, bench.seconds, AT_ONCE, machine.BESIDE_TWO)
                if counted["not_2xx"] or counted["broken"]:
                    raise SystemExit(f"not every upload was answered well: {counted}")
                if each:  # the first is for warmth
                    times[service].append(counted["seconds"] / counted["requests"] * 1e6)
        figure = Figure(f"upload 100 KiB {among}, time for each", "µs", times[large], "1,000", times[few])
        yield figure.at_most(figure.ratio, 1.2, "×")
    for folder in (few_data.parent, many_data.parent):
        shutil.rmtree(folder)


def sweep(bench):
    """The sweep of expired records with traffic running: its time for each record among ten times as many, and what the traffic felt."""
    small, large = (2_000, 20_000) if bench.quick else (10_000, 100_000)
    times, seen = {}, {}
    for expired in (small, large):
        data, ids = seeded(bench, "sweep", 1000, expired)
        times[expired], seen[expired] = sweep_under_traffic(bench, data, ids, expired)
        shutil.rmtree(data.parent)
    each = {expired: [took / expired * 1e6] for expired, took in times.items()}
    figure = Figure(f"sweep of {large:,} expired, time for each", "µs", each[large], f"of {small:,}", each[small])
    figure.also = {"s": times[large], **seen[large]}
    yield figure.at_most(figure.ratio, 1.2, "×").at_most(figure.also["p99 ms during"], 60, "ms p99 of traffic")


def sweep_under_traffic(bench, data, ids, expired):
    """Starts the service, which sweeps at once, under traffic of nine retrieve_url to one upload."""
    with Service(bench.binaries["wamedia"], data) as service:
        began = time.monotonic()
        asked = [load.get(service.retrieve_path(each), service.headers) for each in random.Random(1).sample(ids, 900)]
        note = load.SERIAL + b" is a note that nobody has sent before\n" * 100
        for at in range(9, 1000, 10):
            asked.insert(at, load.upload(service.upload_path, note, "text/plain", service.headers))
        ended = []
        waiting = threading.Thread(target=lambda: ended.append(wait_until_swept(service, expired)))
        waiting.start()
        during = []
        while waiting.is_alive():
            during.append(bench.wrk.run(service.address, asked, 1, 8))
        waiting.join()
        after = [bench.wrk.run(service.address, asked, 1, 8) for _ in range(max(3, bench.rounds))]
    if not ended or ended[0] is None:
        raise SystemExit(f"{expired} expired records were not swept in time")
    if any(each["not_2xx"] or each["broken"] for each in during + after):
        raise SystemExit("the traffic was not always answered well")
    middle = lambda runs, key: statistics.median(run[key] for run in runs)
    return ended[0] - began, {
        "p99 ms during": max(run["p99_ms"] for run in during),
        "p99 ms without": middle(after, "p99_ms"),
        "requests/s during": middle(during, "requests"),
        "requests/s without": middle(after, "requests"),
    }


def wait_until_swept(service, expired):
    """Asks the metrics until the sweep says that it is over; when that was."""
    for _ in range(6000):
        with urllib.request.urlopen(service.admin + "/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("wamedia_swept_total") and "expired" in line and float(line.split()[-1]) >= expired:
                    return time.monotonic()
        time.sleep(0.1)
    return None
