"""What was found: figures with their floors and targets, as a table for people and JSON for programs."""
import dataclasses
import statistics


@dataclasses.dataclass
class Target:
    """A bound on one value: `value` must be at most, or at least, `bound`."""

    value: float
    bound: float
    unit: str
    at_most: bool = True

    @property
    def reached(self):
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def __str__(self):
        return f"{'≤' if self.at_most else '≥'} {number(self.bound)} {self.unit}"


@dataclasses.dataclass
class Figure:
    """One line of the table. `ours` and `floor` hold a value for each round; the medians count."""

    name: str
    unit: str
    ours: list
    floor_name: str = ""
    floor: list = dataclasses.field(default_factory=list)
    targets: list = dataclasses.field(default_factory=list)
    # What else was seen, by name: for instance requests per second, p99.
    also: dict = dataclasses.field(default_factory=dict)

    @property
    def value(self):
        return statistics.median(self.ours)

    @property
    def floor_value(self):
        return statistics.median(self.floor) if self.floor else None

    @property
    def ratio(self):
        return self.value / self.floor_value if self.floor_value else None

    @property
    def reached(self):
        return all(target.reached for target in self.targets) if self.targets else None

    def at_most(self, value, bound, unit):
        self.targets.append(Target(value, bound, unit))
        return self

    def at_least(self, value, bound, unit):
        self.targets.append(Target(value, bound, unit, at_most=False))
        return self

    def as_json(self):
        return {
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "rounds": self.ours,
            "floor": self.floor_name or None,
            "floor_value": self.floor_value,
            "floor_rounds": self.floor,
            "ratio": self.ratio,
            "targets": [{**dataclasses.asdict(it), "reached": it.reached} for it in self.targets],
            "reached": self.reached,
            "also": self.also,
        }


def number(value):
    """Three digits that matter, and thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    return f"{number(min(values))}–{number(max(values))}" if len(values) > 1 else ""


HEADS = ["figure", "measured", "min–max", "floor", "min–max", "ratio", "target", "reached"]


def cells(figure):
    floor = f"{figure.floor_name} {number(figure.floor_value)}" if figure.floor else ""
    return [
        figure.name,
        f"{number(figure.value)} {figure.unit}",
        spread(figure.ours),
        floor,
        spread(figure.floor) if figure.floor else "",
        f"{figure.ratio:.2f} ×" if figure.ratio else "",
        ", ".join(map(str, figure.targets)),
        {True: "yes", False: "NO", None: ""}[figure.reached],
    ]


def table(figures):
    """The table as text. A line under it for what else was seen."""
    rows = [HEADS, *map(cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    line = lambda row: "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
    lines = [line(HEADS), "  ".join("─" * width for width in widths)]
    for figure, row in zip(figures, rows[1:]):
        lines.append(line(row))
        if figure.also:
            seen = ", ".join(f"{name} {number(value) if isinstance(value, (int, float)) else value}" for name, value in figure.also.items())
            lines.append(f"    {seen}")
    return "\n".join(lines)
