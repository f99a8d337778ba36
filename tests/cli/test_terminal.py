"""Tables on terminals: as wide as the screen, coloured where that is wanted, and never obeyed."""

import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from krebit.cli.main import COMMANDS
from krebit.cli.since import parse_since
from krebit.cli.values import amount, cell, json_text
from krebit_sandbox import Fault, Sandbox
from tests.cli.support import COMMAND, at_terminal, environment, run
from tests.needs import needs

NOW = datetime(2024, 5, 10, 15, 30, tzinfo=UTC)
DECIMALS = ("0", "250000.50", "-1234567.8", "1E+3", "0.000001")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_screen(site: Sandbox, columns: int) -> None:
    site.switch(clients=30)
    done = at_terminal("clients", "--limit", "30", "--color", "never", columns=columns)
    table = [line for line in done.out.splitlines() if line.startswith(("1", "─"))]
    assert len(table) == 31
    assert max(map(len, table)) <= columns
    assert ("updated at" in done.out) == (columns == 200)


@pytest.mark.parametrize("form", ["--table", "--csv", "--json", "--lines", "--fields=zzz"])
def test_a_terminal_obeys_no_name_of_a_field(site: Sandbox, form: str) -> None:
    row = {"id": 1, "a\x1b]0;owned\x07\x9b31m": "b\x1b[31m"}
    site.fault(kind="status", status=200, path="/api/1.0/odd", body={"data": [row]})
    shown = at_terminal("api", "GET", "/odd", form, "--color", "never").out
    assert "owned" in shown
    assert not re.search("[\x07\x1b\x9b]", shown)


def test_a_terminal_obeys_no_name_of_a_field_that_a_note_has(site: Sandbox, tmp_path: Path) -> None:
    rows = [{"id": 1}, {"id": 2, "a\x1b]0;owned\x07\x9b31m\u202e": 1}]
    site.fault(kind="status", status=200, path="/api/1.0/clients", body={"data": rows}, times=None)
    note = run("export", "clients", "--to", tmp_path / "clients.csv").err
    assert "left out, because the first record does not have them: a ]0;owned" in note
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", note)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("me", "krebit: GET /api/1.0/me: 429, waits "),
        ("clients", "krebit: list_clients: rate limit, all calls wait 2.0 s"),
    ],
)
def test_a_wait_is_shown(site: Sandbox, command: str, text: str) -> None:
    limit = Fault(kind="status", status=429, headers={"Retry-After": "2"}, path=f"/api/1.0/{command}")
    site.fault(limit)
    done = at_terminal(command)
    assert done.code == 0
    assert text in done.out
    site.fault(limit)
    assert run(command).err == ""


def test_colours(site: Sandbox) -> None:
    bold = "\x1b[1m"
    assert bold in at_terminal("me").out
    assert "\x1b[" not in at_terminal("me", env={"NO_COLOR": "1"}).out
    assert "\x1b[" not in at_terminal("me", "--color", "never").out
    assert "\x1b[" not in at_terminal("me", env={"TERM": "dumb"}).out
    assert bold in run("me", "--table", "--color", "always").out
    assert "\x1b[" not in run("me", "--table").out


def test_a_terminal_obeys_nothing_that_a_server_sends(site: Sandbox) -> None:
    name = "A\x1b]0;title\x07\x1b[2J\x9b31m\u202eB\nC [bold]D[/bold] :smile:"
    body = {"data": [{"id": 1, "company_name": name}]}
    site.fault(kind="status", status=200, path="/api/1.0/clients", body=body, times=None)
    for form in ("--table", "--json", "--csv", "--lines"):
        out = at_terminal("clients", form, "--color", "never").out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), form
        assert "[bold]D[/bold] :smile:" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(site: Sandbox, shell: str) -> None:
    script = run("completion", shell).out
    assert "_KREBIT_COMPLETE" in script
    needs(shell)
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_the_shell_is_answered() -> None:
    env = environment({"_KREBIT_COMPLETE": "bash_complete", "COMP_WORDS": "krebit cl", "COMP_CWORD": "1"})
    done = subprocess.run(COMMAND, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["plain,clients", "plain,client"]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_has_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert re.search(rf"(?m)^    krebit {name}\b", done.out), done.out
    assert done.err == ""


def test_the_first_help_loads_little() -> None:
    program = "import sys; from krebit.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([COMMAND[0], "-c", program], capture_output=True, text=True, check=True)
    assert not {"rich", "httpx", "asyncio", "krebit.client", "krebit.config"} & set(done.stderr.split())


def test_status_loads_neither_httpx_nor_rich(site: Sandbox) -> None:
    program = "import sys; from krebit.cli import main; main(['status']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([COMMAND[0], "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("{")
    assert not {"rich", "httpx", "krebit.client"} & set(done.stderr.split())


@pytest.fixture
def in_stockholm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose zone is UTC+1 in winter and UTC+2 in summer, written out so that no database is needed."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_stockholm")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("24H", NOW - timedelta(hours=24)),
        ("today", datetime(2024, 5, 9, 22, tzinfo=UTC)),
        ("yesterday", datetime(2024, 5, 8, 22, tzinfo=UTC)),
        ("2024-05-01", datetime(2024, 4, 30, 22, tzinfo=UTC)),
        ("2024-02-01", datetime(2024, 1, 31, 23, tzinfo=UTC)),
        ("2024-02-01T08:00", datetime(2024, 2, 1, 7, tzinfo=UTC)),
        ("2024-05-01T08:00+02:00", datetime(2024, 5, 1, 6, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_since(text, NOW.astimezone()) == moment


@pytest.mark.usefixtures("in_stockholm")
def test_yesterday_may_have_another_offset() -> None:
    first_of_winter_time = datetime(2024, 10, 28, 9, tzinfo=UTC).astimezone()
    assert parse_since("yesterday", first_of_winter_time) == datetime(2024, 10, 26, 22, tzinfo=UTC)


def test_amounts_keep_their_digits() -> None:
    assert [amount(Decimal(text)) for text in DECIMALS] == [
        "0.00",
        "250 000.50",
        "-1 234 567.80",
        "1 000.00",
        "0.000001",
    ]
    assert cell(Decimal("5.0"), "SEK") == "5.00 SEK"
    assert json_text({"a": [Decimal("12345678901234567.890"), None, True, "å\x9b"]}) == (
        '{"a": [12345678901234567.890, null, true, "å\\u009b"]}'
    )
