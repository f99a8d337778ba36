"""Every switch and every fault is set by the command line, the control endpoint and the pytest fixture alike."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from krebit_sandbox import Fault, Sandbox, Switches
from krebit_sandbox.faults import KINDS
from krebit_sandbox.switches import choices, hints

# A value beside the default for each switch that has no fixed set of them.
OTHER: dict[str, Any] = {
    "unknown_keys": True,
    "rotation": False,
    "reuse_revokes_family": True,
    "expires_in": "3600",
    "token_lifetime": 60.0,
    "refresh_lifetime": 120.5,
    "latency": 0.001,
    "rate_limit": 1000,
    "redirect_unauthenticated": False,
    "validation_status": 400,
    "clients": 3,
    "max_limit": 50,
    "webhook_retry_scale": 0.0,
    "webhook_timeout": 1.5,
    "webhook_tries": 1,
    "webhook_disable_after": 2,
}
CHANGED: dict[str, Any] = {name: choices(hint)[-1] if choices(hint) else OTHER[name] for name, hint in hints().items()}

# Each field of a fault with another value than the one that is assumed.
FIELDS: dict[str, Any] = {
    "path": "/api/1.0/*",
    "method": "get",
    "times": None,
    "skip": 1000,
    "status": 503,
    "body": '{"a": "b, c"}',
    "headers": {"Retry-After": "7"},
    "location": "/there",
    "after_effect": True,
    "seconds": 0.25,
    "at_byte": 3,
}
FAULTS = [Fault(kind, **FIELDS) for kind in KINDS]  # type: ignore[arg-type]


def option(name: str, value: Any) -> list[str]:
    dashed = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{dashed}"]
    return [f"--{dashed}", value if choices(hints()[name]) else json.dumps(value)]


def shown(fault: Fault) -> dict[str, Any]:
    return {"kind": fault.kind, **FIELDS}


@pytest.fixture(scope="module")
def started() -> Iterator[httpx.Client]:
    """A client of a process that was given every switch and every fault as options."""
    arguments = [word for name, value in CHANGED.items() for word in option(name, value)]
    for fault in FAULTS:
        arguments += ["--fault", json.dumps(shown(fault))]
    command = [sys.executable, "-m", "krebit_sandbox", "--no-tls", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        domain = process.stdout.readline().strip().partition("=")[2]
        with httpx.Client(base_url=f"http://{domain}", trust_env=False, timeout=60) as client:
            yield client
        process.terminate()


def test_every_switch_has_another_value_here() -> None:
    defaults = Switches().as_dict()
    assert CHANGED.keys() == defaults.keys()
    assert [name for name, value in CHANGED.items() if value == defaults[name]] == []


def test_by_the_command_line(started: httpx.Client) -> None:
    assert started.get("/_sandbox/switches").json() == CHANGED
    assert started.get("/_sandbox/faults").json() == [shown(fault) for fault in FAULTS]


def test_by_the_control_endpoint(sandbox: Sandbox, browser: httpx.Client) -> None:
    for name, value in CHANGED.items():
        changed = browser.patch("/_sandbox/switches", json={name: value}).json()
        assert changed[name] == value
    assert sandbox.switches == Switches(**CHANGED)
    for fault in FAULTS:
        assert browser.post("/_sandbox/faults", json=shown(fault)).json() == shown(fault)
    assert browser.get("/_sandbox/faults").json() == [shown(fault) for fault in FAULTS]


def test_by_the_fixture(sandbox: Sandbox, browser: httpx.Client) -> None:
    sandbox.switch(**CHANGED)
    for fault in FAULTS:
        sandbox.fault(**shown(fault))
    assert browser.get("/_sandbox/switches").json() == CHANGED
    assert browser.get("/_sandbox/faults").json() == [shown(fault) for fault in FAULTS]


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"X-Count": 5}},
        {"headers": {"X-Line": "a\r\nY: b"}},
        {"headers": {"X-€": "a"}},
        {"headers": {"X-Euro": "€"}},
        {"headers": {"X y": "a"}},
        {"location": "/\r\nX: y"},
        {"body": "\ud800"},
        {"seconds": math.nan},
        {"seconds": math.inf},
    ],
)
def test_a_fault_that_could_not_be_sent_is_refused_when_it_is_set(
    sandbox: Sandbox, browser: httpx.Client, fields: dict[str, Any]
) -> None:
    content = json.dumps({"kind": "status", **fields})
    answer = browser.post("/_sandbox/faults", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    with pytest.raises(ValueError):
        sandbox.fault(kind="status", **fields)
    assert browser.get("/login").status_code == 200


@pytest.mark.parametrize("name", ["token_lifetime", "refresh_lifetime", "latency", "webhook_retry_scale"])
@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_switch_is_a_number_of_seconds_that_ends(sandbox: Sandbox, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"switch {name}: "):
        sandbox.switch(**{name: value})


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 1e300, -1e12])
def test_the_clock_stays_within_the_calendar(sandbox: Sandbox, api: httpx.Client, seconds: float) -> None:
    content = json.dumps({"advance": seconds})
    answer = api.post("/_sandbox/clock", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    webhook = {"event": "act.created", "target": "http://localhost:9/"}
    assert api.post("/api/1.0/webhooks", json=webhook).status_code == 201
    assert sandbox.clock.now() < 1e11


@pytest.mark.parametrize("host", ["", "evil.example", "not a host", "localhost@evil.example", "[::1"])
def test_control_asks_for_the_name_that_was_called(sandbox: Sandbox, browser: httpx.Client, host: str) -> None:
    """As it stands in the header: what is no name of a host must not pass for this machine's."""
    assert browser.get("/_sandbox/environment", headers={"Host": host}).status_code == 403
    for own in (sandbox.domain, "127.0.0.1", "[::1]:8443", "LOCALHOST"):
        assert browser.get("/_sandbox/environment", headers={"Host": own}).status_code == 200
