"""Resident memory: idle, with ten thousand connections, at the peak of many uploads; and how long a start takes."""
import socket
import statistics
import subprocess
import threading
import time

from .. import load, machine
from ..contenders import BOUNDARY, HttpFloor, Service, form
from ..report import Figure

CONNECTIONS = 10_000
MB = 1000 * 1000 / 1024  # in KiB
# The service has come to rest this long after its start: the first sweep is over.
REST = 1.0


def start(bench):
    """From the call that starts the process to its line that it accepts connections: on a first start, and on a data folder that exists."""
    firsts, agains, floor = [], [], []
    for each in range(max(5, bench.rounds)):
        data = bench.fresh("start") / "data"
        for times in (firsts, agains):
            with Service(bench.binaries["wamedia"], data, cores=None) as service:
                times.append(service.start_ms)
        began = time.perf_counter()
        subprocess.run(["/bin/true"], stdout=subprocess.PIPE)
        floor.append((time.perf_counter() - began) * 1000)
    for name, times in (("start to ready, existing data", agains), ("start to ready, first start", firsts)):
        figure = Figure(name, "ms", times, "/bin/true", floor)
        yield figure.at_most(figure.value, 30, "ms")


def idle(bench):
    """Resident memory of a service that nobody has asked anything, and of bare hyper."""
    ours, floor = [], []
    for _ in range(3):
        with bench.service("idle", machine.ALL_CORES) as service:
            time.sleep(REST)
            ours.append(machine.memory_kib(service.pid, "VmRSS") / MB)
        with HttpFloor(bench.binaries["http_floor"], machine.ALL_CORES) as bare:
            floor.append(machine.memory_kib(bare.pid, "VmRSS") / MB)
    figure = Figure("idle memory", "MB", ours, "bare hyper", floor)
    yield figure.at_most(figure.value, 15, "MB")


def connections(bench):
    """Resident memory with 10,000 connections that have each asked once and now rest."""
    allowed = machine.raise_open_files()
    if allowed < CONNECTIONS + 200:
        raise SystemExit(f"only {allowed} open files are allowed (ulimit -Hn): {CONNECTIONS} connections cannot be opened")
    with bench.service("connections", machine.ALL_CORES) as service:
        media = service.upload(load.pdf(load.KIB, 1), "application/pdf")
        ours = hold(service, load.get(service.retrieve_path(media), service.headers))
    with HttpFloor(bench.binaries["http_floor"], machine.ALL_CORES) as bare:
        floor = hold(bare, load.get("/", {}))
    figure = Figure("memory with 10,000 idle connections", "MB", [ours / MB], "bare hyper", [floor / MB])
    yield figure.at_most(figure.value, 90, "MB")


def hold(process, asked):
    host, port = process.address.split(":")
    held = []
    try:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection((host, int(port)), timeout=30)
            held.append(connection)
            connection.sendall(asked)
            if b" 200 " not in connection.recv(65536).split(b"\r\n", 1)[0]:
                raise SystemExit(f"connection {len(held)} was not answered well")
        return machine.memory_kib(process.pid, "VmRSS")
    finally:
        for connection in held:
            connection.close()


def peak(bench, uploads, mib, bound):
    """Peak over idle while so many uploads of a size are under way at once, none ahead of the others."""
    over, idles, seconds = [], [], []
    for _ in range(1 if bench.quick else 3):
        with bench.service("memory", machine.ALL_CORES) as service:
            time.sleep(REST)
            at_rest = machine.memory_kib(service.pid, "VmRSS")
            machine.forget_peak(service.pid)
            seconds.append(upload_together(service, uploads, mib))
            over.append((machine.memory_kib(service.pid, "VmHWM") - at_rest) / 1024)
            idles.append(at_rest / 1024)
        bench.fresh("memory")
    also = {"idle MiB": statistics.median(idles), "sent MiB": uploads * mib, "s": statistics.median(seconds)}
    figure = Figure(f"peak over idle, {uploads} uploads of {mib} MiB", "MiB", over, also=also)
    yield figure.at_most(figure.value, bound, "MiB")


def memory_10(bench):
    """Ten uploads of 95 MiB at once."""
    return peak(bench, 10, 95, 32)


def memory_200(bench):
    """Two hundred uploads of 16 MiB at once."""
    return peak(bench, 200, 16, 64)


def upload_together(service, uploads, mib):
    """Opens all uploads and sends them in step; the seconds that they took."""
    step, wrong = threading.Barrier(uploads, timeout=120), []
    content = load.pdf(mib * load.MIB, 1)
    threads = [threading.Thread(target=upload_in_step, args=(service, content, each, step, wrong)) for each in range(uploads)]
    began = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if wrong:
        raise SystemExit(f"{len(wrong)} of {uploads} uploads were not answered well: {wrong[0]}")
    return time.monotonic() - began


def upload_in_step(service, content, each, step, wrong):
    try:
        # The document's comment names the upload: no two are the same bytes.
        mine = memoryview(content)
        first = content[:9] + f"%upload {each:06d}".encode()
        whole = len(form(b"", "application/pdf"))
        frame = form(b"@", "application/pdf").split(b"@")
        head = (
            f"POST {service.upload_path} HTTP/1.1\r\nHost: {service.address}\r\nAuthorization: Bearer {service.token}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {whole + len(content)}\r\n\r\n"
        )
        host, port = service.address.split(":")
        with socket.create_connection((host, int(port)), timeout=120) as connection:
            connection.sendall(head.encode() + frame[0] + first)
            piece = len(content) // 32
            for at in range(len(first), len(content), piece):
                step.wait()  # nobody runs ahead: all are under way at once
                connection.sendall(mine[at : at + piece])
            connection.sendall(frame[1])
            answer = connection.recv(65536)
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            wrong.append(answer[:300])
    except (OSError, threading.BrokenBarrierError) as error:
        step.abort()
        wrong.append(repr(error))
