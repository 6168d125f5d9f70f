"""Uploads: durable ones per second, and megabytes per second of a large one."""
import json
import os
import shutil
import statistics
import subprocess

from .. import load, machine
from ..build import ROOT
from ..report import Figure

PICTURE = ROOT / "testdata" / "samples" / "image" / "rgb.jpg"
AT_ONCE = 32


def floor_run(command, cores):
    said = subprocess.run(machine.pinned(cores, command), capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"{command[0]} failed: {said.stderr}")
    return json.loads(said.stdout)


def upload_100k(bench):
    """Photos of 100 KiB, 32 at once, each durable before its answer; on two cores, which the load shares where there are no others; the floor has them too."""
    content = load.jpeg(100 * load.KIB, PICTURE.read_bytes())
    rates, floor_rates, p99s, cpu = [], [], [], []
    with bench.service("upload_100k", machine.TWO_CORES) as service:
        asked = [load.upload(service.upload_path, content, "image/jpeg", service.headers)]
        bench.wrk.run(service.address, asked, 1, AT_ONCE, machine.BESIDE_TWO)
        for _ in range(bench.rounds):
            folder = bench.fresh("disk_floor")
            os.sync()
            command = [bench.binaries["disk_floor"], folder, len(content), AT_ONCE, bench.seconds]
            floor = floor_run(command, machine.TWO_CORES)
            floor_rates.append(floor["files"] / floor["seconds"])
            shutil.rmtree(folder)
            os.sync()
            before = service.cpu_seconds()
            counted = bench.wrk.run(service.address, asked, bench.seconds, AT_ONCE, machine.BESIDE_TWO)
            if counted["not_2xx"] or counted["broken"]:
                raise SystemExit(f"not every upload was answered well: {counted}")
            rates.append(counted["requests"] / counted["seconds"])
            p99s.append(counted["p99_ms"])
            cpu.append((service.cpu_seconds() - before) / counted["requests"] * 1e6)
    shutil.rmtree(bench.folder / "upload_100k")
    figure = Figure("durable upload 100 KiB, 32 at once", "/s", rates, "disk", floor_rates)
    p99 = statistics.median(p99s)
    figure.also = {"p99 ms": p99, "CPU µs": statistics.median(cpu)}
    yield figure.at_least(figure.ratio, 0.7, "×").at_least(figure.value, 2000, "/s").at_most(p99, 60, "ms p99")


def upload_95m(bench):
    """Documents of 95 MiB, one after another, on the server's core; against the slower of writing and of hashing with sealing."""
    length, each_round = 95 * load.MIB, 1 if bench.quick else 2
    rates, disk, crypto = [], [], []
    speed = lambda seconds: [length / load.MIB / each for each in seconds]
    for _ in range(bench.rounds):
        folder = bench.fresh("disk_floor")
        os.sync()
        floor = floor_run([bench.binaries["disk_floor"], folder, length, "--staged", each_round], machine.SERVER_CORES)
        disk += speed([floor["p50_ms"] / 1000])
        shutil.rmtree(folder)
        crypto += speed(floor_run([bench.binaries["byte_floor"], length, 2], machine.SERVER_CORES))
        with bench.service("upload_95m") as service:
            os.sync()
            command = [bench.binaries["send"], service.address, service.upload_path, service.token, length, each_round]
            rates += speed(floor_run(command, machine.LOAD_CORES))
        bench.fresh("upload_95m")
    slower = min(("disk", disk), ("SHA-256 + AES", crypto), key=lambda it: statistics.median(it[1]))
    figure = Figure("upload 95 MiB", "MiB/s", rates, *slower)
    figure.also = {"disk floor": statistics.median(disk), "byte floor": statistics.median(crypto)}
    yield figure.at_least(figure.ratio, 0.8, "×")
