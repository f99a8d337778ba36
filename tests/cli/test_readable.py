"""The output for people who do not program: no internals of the server, no bare numbers, nothing twice."""

from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from tests.cli.support import at_terminal, run

ACT = "123e4567-e89b-12d3-a456-426614174000"


def test_the_organization_is_shown_once(site: Sandbox) -> None:
    shown = at_terminal("me").out
    assert '{"id"' not in shown
    assert "organization id" in shown


def test_values_of_an_act_are_grouped_and_listed(site: Sandbox) -> None:
    shown = at_terminal("act", "data", ACT, columns=200).out
    assert "674 974 592.69" in shown
    assert '["' not in shown
    assert "Företagsinteckning" in shown


def test_an_amount_has_two_decimals_at_least(site: Sandbox) -> None:
    shown = at_terminal("clients", "--limit", "8", columns=200).out
    assert "23 582 059.00 SEK" in shown


def test_an_empty_list_is_said(site: Sandbox) -> None:
    shown = at_terminal("clients", "--updated-since", "today").out
    assert "nothing found" in shown
    assert "company name" not in shown


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["client", "1"], "there is no client 1; krebit clients lists them; the server says: 404 Not Found"),
        (
            ["act", "latest", "12346"],
            "client 12346 has no act, or there is no such client; the server says: 404 Not Found",
        ),
        (
            ["act", "data", "abc"],
            "there is no act abc; krebit act latest CLIENT_ID shows the uuid of one; the server says: 404 Not Found",
        ),
    ],
)
def test_a_number_of_nothing_is_named(site: Sandbox, arguments: list[str], text: str) -> None:
    done = run(*arguments)
    assert done.code == 1
    assert done.err.startswith(f"krebit: {text}")


def test_a_number_that_is_none(site: Sandbox) -> None:
    assert "'abc' is not a whole number" in run("client", "abc").err
    assert "'0' is not a whole number from 1" in run("clients", "--limit", "0").err


def test_a_missing_folder_is_named(site: Sandbox, tmp_path: Path) -> None:
    done = run("export", "clients", "--to", "missing/clients.csv", cwd=tmp_path)
    assert done.code == 1
    assert done.err == "krebit: --to missing/clients.csv: there is no folder missing; make it, or name another place\n"


def test_a_sign_in_that_cannot_ask_names_the_options(site: Sandbox) -> None:
    done = run("login", "--paste", env={"KREBIT_REDIRECT_URI": None, "KREBIT_CLIENT_ID": None})
    assert done.code == 2
    assert "--client-id" in done.err
    assert "--redirect-uri" in done.err
    assert "krebit login --save" not in done.err
