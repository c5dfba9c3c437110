"""A bench's table: on the terminal for people, as JSON for comparing later."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table as RichTable

from bench.measure import ROOT, Sample

FILE_COLUMNS = 140
"""Width of a table that is not printed on a terminal, which would have its own."""

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Target:
    """What the median of a sample must reach."""

    sign: Literal["≤", "≥"]
    value: float

    def reached_by(self, sample: Sample) -> bool:
        if self.sign == "≤":
            return sample.median <= self.value
        return sample.median >= self.value


def at_most(value: float) -> Target:
    return Target("≤", value)


def at_least(value: float) -> Target:
    return Target("≥", value)


@dataclass(frozen=True)
class Row:
    """One figure. `beside` says what it stands beside, or why there is none."""

    work: str
    figure: Sample | bool | None
    target: Target | None = None
    beside: str = ""

    @property
    def reached(self) -> bool | None:
        """None where nothing is demanded; a figure that is a bool must be true."""
        if isinstance(self.figure, bool):
            return self.figure
        if self.figure is None or self.target is None:
            return None
        return self.target.reached_by(self.figure)

    def as_json(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"work": self.work, "beside": self.beside, "reached": self.reached}
        if isinstance(self.figure, Sample):
            entry |= {
                "unit": self.figure.unit,
                "median": self.figure.median,
                "min": self.figure.low,
                "max": self.figure.high,
                "values": list(self.figure.values),
            }
        elif self.figure is not None:
            entry["true"] = self.figure
        if self.target:
            entry["must_reach"] = f"{self.target.sign} {self.target.value:g}"
        return entry


@dataclass
class Table:
    """Rows in sections, under the question they answer."""

    question: str
    sections: list[list[Row]] = field(default_factory=list)

    def add(self, *rows: Row) -> None:
        """A new section."""
        self.sections.append(list(rows))


def show(table: Table, machine: Mapping[str, Any]) -> None:
    """Print the table, and under it what it was measured on."""
    grid = RichTable(title=table.question, title_justify="left", title_style="bold")
    grid.add_column("work", overflow="fold", ratio=3)
    for heading in ("median", "min – max", "must reach", "reached"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("beside", overflow="fold", ratio=2)
    for section in table.sections:
        for row in section:
            grid.add_row(*_cells(row))
        grid.add_section()
    console = Console(width=None if sys.stdout.isatty() else FILE_COLUMNS)
    console.print(grid)
    memory_gib = machine["memory_bytes"] / 2**30
    console.print(
        f"{machine['cores']} × {machine['cpu']}, {memory_gib:.1f} GiB, Linux {machine['kernel']}, "
        f"Node {machine['node']}, Python {machine['python']}, wasmtime {machine['wasmtime']}, "
        f"{machine['date']}, load average before the run {machine['load_average']}\n",
        style="dim",
        highlight=False,
    )


def keep(name: str, table: Table, machine: Mapping[str, Any]) -> None:
    """Write everything measured to `bench/results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    rows = [row.as_json() for section in table.sections for row in section]
    result = {"bench": name, "question": table.question, "machine": dict(machine), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _cells(row: Row) -> tuple[str, ...]:
    reached = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.reached]
    if isinstance(row.figure, bool):
        return row.work, str(row.figure).lower(), "", "true", reached, row.beside
    if row.figure is None:
        return row.work, "–", "", "", reached, row.beside
    unit = row.figure.unit
    target = f"{row.target.sign} {row.target.value:g} {unit}" if row.target else ""
    spread = f"{_number(row.figure.low)} – {_number(row.figure.high)}"
    return row.work, f"{_number(row.figure.median)} {unit}", spread, target, reached, row.beside


def _number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
