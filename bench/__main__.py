"""`python -m bench`: measure, print the table, and with `--write` keep it in docs/performance.md."""

import argparse
import os
import platform
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

from bench import calls, command_line, deliveries, many, startup, stores, tokens, walks
from bench.timing import Row

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = (
    "httpx",
    "httpcore",
    "h11",
    "attrs",
    "httpx-aiohttp",
    "aiohttp",
    "starlette",
    "uvicorn",
    "requests",
    "authlib",
    "stripe",
    "openai",
)


def measured(rounds: int) -> Iterator[Row]:
    """Every row of the table, in its order."""
    return chain(
        startup.measure(rounds=rounds),
        calls.measure(rounds=rounds),
        walks.measure(rounds=rounds),
        many.measure(rounds=rounds),
        tokens.measure(),
        stores.measure(rounds=rounds),
        deliveries.measure(rounds=rounds),
        command_line.measure(rounds=rounds),
    )


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| figure | reference | measured | goal | in detail | others |", "|---|---|---|---|---|---|"]
    for row in rows:
        figure = f"**{row.shown or f'{row.figure:.2f}'}**{'' if row.met else ' (missed)'}"
        lines.append(f"| {row.name} | {row.reference} | {figure} | ≤ {row.goal:g} | {row.detail} | {row.peers} |")
    return "\n".join(lines)


def circumstances() -> str:
    """Machine, versions and load, without which a figure says nothing."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    load = f"{os.getloadavg()[0]:.2f}"
    text = (
        f"Taken on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.release()} on {platform.machine()}, "
        f"{os.cpu_count()} cores ({_processor()}), load {load} at the end; Python {platform.python_version()}; "
        f"{', '.join(found)}."
    )
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def write(text: str) -> None:
    """Put the text where the document keeps what was measured last."""
    whole = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = whole.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """0 also where a goal was missed: a figure is reported, not judged."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each pair is measured (default 15)")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/performance.md")
    arguments = parser.parse_args()
    rows = []
    for row in measured(arguments.rounds):
        rows.append(row)
        print(f"{row.shown or f'{row.figure:.2f}':>12} (goal ≤ {row.goal:g})  {row.name}  [{row.detail}] {row.peers}")
        sys.stdout.flush()
    text = f"{circumstances()}\n\n{table(rows)}"
    print(f"\n{text}")
    if arguments.write:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
