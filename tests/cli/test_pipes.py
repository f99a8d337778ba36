"""Output in pipes and files, also where they are closed or full."""

import csv
import json
import shlex
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from tests.cli.support import COMMAND, Done, environment, run


def shell(line: str) -> Done:
    """Run a line of bash, in which `krebit` is the command."""
    script = f'set -o pipefail; krebit() {{ {shlex.join(COMMAND)} "$@"; }}; {line}'
    done = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_line_of_json_for_each_record(site: Sandbox) -> None:
    done = run("clients", "--limit", "3")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["id"] for row in rows] == [12345, 12346, 12347]
    assert done.err == ""
    assert not any(row["company_name"].isascii() for row in rows[:2])  # as UTF-8, not as escapes
    assert "\\u" not in done.out


def test_one_document(site: Sandbox) -> None:
    rows = json.loads(run("clients", "--limit", "2", "--json", "--fields", "id,company_name").out)
    assert [list(row) for row in rows] == [["id", "company_name"]] * 2
    site.switch(clients=0)
    assert run("clients", "--json").out == "[]\n"
    assert run("clients").out == ""
    assert run("clients", "--csv").out.startswith("id,company_name")


@pytest.mark.parametrize("money", ["number", "text"])
def test_amounts_are_exact(site: Sandbox, money: str) -> None:
    site.switch(money=money)
    path = "/api/1.0/clients"
    amount: object = "12345678901234567.89" if money == "text" else 0.1
    site.fault(kind="status", status=200, path=path, body={"data": [{"id": 1, "credit_limit": amount}]})
    out = run("clients", "--limit", "1").out
    (row,) = [json.loads(line, parse_float=Decimal) for line in out.splitlines()]
    assert row["credit_limit"] == Decimal(str(amount))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_the_end_of_a_line_in_a_value_begins_no_row(site: Sandbox, tmp_path: Path, end: str) -> None:
    name, path = f"A AB{end}2", tmp_path / "clients.csv"
    body = {"data": [{"id": 1, "company_name": name}]}
    site.fault(kind="status", status=200, path="/api/1.0/clients", body=body)
    assert shell(f"krebit clients --fields id,company_name --csv > {shlex.quote(str(path))}").code == 0
    with path.open(newline="") as file:
        assert file.readline() == "id,company_name\n"
        assert list(csv.reader(file)) == [["1", name]]


def test_a_closed_pipe_ends_quietly(site: Sandbox) -> None:
    site.switch(clients=3000)
    done = shell("krebit clients --all | head -n 1")
    assert done.code == 0
    assert len(done.out.splitlines()) == 1
    assert done.err == ""


def test_a_full_disk_is_said(site: Sandbox) -> None:
    done = shell("krebit clients > /dev/full")
    assert (done.code, done.err) == (1, "krebit: standard output: No space left on device\n")


def test_no_output_at_all(site: Sandbox) -> None:
    assert shell("krebit clients >&-").code == 1
    assert shell("krebit clients --limit 1 2>&-").code == 0
    assert shell("krebit clnts 2>&-").code == 2
    assert shell("krebit me <&-").code == 0


def test_the_records_of_one_command_are_the_numbers_of_the_next(site: Sandbox) -> None:
    done = shell("krebit clients --limit 5 | krebit act latest - --fields client_id,amount --csv")
    assert done.code == 1  # not each of them has an act
    assert done.out.startswith("client_id,amount\n12345,")
    assert "client 12346 has no act" in done.err
    assert run("act", "latest", "-", given="12345\n\n12348\n").code == 0
    assert run("act", "latest", "-", given="\ufeff12345\r\n12348\r\n").code == 0  # as Excel saves a column
    for line in ('{"id": true}', "[" * 100_000):
        assert "is not the id of a client" in run("act", "latest", "-", given=line).err


def test_a_list_of_one_number_is_answered_with_a_list(site: Sandbox) -> None:
    """A script that reads the numbers of a pipe does not know how many there are."""
    for given, expected in (("", []), ("12345\n", [12345]), ("12345\n12348\n", [12345, 12348]), ("12346\n", [])):
        done = run("act", "latest", "-", "--json", given=given)
        assert [act["client_id"] for act in json.loads(done.out)] == expected
    assert "client 12346 has no act" in done.err
    assert done.code == 1
    assert json.loads(run("act", "latest", "12345", "--json").out)["client_id"] == 12345


