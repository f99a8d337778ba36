"""The report holds shapes alone: no value of a person or a company, and no secret."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from krebit import Krebit, MemoryTokenStore
from krebit.doctor import make_patch
from krebit.doctor.document import document_text
from krebit_sandbox import Sandbox
from tests.doctor.support import examined, found


def values(content: Any) -> Iterator[str]:
    """Yield each value of an answer that is long enough to be known again."""
    if isinstance(content, dict):
        for inner in content.values():
            yield from values(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from values(inner)
    elif not isinstance(content, bool) and len(str(content)) > 4:
        yield str(content)


def everything(sandbox: Sandbox) -> set[str]:
    """Return each value that the doctor could have read, and the secrets."""
    with Krebit.from_env(sandbox.environment, store=MemoryTokenStore()) as api:
        answers = [api.request("GET", path) for path in ("/me", "/clients?limit=100")]
        answers += [api.request("GET", f"/clients/{client['id']}") for client in answers[1]["data"][:8]]
        act = api.request("GET", "/clients/12345/acts/latest")
        answers += [act, api.request("GET", f"/acts/{act['data']['uuid']}/data")]
    # `links` and `meta` say nothing of anybody but the host.
    records = [answer["data"] for answer in answers]
    found = {*values(records), *values({**sandbox.environment, "KREBIT_API": ""}), sandbox.domain}
    return found - {"number", "boolean"}  # values of `type` that are words for shapes too


def grants(sandbox: Sandbox) -> dict[str, str]:
    """Return a refresh token that was not used yet."""
    return {"KREBIT_REFRESH_TOKEN": sandbox.issue_tokens().refresh_token}


@pytest.mark.parametrize(
    "switches", [{}, {"envelope": "bare", "money": "text", "metadata": "flat", "unknown_keys": True}]
)
def test_no_value_comes_out(sandbox: Sandbox, switches: dict[str, Any]) -> None:
    known = everything(sandbox)
    sandbox.switch(**switches)
    report = examined(sandbox, environ=grants(sandbox))
    text = json.dumps(report.shapes(), ensure_ascii=False)
    added = [line for line in make_patch(report, document_text()).splitlines() if line.startswith(("+", "#"))]
    text += "\n".join(added)
    assert [one for one in known if one in text] == []
    own = json.dumps([step._asdict() for step in report.steps], ensure_ascii=False)
    assert [one for one in known if one in own] == []


KEYS = ["556000-4615", "karin.berg@example.com", "Karin Berg", "+46 70 174 06 05", "5560004615", "a" * 60, "Karin"]


def test_a_key_that_may_be_a_persons_is_hidden(sandbox: Sandbox) -> None:
    body = {"data": {"id": 1, **dict.fromkeys(KEYS, 1), "limits": dict.fromkeys(KEYS, 1)}}
    sandbox.fault(kind="status", status=200, body=body, path="/api/1.0/clients/1*", times=None)
    page = {"data": [{"id": 12345, **dict.fromkeys(KEYS, "x")}], **dict.fromkeys(KEYS, 1)}
    sandbox.fault(kind="status", status=200, body=page, path="/api/1.0/clients", times=None)
    report = examined(sandbox)
    text = json.dumps(report.to_dict(), ensure_ascii=False)
    text += make_patch(report, document_text())
    assert [key for key in KEYS if key in text] == []
    assert "<key>" in text


def test_the_keys_of_a_map_are_hidden(sandbox: Sandbox) -> None:
    names = [f"canary{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    sandbox.fault(
        kind="status", status=200, body={"data": {"id": 1, **dict.fromkeys(names, 1)}}, path="/api/1.0/me", times=None
    )
    report = examined(sandbox)
    assert "canary" not in json.dumps(report.to_dict())
    assert ("get_current_user", "data.<key>", "extra", "integer") in found(report)


def test_errors_show_no_text_of_the_server(sandbox: Sandbox) -> None:
    for path in ("/api/1.0/clients/2147483647", "/api/1.0/clients/12345"):
        sandbox.fault(kind="status", status=404, body={"message": "canary-7"}, path=path, times=None)
    sandbox.fault(kind="status", status=200, body="canary-7", path="/api/1.0/me", times=None)
    assert "canary-7" not in json.dumps(examined(sandbox).shapes())
