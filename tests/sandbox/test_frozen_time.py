"""A test that freezes or moves time with freezegun or time-machine does not disturb the sandbox in its process."""

import datetime
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import freezegun
import httpx
import pytest
import time_machine

from krebit_sandbox import Sandbox
from tests.sandbox.support import exchange, http_client, refresh

ME = "/api/1.0/me"
YEARS = ["1999-12-31", "2020-01-01", "2079-06-30"]
WAYS = ["freezegun", "freezegun with its own asyncio", "time-machine", "time-machine that ticks"]


def frozen(way: str, when: str) -> AbstractContextManager[Any]:
    match way:
        case "freezegun":
            return freezegun.freeze_time(when)
        case "freezegun with its own asyncio":
            return freezegun.freeze_time(when, real_asyncio=True)
        case "time-machine":
            return time_machine.travel(when, tick=False)
    return time_machine.travel(when, tick=True)


@pytest.mark.parametrize("when", YEARS)
@pytest.mark.parametrize("way", WAYS)
def test_a_login_and_calls(sandbox: Sandbox, way: str, when: str) -> None:
    code = sandbox.environment["KREBIT_AUTH_CODE"]
    with http_client(sandbox) as api, frozen(way, when):
        assert datetime.datetime.now(datetime.UTC).year == int(when[:4])
        assert api.get(ME).status_code == 200
        tokens = exchange(api, sandbox, code).json()
        assert refresh(api, sandbox, tokens["refresh_token"]).status_code == 200
        sandbox.reset()
        assert refresh(api, sandbox, sandbox.environment["KREBIT_REFRESH_TOKEN"]).status_code == 200
    with http_client(sandbox) as api:
        assert api.get(ME).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_what_takes_time_in_the_server_goes_on(sandbox: Sandbox, way: str) -> None:
    with http_client(sandbox) as api, frozen(way, "2020-01-01"):
        sandbox.switch(latency=0.01)
        sandbox.fault(kind="drip_body", path=ME, seconds=0.001)
        assert api.get(ME).status_code == 200
        assert api.get(ME).status_code == 200
    with http_client(sandbox) as api:
        assert api.get(ME).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_time_moves_by_the_sandboxs_clock_alone(sandbox: Sandbox, way: str) -> None:
    with http_client(sandbox) as api, frozen(way, "2079-06-30"):
        assert api.get(ME).status_code == 200
        sandbox.clock.advance(3600)
        assert api.get(ME).status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_started_and_stopped_while_time_is_frozen(tmp_path: Path, way: str) -> None:
    """In a process of its own: nothing of the certificate's library may have been used before."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from krebit_sandbox import Sandbox\n"
        "from tests.sandbox.test_frozen_time import frozen, status_of_me\n"
        "with frozen(sys.argv[1], '2020-01-01'):\n"
        "    with Sandbox() as sandbox:\n"
        "        print(status_of_me(sandbox))\n"
        "    sandbox = Sandbox().start()\n"
        "print(status_of_me(sandbox))\n"
        "sandbox.stop()\n"
        "with Sandbox() as sandbox:\n"
        "    print(status_of_me(sandbox))\n"
        "    with frozen(sys.argv[1], '2020-01-01'):\n"
        "        sandbox.stop()\n"
        "print('stopped')\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(program), way]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["200", "200", "200", "stopped"], done.stderr


def status_of_me(sandbox: Sandbox) -> int:
    """Return the status of one signed in call."""
    with http_client(sandbox) as api:
        response: httpx.Response = api.get(ME)
        return response.status_code
