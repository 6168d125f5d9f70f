"""Goodput: answers of the good kind per second at the load that suits best, and at ten times as much.

The load repeats at once whatever was refused and pays no heed to Retry-After: the worst of clients.
"""
import os
import statistics

from .. import load
from ..contenders import HttpFloor
from ..report import Figure
from .uploads import PICTURE

RETRIEVE_AT_ONCE = [32, 128, 512]
UPLOAD_AT_ONCE = [64, 256]
# The first answers to thousands of uploads at once take seconds; what comes after them is what counts. Every load has as
# long: a machine that becomes slower as it writes does so to all of them alike.
SECONDS = 4


def goodput_of(bench, service, asked, connections):
    """Good answers per second, refusals per second and the 99th percentile."""
    os.sync()
    seconds = max(SECONDS, bench.seconds)
    counted = bench.wrk.run(service.address, asked, seconds, connections)
    good = counted["requests"] - counted["not_2xx"]
    return good / counted["seconds"], counted["not_2xx"] / counted["seconds"], counted["p99_ms"]


def figure_of(bench, name, service, asked, at_once, bare=None):
    """The best of several loads that are borne, against ten times the largest of them, which is more than the limits let in.

    Each round goes through the loads and back again, for the same reason as above. `bare`, asked as much, shows how much of the loss is the load's own.
    """
    most = at_once[-1] * 10
    bare_good = {at_once[1]: [], most: []}
    good = {connections: [] for connections in [*at_once, most]}
    refused, p99 = [], []
    goodput_of(bench, service, asked, at_once[0])
    # Two are enough to fill twenty gigabytes where a disk takes what we offer.
    for _ in range(min(2, bench.rounds)):
        there_and_back = {connections: [] for connections in good}
        for connections in [*good, *reversed(good)]:
            rate, said_no, slowest = goodput_of(bench, service, asked, connections)
            there_and_back[connections].append(rate)
            if connections == most:
                refused.append(said_no)
                p99.append(slowest)
        for connections, rates in there_and_back.items():
            good[connections].append(statistics.mean(rates))
        for connections, rates in bare_good.items() if bare else ():
            rates.append(goodput_of(bench, bare, [load.get("/", {})], connections)[0])
    best = max((good[connections] for connections in at_once), key=statistics.median)
    over = good[most]
    also = {"connections": most, "refused/s": sum(refused) / len(refused), "p99 ms": max(p99)}
    if bare:
        also["bare hyper's own ratio"] = statistics.median(bare_good[most]) / statistics.median(bare_good[at_once[1]])
    figure = Figure(f"goodput at ten times the load, {name}", "/s", over, "best", best, also=also)
    return figure.at_least(figure.ratio, 0.9, "×")


def goodput(bench):
    """retrieve_url, and uploads of 100 KiB."""
    with bench.service("goodput") as service, HttpFloor(bench.binaries["http_floor"]) as bare:
        ids = [service.upload(load.pdf(load.KIB, each), "application/pdf") for each in range(256)]
        asked = [load.get(service.retrieve_path(each), service.headers) for each in ids]
        yield figure_of(bench, "retrieve_url", service, asked, RETRIEVE_AT_ONCE, bare)
        content = load.jpeg(100 * load.KIB, PICTURE.read_bytes())
        asked = [load.upload(service.upload_path, content, "image/jpeg", service.headers)]
        yield figure_of(bench, "upload 100 KiB", service, asked, UPLOAD_AT_ONCE)
