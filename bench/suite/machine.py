"""The machine: which core is whose, what a process has cost, and the facts that go beside every figure. Linux only."""
import datetime
import os
import pathlib
import platform
import resource
import subprocess
import time

CORES = sorted(os.sched_getaffinity(0))
# One core for whoever serves, the others for whoever asks. On a single core they share it, and the report says so.
SERVER_CORES = {CORES[0]}
LOAD_CORES = set(CORES[1:]) or {CORES[0]}
ALL_CORES = set(CORES)
# For what is promised of two cores. Where there are no more, the load shares them.
TWO_CORES = set(CORES[:2])
BESIDE_TWO = set(CORES[2:]) or ALL_CORES


def pinned(cores, command):
    """The command, to run on these cores with all that it starts. taskset becomes the command, so the process id stays."""
    return ["taskset", "-c", ",".join(map(str, sorted(cores))), *map(str, command)]


def cpu_seconds(pid):
    """What all threads of a process have cost so far, ended ones included: user and system, in nanosecond steps.

    The clock id of another process is (~pid << 3) | 2 (CPUCLOCK_SCHED), as `clock_getcpuclockid` makes it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def children(pid):
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def memory_kib(pid, key):
    """`VmRSS` (now) or `VmHWM` (at its peak) of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise SystemExit(f"no {key} for process {pid}")


def forget_peak(pid):
    """Lets `VmHWM` begin again at `VmRSS`."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def raise_open_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def file_system(folder):
    """Type and device of the file system that a folder is on."""
    best = ("", "unknown", "unknown")
    here = os.path.realpath(folder)
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        device, at, kind = line.split()[:3]
        inside = here == at or here.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best[0]):
            best = (at, kind, device)
    return {"type": best[1], "device": best[2]}


def facts(folder, root):
    cpu = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True)
    return {
        "cores": len(CORES),
        "cpu": cpu,
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "disk": file_system(folder),
        "load_average_before": os.getloadavg()[0],
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or "unknown",
    }
