"""The walk-through: on a sandbox of its own, on a tenant that the environment names, and when something is wrong."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from krebit.webhooks import verify
from krebit_sandbox import Sandbox

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "quickstart.py"


def walk(*arguments: str, environ: dict[str, str] | None = None, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run it with no KREBIT_ variable but those given, and a home folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KREBIT_", "XDG_"))}
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        env=kept | {"HOME": str(home)} | (environ or {}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def secrets(sandbox: Sandbox) -> list[str]:
    names = ("KREBIT_CLIENT_SECRET", "KREBIT_AUTH_CODE", "KREBIT_REFRESH_TOKEN")
    return [sandbox.environment[name] for name in names]


def test_without_an_environment_it_walks_through_a_sandbox_of_its_own(tmp_path: Path) -> None:
    done = walk(home=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("Step 1", "Step 2", "Step 3", "Step 4", "Step 5", "POST /api/1.0/webhooks", "57/57", "57 clients"):
        assert text in done.stdout
    assert "sandbox plays the tenant" in done.stdout


def test_with_the_quickstarts_variables_it_walks_there_reading_only(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    for _ in range(2):  # the second run finds the stored login
        done = walk(environ=krebit_sandbox.environment, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert not any(secret in done.stdout + done.stderr for secret in secrets(krebit_sandbox))
    methods = {(one.method, one.path) for one in krebit_sandbox.requests if one.method != "GET"}
    assert methods == {("POST", "/api/oauth/token")}
    stored = next(tmp_path.rglob("*.json"))
    assert stored.stat().st_mode & 0o777 == 0o600


def test_amounts_of_two_currencies_are_not_added(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    limits = ((12345, "SEK", "1000.50"), (12346, "EUR", "7"), (12347, "SEK", "1"), (12348, None, None))
    clients = [{"id": number, "currency": currency, "credit_limit": limit} for number, currency, limit in limits]
    body = {"data": clients, "meta": {"last_page": 1}}
    krebit_sandbox.fault(kind="status", status=200, path="/api/1.0/clients", times=None, body=body)
    done = walk(environ=krebit_sandbox.environment, home=tmp_path)
    assert "4 clients, credit limits in sum: 7 EUR, 1,001.50 SEK\n" in done.stdout


def test_the_first_step_says_what_was_asked_for_the_tokens(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    first = walk(environ=krebit_sandbox.environment, home=tmp_path).stdout
    assert "← refresh_token: granted" in first
    again = walk(environ=krebit_sandbox.environment, home=tmp_path).stdout
    assert "granted" not in again
    assert "nothing was asked: the stored login is good" in again


def test_a_client_without_an_act_is_no_failure(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    done = walk("--client", "12346", environ=krebit_sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "this client has no act yet" in done.stdout
    assert "57 clients" in done.stdout


def test_the_sandbox_is_reached_past_a_proxy(tmp_path: Path) -> None:
    names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"]
    proxies: dict[str, str] = dict.fromkeys(names, "http://127.0.0.1:9")
    done = walk(environ=proxies, home=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_terminal_that_has_no_arrows(tmp_path: Path) -> None:
    done = walk(environ={"PYTHONIOENCODING": "ascii"}, home=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_webhook_only_with_its_flag(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    done = walk("--webhook", "https://example.com/hook", environ=krebit_sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("POST", "/api/1.0/webhooks") in {(one.method, one.path) for one in krebit_sandbox.requests}
    assert "--secret-file" in done.stdout


def test_the_secret_of_a_webhook_goes_into_a_file_that_is_made_first(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    wish = ("--webhook", "https://example.com/hook", "--secret-file", str(file))
    refused = walk(*wish, "--event", "x" * 256, environ=krebit_sandbox.environment, home=tmp_path)
    assert_one_line(refused, "event")
    assert not file.exists()
    done = walk(*wish, environ=krebit_sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr
    secret = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in done.stdout + done.stderr
    assert_one_line(walk(*wish, environ=krebit_sandbox.environment, home=tmp_path), str(file))
    krebit_sandbox.create_act(12345)
    (delivery,) = krebit_sandbox.wait_for_deliveries()
    assert verify(delivery.body, delivery.headers, secret).event == "act.created"


def test_a_webhook_where_there_are_no_clients(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    krebit_sandbox.switch(clients=0)
    krebit_sandbox.fault(kind="status", status=200, path="/api/1.0/clients", body={"data": []}, times=None)
    done = walk("--webhook", "https://example.com/hook", environ=krebit_sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no clients yet" in done.stdout
    assert ("POST", "/api/1.0/webhooks") in {(one.method, one.path) for one in krebit_sandbox.requests}


def test_answers_that_the_document_does_not_know(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    user = {"id": 1, "name": "Anna", "rates": [1.5], "contacts": [{"email": "anna@example.com", "org_number": "5560"}]}
    krebit_sandbox.fault(kind="status", status=200, path="/api/1.0/me", body=user)
    client = {"id": 12345, "company_name": "Bolaget"}
    krebit_sandbox.fault(kind="status", status=200, path="/api/1.0/clients/*", body=client)
    done = walk(environ=krebit_sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Bolaget" in done.stdout
    assert "anna@" not in done.stdout
    assert "5560" not in done.stdout.partition("Step 3")[0]


def test_a_sandbox_without_tls(krebit_sandbox_factory: Any, tmp_path: Path) -> None:
    sandbox = krebit_sandbox_factory(tls=False)
    done = walk(environ=sandbox.environment, home=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--secret-file", "secret"], "--webhook"),
        (["--client", "99999999"], "404 Not Found"),
        (["--client", "0"], "404 Not Found"),
        (["--limit", "0"], "limit"),
        (["--page", "9999"], "page 9999 is beyond the end of the list"),
    ],
)
def test_bad_wishes_end_in_one_line(arguments: list[str], said: str, krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    done = walk(*arguments, environ=krebit_sandbox.environment, home=tmp_path)
    assert_one_line(done, said)


def test_each_variable_that_is_missing_or_malformed_is_named(tmp_path: Path) -> None:
    done = walk(environ={"KREBIT_DOMAIN": "http://yourco.krebit.se/x"}, home=tmp_path)
    assert_one_line(done, "KREBIT_DOMAIN", "KREBIT_CLIENT_ID", "KREBIT_CLIENT_SECRET", "yourco.krebit.se")


def test_signing_in_needs_a_tenant(tmp_path: Path) -> None:
    assert_one_line(walk("--login", home=tmp_path), "--login", "KREBIT_DOMAIN")


def test_no_tenant_within_reach(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        domain = f"localhost:{taken.getsockname()[1]}"
        environ = krebit_sandbox.environment | {"KREBIT_DOMAIN": domain, "KREBIT_API": f"https://{domain}/api/1.0"}
        done = walk(environ=environ, home=tmp_path)
    assert_one_line(done, "no connection", domain)


def test_a_refused_refresh_token(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    environ = krebit_sandbox.environment | {"KREBIT_REFRESH_TOKEN": "spent", "KREBIT_AUTH_CODE": ""}
    done = walk(environ=environ, home=tmp_path)
    assert_one_line(done, "KREBIT_REFRESH_TOKEN", "sign in")
    assert done.stderr.count("\n") == 1  # said once, not as a warning before


def test_no_login_at_all(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    environ = krebit_sandbox.environment | {"KREBIT_REFRESH_TOKEN": "", "KREBIT_AUTH_CODE": ""}
    assert_one_line(walk(environ=environ, home=tmp_path), "not signed in", "sign in", "--login")


def assert_one_line(done: "subprocess.CompletedProcess[str]", *said: str) -> None:
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stdout
    assert len([line for line in lines if line.startswith("error: ")]) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert all(text in lines[-1] for text in said), done.stderr
