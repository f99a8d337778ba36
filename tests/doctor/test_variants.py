"""Every variant of the API that reading can show is found and named; nothing is where all is as described."""

from typing import Any

import pytest

from krebit.doctor.screen import print_report
from krebit_sandbox import Sandbox, Switches
from krebit_sandbox.switches import choices, hints
from tests.doctor.support import examined, found

# A switch and its value, then one of the differences by which it is found.
VARIANTS: list[tuple[dict[str, Any], tuple[str, str, str, str]]] = [
    ({"envelope": "bare"}, ("get_current_user", "", "form", "bare")),
    ({"envelope": "bare"}, ("get_client", "", "form", "bare")),
    ({"envelope": "bare"}, ("get_latest_act", "", "form", "bare")),
    ({"envelope": "bare"}, ("get_act_data", "", "form", "bare")),
    ({"metadata": "simple"}, ("list_clients", "", "page", "metadata in meta, without last_page and total")),
    ({"metadata": "flat"}, ("list_clients", "", "page", "metadata flat beside data")),
    ({"metadata": "links"}, ("list_clients", "", "page", "links alone")),
    ({"metadata": "none"}, ("list_clients", "", "page", "no metadata")),
    ({"money": "text"}, ("list_clients", "data[].credit_limit", "type", "string")),
    ({"money": "text"}, ("get_client", "data.credit_limit", "type", "string")),
    ({"money": "text"}, ("get_latest_act", "data.amount", "type", "string")),
    ({"money": "null"}, ("list_clients", "data[].credit_limit", "always-null", "null in every record")),
    ({"times": "space"}, ("list_clients", "data[].created_at", "format", "time-space")),
    ({"times": "space"}, ("get_latest_act", "data.updated_at", "format", "time-space")),
    ({"times": "null"}, ("list_clients", "data[].updated_at", "always-null", "null in every record")),
    ({"user_ids": "number"}, ("get_current_user", "data.id", "type", "integer")),
    ({"unknown_keys": True}, ("get_client", "data.added_later", "extra", "object")),
    ({"unknown_keys": True}, ("list_clients", "data[].added_later", "extra", "object")),
    ({"validation_status": 400}, ("list_clients", "", "status", "400")),
    ({"max_limit": 50}, ("list_clients", "", "limit", "limit 100 is refused")),
]
# Forms that the document describes as they are: they are named, and no difference.
NAMED: list[tuple[dict[str, Any], str]] = [
    ({"times": "offset"}, "times with an offset"),
    ({"times": "micro"}, "times with microseconds"),
    ({"times": "z"}, "times that end in Z"),
    ({"rate_limit": 1000}, "rate limit headers"),
    ({}, "in an envelope"),
    ({}, "metadata in meta and links"),
]
# Switches whose values reading cannot tell from each other, and those that choose no form of an answer.
NOT_SEEN = {
    "consent": "signing in is no reading",
    "error_dialect": "a refused token would be needed",
    "expires_in": "the token endpoint is not asked for this",
    "latency": "not a form",
    "list_behaviour": "a walk reports it",
    "redirect_unauthenticated": "every request asks for JSON",
    "refresh_lifetime": "not a form",
    "reuse_revokes_family": "a token would have to be used twice",
    "rotation": "a refresh would be needed",
    "token_lifetime": "not a form",
    "clients": "not a form",
    "webhook_disable_after": "deliveries",
    "webhook_retry_scale": "deliveries",
    "webhook_timeout": "deliveries",
    "webhook_tries": "deliveries",
}


@pytest.mark.parametrize(("switches", "difference"), VARIANTS)
def test_a_variant_is_found(sandbox: Sandbox, switches: dict[str, Any], difference: tuple[str, str, str, str]) -> None:
    sandbox.switch(**switches)
    report = examined(sandbox)
    assert difference in found(report)
    assert not report.has_failed


