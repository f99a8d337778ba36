"""The output of each command, kept as text: at terminals of 80 and 200 columns, in a pipe, and as CSV.

`KREBIT_TESTS_REWRITE_GOLDEN=1 pytest tests/cli/test_golden.py` writes the texts anew.
"""

import os
import re
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from tests.cli.support import at_terminal, run

GOLDEN = Path(__file__).with_name("golden")
ACT = "123e4567-e89b-12d3-a456-426614174000"
COMMANDS = {
    "status": ["status"],
    "me": ["me"],
    "clients": ["clients", "--limit", "5"],
    "clients_columns": ["clients", "--limit", "2", "--columns", "id,created_at,company_name"],
    "clients_masked": ["clients", "--limit", "2", "--mask"],
    "client": ["client", "12345"],
    "client_masked": ["client", "12345", "--mask"],
    "act_latest": ["act", "latest", "12345", "12348"],
    "act_latest_one": ["act", "latest", "12345"],
    "act_latest_none": ["act", "latest", "12345", "12346"],
    "act_data": ["act", "data", ACT],
    "api": ["api", "GET", "/clients/12345"],
    "api_paginate": ["api", "GET", "/clients", "-f", "limit=40", "--paginate", "--fields", "id,org_number"],
    "logout": ["logout"],
}
# Each differs with the run or with the machine.
VARYING = {
    r"\x1b\[[0-9;?]*[A-Za-z]": "",
    # How far a bar came until it went again.
    r"[^\r\n]*━[^\r\n]*(\r|\n|$)": "",
    r"\r": "",
    r" +(?=\n)": "",
    r"request\s[0-9a-f-]{36}": "request REQUEST",
    r"localhost:[0-9]+": "TENANT",
    r"localhost_[0-9]+\.default\.[0-9a-f]{16}": "LOGIN",
    r"(token ends  |\"token_ends\": \")[^\"\n]*": r"\1TIME",
    r"(LOGIN\.json,)\S+": r"\1TIME",
}


def shown(text: str, site: Sandbox, home: Path) -> str:
    """Return the text without what differs between two runs."""
    text = text.replace(str(home), "HOME").replace(site.application.client_id, "APPLICATION")
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_output(name: str, site: Sandbox, home: Path) -> None:
    arguments = COMMANDS[name]
    if name in ("status", "logout"):
        run("me")  # the login begins
    line = " ".join(arguments)
    parts = [
        (f"$ krebit {line}   (80 columns)", at_terminal(*arguments, columns=80).out),
        (f"$ krebit {line}   (200 columns)", at_terminal(*arguments, columns=200).out),
        (f"$ krebit {line} | cat", _both(*arguments)),
    ]
    if name not in ("logout", "api"):
        parts.append((f"$ krebit {line} --csv | cat", _both(*arguments, "--csv")))
    text = "\n".join(f"{title}\n{shown(output, site, home)}" for title, output in parts)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KREBIT_TESTS_REWRITE_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _both(*arguments: str) -> str:
    done = run(*arguments)
    return done.out + done.err


def test_each_text_belongs_to_a_command() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*COMMANDS}
