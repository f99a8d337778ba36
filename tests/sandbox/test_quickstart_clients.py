"""The vendor's own quickstart, word for word: its curl commands and its Node.js program."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from string import Template
from typing import Any

import httpx

from krebit_sandbox import Sandbox
from tests.needs import NO_NODE_MODULES, absent, needs
from tests.sandbox.support import callback_query, exchange, form_token

QUICKSTART = Path(__file__).with_name("quickstart")
NODE_MODULES = Path(__file__).parents[2] / "tools" / "node" / "node_modules"


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The process's own and the printed one; the sandbox is on this machine and behind no proxy."""
    return {**os.environ, **sandbox.environment, "NO_PROXY": "localhost", "no_proxy": "localhost"}


def json_values(text: str) -> list[Any]:
    """The JSON values that were printed one after another."""
    values, decoder, rest = [], json.JSONDecoder(), text.lstrip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


AUTHORIZATION_URL = Template(
    "https://${KREBIT_DOMAIN}/oauth/authorize?client_id=${KREBIT_CLIENT_ID}&redirect_uri=${KREBIT_REDIRECT_URI}"
    "&response_type=code&state=${KREBIT_STATE}"
)


def test_the_authorization_url_as_it_is_written_there(browser: httpx.Client, sandbox: Sandbox) -> None:
    """With the redirect URI as it stands, nothing in it escaped."""
    page = browser.get(AUTHORIZATION_URL.substitute(sandbox.environment))
    back = browser.post("/oauth/consent", data={"_token": form_token(page), "decision": "allow"})
    assert back.headers["location"].startswith(f"{sandbox.environment['KREBIT_REDIRECT_URI']}?code=")
    query = callback_query(back)
    assert query["state"] == sandbox.environment["KREBIT_STATE"]
    assert exchange(browser, sandbox, query["code"]).status_code == 200


def test_they_are_the_vendors_words() -> None:
    """Nothing is changed in them but the environment: a change of a byte would change these."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in QUICKSTART.iterdir()}
    assert digests == {
        "list-clients.mjs": "bbdfa6048c5610c6da81bb62aa8727985ab5bdfc293b9d0804a66f6186d8c92f",
        "steps.sh": "5be6ae9dead9565470dd6dbc053fbc1f5209293894c89c712773b03d8650c469",
    }


def test_curl_commands(sandbox: Sandbox, api: httpx.Client) -> None:
    needs("bash", "curl", "jq")
    command = ["bash", "-eu", "-o", "pipefail", str(QUICKSTART / "steps.sh")]
    result = subprocess.run(command, env=environment(sandbox), capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    me, clients, client, act, points, webhook = json_values(result.stdout)
    assert me["data"]["organization"]["name"]
    assert len(clients) == 10
    assert client["data"]["id"] == act["data"]["client_id"] == 12345
    assert {"company_name", "org_number", "credit_limit"} <= set(client["data"])
    assert act["data"]["uuid"] == "123e4567-e89b-12d3-a456-426614174000"
    assert len(points["data"]) > 5
    assert (webhook["data"]["event"], bool(webhook["data"]["secret"])) == ("EVENT_TYPE", True)
    assert {record.status for record in sandbox.requests} == {200, 201}
    assert exchange(api, sandbox, sandbox.environment["KREBIT_AUTH_CODE"]).status_code == 400


def test_node_program(sandbox: Sandbox, tmp_path: Path) -> None:
    needs("node")
    if not (NODE_MODULES / "axios").is_dir():
        absent(NO_NODE_MODULES)
    program = tmp_path / "list-clients.mjs"
    program.write_bytes((QUICKSTART / program.name).read_bytes())
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    command = ["node", str(program)]
    result = subprocess.run(command, env=environment(sandbox), capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.returncode) == ("Client count: 10\n", 0), result.stderr
    assert sandbox.token_state(sandbox.environment["KREBIT_REFRESH_TOKEN"]) == "revoked"
