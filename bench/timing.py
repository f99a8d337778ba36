"""How a figure is taken: in rounds, ours and its reference in turn, so that whatever slows one slows the other."""

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Measure = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """One line of the table. `figure` is a ratio unless `shown` says it otherwise."""

    name: str
    reference: str
    figure: float
    goal: float
    shown: str = ""
    detail: str = ""
    peers: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal is."""
        return round(self.figure, 2) <= self.goal


@dataclass(frozen=True)
class Pair:
    """Seconds of ours and of the reference, round by round."""

    ours: Sequence[float]
    reference: Sequence[float]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return statistics.median(self.ours) / statistics.median(self.reference)

    @property
    def detail(self) -> str:
        """Both medians, and where the middle half of the rounds' own ratios lies."""
        ratios = sorted(mine / theirs for mine, theirs in zip(self.ours, self.reference, strict=True))
        low, _, high = statistics.quantiles(ratios, n=4)
        ours, reference = statistics.median(self.ours), statistics.median(self.reference)
        return f"{shown(ours)} against {shown(reference)}, rounds {low:.2f} to {high:.2f}"


def shown(seconds: float) -> str:
    """A duration in a unit that suits it."""
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def paired(ours: Measure, reference: Measure, *, rounds: int) -> Pair:
    """Both measured so many times, in turn; who begins alternates. One round before is not counted."""
    taken: tuple[list[float], list[float]] = ([], [])
    ours()
    reference()
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            gc.collect()
            taken[which].append((ours, reference)[which]())
    return Pair(*taken)


def repeated(work: Callable[[], Any], times: int) -> Measure:
    """Seconds for one of so many repetitions."""

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - begin) / times

    return measure


def program(source: str, cache: str, **environment: str) -> Measure:
    """Seconds from the first to the last line of a program, in an interpreter of its own.

    Everything it imports has been compiled into the folder `cache` after the round that is not counted, as it is after
    an installation.

    Starting the interpreter is the same for all and is left out. So is httpx's command line, which `import httpx`
    brings with it where click happens to be installed, and trio, which httpcore takes along.
    """
    before = "import sys, time\nsys.modules.update(click=None, trio=None)\n_begin = time.perf_counter()"
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings |= {"PYTHONPYCACHEPREFIX": cache} | environment
    whole = f"{before}\n{source}\nprint(time.perf_counter() - _begin)"

    def measure() -> float:
        done = subprocess.run(
            [sys.executable, "-c", whole],
            env=settings,
            check=True,
            capture_output=True,
            text=True,
        )
        return float(done.stdout.split()[-1])

    return measure
