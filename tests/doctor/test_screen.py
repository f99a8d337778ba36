"""The screen, kept as texts: where all is in order, where answers differ, and where things are broken.

`KREBIT_TESTS_REWRITE_GOLDEN=1` writes the texts anew.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from krebit import MemoryTokenStore
from krebit.doctor import Report, examine
from krebit.doctor.report import Setting, Step
from krebit.doctor.screen import print_report
from krebit_sandbox import Sandbox
from tests.doctor.support import examined, quickstart_document

GOLDEN = Path(__file__).parent / "golden"
# What differs from run to run.
SETTINGS = [
    Setting("domain", "yourco.krebit.se", "KREBIT_DOMAIN in the environment"),
    Setting("client_id", "9b1deb4d", "KREBIT_CLIENT_ID in the environment"),
    Setting("client_secret", "set, not shown", "…/config.toml: client_secret_file"),
    Setting("redirect_uri", "", "not set"),
    Setting("SSL_CERT_FILE", "ca.pem", "SSL_CERT_FILE in the environment"),
]


def in_order(sandbox: Sandbox) -> Report:
    return examined(sandbox)


def different(sandbox: Sandbox) -> Report:
    sandbox.switch(envelope="bare", money="text", metadata="flat", times="space", unknown_keys=True)
    sandbox.switch(user_ids="number", validation_status=400, rate_limit=1000)
    return examined(sandbox)


def broken(sandbox: Sandbox) -> Report:
    body = {"data": {"company_name": "A", "credit_limit": "much"}}
    sandbox.fault(kind="status", status=200, body=body, path="/api/1.0/clients/1*", times=None)
    sandbox.fault(kind="status", status=200, body="<html>", path="/api/1.0/me", skip=1, times=None)
    report = examined(sandbox)
    report.steps[4] = Step("clock", "warn", "this machine's clock is 95 s behind the server's", "set it right")
    return report


def nothing_set(sandbox: Sandbox) -> Report:
    del sandbox
    return examine({}, store=MemoryTokenStore(), document=quickstart_document())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["in_order", "different", "broken", "nothing_set"])
def test_the_screen(sandbox: Sandbox, name: str, width: int) -> None:
    make: Callable[[Sandbox], Report] = globals()[name]
    report = make(sandbox)
    report.settings = SETTINGS
    stream = io.StringIO()
    print_report(report, stream, colored=False, width=width)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) <= 60
    path = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("KREBIT_TESTS_REWRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_refused_call_is_not_shown_as_one_that_was_not_made(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", status=403, path="/api/1.0/me", skip=1, times=None)
    stream = io.StringIO()
    report = examined(sandbox)
    print_report(report, stream, width=300)
    (line,) = [line for line in stream.getvalue().splitlines() if "get_current_user  " in line]
    assert line.split("  ")[-1].strip().startswith("403 Forbidden")
    assert report.shapes()["operations"]["get_current_user"]["reason"] == "no success came"


def test_a_tenant_without_acts_is_not_called_faulty(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", status=404, path="/api/1.0/clients/*/acts/latest", times=None)
    report = examined(sandbox)
    (repair,) = [step.repair for step in report.steps if step.name == "API"]
    assert repair is not None
    assert repair.startswith("nothing to do if there is no such record yet")
    assert report.shapes()["operations"]["get_act_data"]["reason"] == "not called"


def test_colours_are_used_where_asked_for(sandbox: Sandbox) -> None:
    stream = io.StringIO()
    print_report(examined(sandbox), stream, colored=True, width=100)
    assert "\x1b[" in stream.getvalue()
