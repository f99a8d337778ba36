"""docs/sandbox.md: its commands work, and it names every endpoint, every switch and every kind of fault."""

import json
import os
import re
import subprocess
from operator import attrgetter
from pathlib import Path

from krebit_sandbox import Sandbox, Switches
from krebit_sandbox.control import Control
from krebit_sandbox.faults import KINDS
from krebit_sandbox.site import Site
from krebit_sandbox.switches import choices, hints
from krebit_sandbox.tenant import Tenant
from tests.docs.pages import page
from tests.needs import needs

PAGE = page("sandbox")


def test_its_commands_work(krebit_sandbox: Sandbox, tmp_path: Path) -> None:
    """All but those that start a sandbox, in their order, in one shell."""
    needs("bash", "curl", "jq")
    lines = [line for line in re.findall(r"^\$ (.*)", PAGE, re.MULTILINE) if "curl " in line]
    script = 'curl() { command curl --silent --fail-with-body --noproxy "*" "$@"; echo; }\n' + "\n".join(lines)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **krebit_sandbox.environment}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    me, switches, fault, act, deliveries, requests, variables = map(json.loads, done.stdout.splitlines())
    assert me["data"]["name"]
    assert (switches["clients"], fault["status"], deliveries) == (3, 503, [])
    assert act["uuid"]
    assert [one["path"] for one in requests] == ["/api/1.0/me"]
    assert variables == krebit_sandbox.environment


def test_it_names_every_control_endpoint() -> None:
    routes = {route.path for route in Control(Site(Tenant(1, Switches()))).routes()}
    assert set(re.findall(r"/_sandbox/[a-z-]+", PAGE)) == routes


def test_it_names_what_does_the_same_in_python() -> None:
    rows = [row for row in PAGE.splitlines() if re.match(r"\| `[A-Z]+ /_sandbox/", row)]
    named = [re.findall(r"`sandbox\.([a-z_.]+)(?:\(…?\))?`", row) for row in rows]
    assert len(rows) == 19
    assert all(len(names) == 1 for names in named)
    with Sandbox(tls=False) as sandbox:
        for (name,) in named:
            attrgetter(name)(sandbox)


def test_it_names_every_switch_every_choice_and_every_fault() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", PAGE))
    switches = hints()
    assert switches.keys() <= named
    assert {choice for hint in switches.values() for choice in choices(hint)} <= named
    assert set(KINDS) <= named