def test_a_page(site: Sandbox) -> None:
    rows = [json.loads(line)["id"] for line in run("clients", "--limit", "3", "--page", "2").out.splitlines()]
    assert rows == [12348, 12349, 12350]
    assert run("clients", "--page", "999").out == ""


def test_all_of_them_and_those_that_changed(site: Sandbox) -> None:
    site.switch(clients=250)
    rows = [json.loads(line) for line in run("clients", "--all").out.splitlines()]
    assert len(rows) == 250
    since = sorted(row["updated_at"] for row in rows)[100]
    changed = [json.loads(line) for line in run("clients", "--updated-since", since).out.splitlines()]
    assert {row["id"] for row in changed} == {row["id"] for row in rows if row["updated_at"] >= since}
    assert len(run("clients", "--updated-since", since, "--limit", "7").out.splitlines()) == 7


def test_masked(site: Sandbox) -> None:
    row = json.loads(run("client", "12345").out)
    masked = json.loads(run("client", "12345", "--mask").out)
    assert {name for name in row if row[name] != masked[name]} == {
        "org_number",
        "contact_name",
        "contact_email",
        "contact_phone",
    }
    user = json.loads(run("me", "--mask").out)
    assert user["name"] == user["email"] == "***"
    assert row["org_number"] not in run("api", "GET", "/clients/12345", "--mask").out


@pytest.mark.parametrize("envelope", ["data", "bare"])
def test_one_record_of_any_path(site: Sandbox, envelope: str) -> None:
    site.switch(envelope=envelope)
    call = ("api", "GET", "/clients/12345", "--fields", "id,country")
    assert run(*call).out == '{"id": 12345, "country": "SE"}\n'
    assert run(*call, "--csv").out == "id,country\n12345,SE\n"
    assert run(*call, "--table").out == "id       12345\ncountry  SE\n"
    assert run("api", "GET", "/clients/12345", "--csv").out.startswith("id,company_name,")


def test_every_page_of_any_path(site: Sandbox) -> None:
    done = run("api", "get", "/clients", "--paginate", "-F", "limit=25", "--fields", "id")
    assert len(done.out.splitlines()) == site.switches.clients
    raw = json.loads(run("api", "GET", "/clients/12345").out)
    assert raw["data"]["id"] == 12345
    body = json.dumps({"event": "e", "target": "https://a.example/"})
    made = run("api", "POST", "/webhooks", "--input", "-", given=body)
    assert json.loads(made.out)["data"]["event"] == "e"
    assert run("api", "GET", "/clients", "-f", "limit=2", "--csv").out.startswith("id,company_name")


def test_fields_that_the_first_record_of_any_path_does_not_have(site: Sandbox) -> None:
    records = {"data": [{"id": 1}, {"id": 2, "rating": "A"}], "meta": {"last_page": 1}}
    site.fault(kind="status", status=200, path="/api/1.0/things", times=None, body=records)
    call = ("api", "GET", "/things", "--paginate")
    assert run(*call, "--table").out.replace("─", "").split() == ["id", "rating", "1", "2", "A"]
    done = run(*call, "--csv")
    assert done.out == "id\n1\n2\n"
    assert done.err == "left out, because the first record does not have them: rating. --lines has all fields\n"
    assert run(*call, "--csv", "--fields", "id").err == ""
    assert run(*call, "--csv", "--fields", "id,rating").out == "id,rating\n1,\n2,A\n"
    done = run(*call, "--fields", "id,ratings")
    assert (done.code, done.err) == (
        2,
        "krebit: there is no field ratings; the fields are id, rating (krebit api --help)\n",
    )


@pytest.mark.parametrize("number", ["12345678901234567.89", "0.1000000000000000055", "1.10", "1E+400"])
def test_a_number_that_is_sent_keeps_all_its_digits(site: Sandbox, number: str) -> None:
    run("api", "POST", "/webhooks", "-F", f"amount={number}", "-F", "not=NaN")
    run("api", "POST", "/webhooks", "--input", "-", given=f'{{"amounts": [{number}]}}')
    run("api", "GET", "/clients", "-F", f"amount={number}")
    field, body, query = [request for request in site.requests if request.path.startswith("/api/1.0/")]
    assert field.body.decode() == f'{{"amount": {number}, "not": "NaN"}}'
    assert field.headers["content-type"] == "application/json"
    assert body.body.decode() == f'{{"amounts": [{number}]}}'
    assert query.query["amount"] == number
