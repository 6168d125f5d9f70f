"""What must be there before anything is measured: release binaries, and the tools that we do not build."""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOOR_BINARIES = ["http_floor", "disk_floor", "byte_floor", "send", "seed"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def target_folder():
    """Where cargo builds: as it was told, else below the workspace."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def binaries(given):
    """Builds the service, unless one is given, and the floors. Returns the path of each by name."""
    target = target_folder()
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    if not given:
        say("building the service (release) …")
        command = ["cargo", "build", "--release", "--quiet", "--bin", "wamedia"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    say("building the floors (release) …")
    subprocess.run(["cargo", "build", "--release", "--quiet", "--package", "wamedia-floors"], cwd=ROOT / "bench", env=environment, check=True)
    built = {name: target / "release" / name for name in FLOOR_BINARIES}
    built["wamedia"] = pathlib.Path(given).resolve() if given else target / "release" / "wamedia"
    return built


def tool(name, package):
    """Path of a tool, installed by apt where it is missing and we may; None, and a warning, where we may not."""
    # nginx stands where only root's path leads.
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        say(f"installing {package} …")
        # A server that is installed here must not start by itself.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = shutil.which(name, path=path)
    if not found:
        say(f"WARNING: {name} is missing and could not be installed: the figures that need it are NOT MEASURED")
    return found