@pytest.mark.parametrize(("switches", "name"), NAMED)
def test_a_form_that_is_described_is_named(
    sandbox: Sandbox, switches: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    sandbox.switch(**switches)
    report = examined(sandbox)
    assert found(report) == set()
    print_report(report, sys.stdout, width=200)
    assert name in capsys.readouterr().out


def test_every_switch_has_its_place_in_these_tables() -> None:
    used: list[dict[str, Any]] = [*(switches for switches, _ in VARIANTS), *(switches for switches, _ in NAMED)]
    tested = {pair for switches in used for pair in switches.items()}
    defaults = Switches().as_dict()
    for name, hint in hints().items():
        if name in NOT_SEEN:
            continue
        others = set(choices(hint)) - {defaults[name]}
        assert others <= {value for tested_name, value in tested if tested_name == name}, name
        assert name in {tested_name for tested_name, _ in tested}, name


def test_where_all_is_as_described_nothing_is_found(sandbox: Sandbox) -> None:
    report = examined(sandbox)
    assert found(report) == set()
    assert {one.verdict for one in [*report.operations, *report.errors.values()]} == {"as described"}
    assert {one.mark for one in report.steps} == {"pass"}


@pytest.mark.slow
def test_fifty_seeds_give_no_false_alarm() -> None:
    for seed in range(50):
        with Sandbox(seed, tls=False) as sandbox:
            assert found(examined(sandbox)) == set(), seed


def test_a_debug_trace_in_an_error_is_found(sandbox: Sandbox) -> None:
    body = {"message": "No query results", "exception": "NotFound", "trace": [{"file": "/srv/app.php"}]}
    sandbox.fault(kind="status", status=404, body=body, path="/api/1.0/clients/2147483647", times=None)
    report = examined(sandbox)
    assert ("get_client", "trace", "extra", "the server's own source: debug mode") in found(report)


BROKEN: list[tuple[str, Any, tuple[str, str, str]]] = [
    ("an id that is a text", {"data": {"id": "canary-7"}}, ("data.id", "type", "string")),
    ("no id", {"data": {"company_name": "canary-7"}}, ("data.id", "missing", "no such key")),
    ("an amount in words", {"data": {"id": 1, "credit_limit": "canary-7"}}, ("data.credit_limit", "format", "other")),
    ("an amount that is an object", {"data": {"id": 1, "credit_limit": {}}}, ("data.credit_limit", "type", "object")),
    ("a list", {"data": [{"id": 1}]}, ("data", "type", "array")),
]


@pytest.mark.parametrize(("name", "body", "difference"), BROKEN)
def test_a_difference_that_breaks_is_told_from_one_that_is_handled(
    sandbox: Sandbox, name: str, body: Any, difference: tuple[str, str, str]
) -> None:
    del name
    sandbox.fault(kind="status", status=200, body=body, path="/api/1.0/clients/1*", times=None)
    report = examined(sandbox)
    (result,) = [one for one in report.operations if one.operation == "get_client"]
    (met,) = [one for one in result.differences if (one.path, one.kind, one.got) == difference]
    assert result.verdict == "breaks"
    assert result.verdict_of(met) == "breaks"
    assert report.has_failed
    assert "canary-7" not in str(report.to_dict())


def test_each_difference_is_judged_not_only_the_first(sandbox: Sandbox) -> None:
    body = {"data": {"credit_limit": "canary-7", "company_name": {}, "updated_at": 5, "currency": 7}}
    sandbox.fault(kind="status", status=200, body=body, path="/api/1.0/clients/1*", times=None)
    (result,) = [one for one in examined(sandbox).operations if one.operation == "get_client"]
    verdicts = {(one.path, one.kind): result.verdict_of(one) for one in result.differences}
    assert verdicts["data.id", "missing"] == "breaks"
    assert verdicts["data.credit_limit", "format"] == "breaks"
    assert verdicts["data.credit_limit", "type"] == "handled"  # a text is one of the document's types
    assert verdicts["data.company_name", "type"] == "handled"
    assert verdicts["data.updated_at", "type"] == "handled"
    assert verdicts["data.currency", "type"] == "handled"


def test_a_page_of_html_breaks(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "text/html"}
    sandbox.fault(
        kind="status", status=200, body="<html>canary-7</html>", headers=headers, path="/api/1.0/me", times=None
    )
    report = examined(sandbox)
    assert [one.operation for one in report.operations if one.verdict == "breaks"] == ["get_current_user"]
    assert "canary-7" not in str(report.to_dict())
