"""What the command line costs: to begin, and beside the walk that an export makes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.clients import signed_in
from bench.server import Server
from bench.timing import Measure, Row, paired

KREBIT = "import sys; from krebit.cli import main; sys.exit(main(sys.argv[1:]))"
WALK = """
from krebit import Krebit, paginate
with Krebit.from_env(plain_http=True) as api:
    assert sum(1 for _ in paginate(api.list_clients, limit=100).options(prefetch=16)) == 10_000
"""
_LATENCY = 0.02


def measure(*, rounds: int) -> Iterator[Row]:
    """`--help`, `status`, and `export clients` of 10,000 records; each is a whole process."""
    with Server(delay=_LATENCY, pages=100) as server, TemporaryDirectory() as folder:
        environment = {
            "HOME": folder,
            "KREBIT_DOMAIN": server.domain,
            "KREBIT_CLIENT_ID": "application",
            "KREBIT_CLIENT_SECRET": "secret",
            "KREBIT_REFRESH_TOKEN": "refresh-0",
            "KREBIT_TOKEN_STORE": f"{folder}/logins",
            "PYTHONPYCACHEPREFIX": f"{folder}/cache",
        }
        signed_in(server, f"{folder}/logins")
        click = _process(["-c", "import click"], environment)
        pair = paired(_process(["-c", KREBIT, "--help"], environment), click, rounds=rounds)
        yield Row("`krebit --help`", '`python -c "import click"`', pair.ratio, 1.3, detail=pair.detail)
        pair = paired(_process(["-c", KREBIT, "status", "--plain-http"], environment), click, rounds=rounds)
        yield Row("`krebit status`", "the same", pair.ratio, 2.5, detail=pair.detail)
        target = str(Path(folder) / "clients.csv")
        export = _process(["-c", KREBIT, "export", "clients", "--plain-http", "--to", target], environment)
        pair = paired(export, _process(["-c", WALK], environment), rounds=max(3, rounds // 3))
        name = "`krebit export clients` of 10,000 records, 20 ms a request"
        yield Row(name, "a program that walks through them", pair.ratio, 1.3, detail=pair.detail)


def _process(arguments: list[str], more: dict[str, str]) -> Measure:
    """Return the function that measures the seconds of a whole process."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "KREBIT_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | more

    def run() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
        return time.perf_counter() - begin

    return run
