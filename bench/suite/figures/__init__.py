"""The figures. Each is a function that takes a `Bench` and returns one or more `Figure`; its name is what `--only` takes."""
import dataclasses
import pathlib
import shutil
import statistics

from .. import machine
from ..contenders import Service


@dataclasses.dataclass
class Bench:
    """What every figure is given."""

    binaries: dict
    folder: pathlib.Path
    rounds: int
    seconds: int
    quick: bool
    wrk: object
    nginx: str

    def fresh(self, name):
        """An empty folder on the disk that is measured."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def service(self, name, cores=machine.SERVER_CORES, config=""):
        """A service on an empty data folder."""
        return Service(self.binaries["wamedia"], self.fresh(name) / "data", cores, config)


def cpu_per_request(bench, contenders, connections=32):
    """Loads each contender in turn, round after round; microseconds of its CPU for each request it answered, and what else was seen.

    `contenders` holds, by name, the process and a function that makes the requests for a round (links die after 300 seconds).
    """
    micros = {name: [] for name in contenders}
    rates, p99 = {name: [] for name in contenders}, {name: [] for name in contenders}
    for name, (process, requests) in contenders.items():
        bench.wrk.run(process.address, requests(), 1, connections)
    for _ in range(bench.rounds):
        for name, (process, requests) in contenders.items():
            asked = requests()
            before = process.cpu_seconds()
            counted = bench.wrk.run(process.address, asked, bench.seconds, connections)
            spent = process.cpu_seconds() - before
            if counted["not_2xx"] or counted["broken"]:
                raise SystemExit(f"{name}: not every request was answered well: {counted}")
            micros[name].append(spent / counted["requests"] * 1e6)
            rates[name].append(counted["requests"] / counted["seconds"])
            p99[name].append(counted["p99_ms"])
    also = {name: {"requests/s": statistics.median(rates[name]), "p99 ms": statistics.median(p99[name])} for name in contenders}
    return micros, also
