"""The pytest plugin, as a user's own test run finds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

USER_TESTS = """
import httpx, ssl
from krebit_sandbox import Sandbox, Switches

seen = []

def me(sandbox):
    verify = ssl.create_default_context(cafile=sandbox.ca_file) if sandbox.ca_file else False
    bearer = {"Authorization": f"Bearer {sandbox.issue_tokens().access_token}"}
    with httpx.Client(verify=verify, headers=bearer, trust_env=False, timeout=60) as client:
        return client.get(f"{sandbox.url}/api/1.0/me").json()

def test_one(krebit_sandbox):
    krebit_sandbox.switch(envelope="bare")
    seen.append((krebit_sandbox.url, krebit_sandbox.environment["KREBIT_REFRESH_TOKEN"]))
    assert "name" in me(krebit_sandbox)

def test_two_is_as_new_on_the_same_server(krebit_sandbox, krebit_sandbox_server):
    assert krebit_sandbox is krebit_sandbox_server
    assert seen[0][0] == krebit_sandbox.url
    assert seen[0][1] != krebit_sandbox.environment["KREBIT_REFRESH_TOKEN"]
    assert krebit_sandbox.switches == Switches()
    assert "data" in me(krebit_sandbox)

def test_own_servers(krebit_sandbox_factory, krebit_sandbox):
    first = krebit_sandbox_factory(tls=False, switches=Switches(envelope="bare"))
    second = krebit_sandbox_factory(seed=99)
    assert len({first.url, second.url, krebit_sandbox.url}) == 3
    assert me(first) == me(krebit_sandbox)["data"] != me(second)["data"]
    assert first.url.startswith("http://")
"""


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=variables, timeout=120)


STOPPED = """
import pytest

@pytest.fixture
def status(krebit_sandbox):
    import httpx, ssl
    verify = ssl.create_default_context(cafile=krebit_sandbox.ca_file)
    return lambda: httpx.get(f"{krebit_sandbox.url}/login", verify=verify, trust_env=False, timeout=60).status_code

@pytest.mark.parametrize("number", range(3))
def test_each_finds_it_running_and_stops_it(krebit_environment, status, number):
    assert status() == 200
    krebit_environment.stop()
    assert not krebit_environment.running
"""


@pytest.mark.slow
def test_a_test_that_stops_the_sandbox_does_not_break_the_next(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "test_user.py").write_text(STOPPED)
    result = run_pytest(tmp_path)
    assert "3 passed" in result.stdout, result.stdout + result.stderr


def test_fixtures_in_a_users_run(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\nkrebit_sandbox_seed = 5\n")
    (tmp_path / "test_user.py").write_text(USER_TESTS)
    result = run_pytest(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 passed" in result.stdout


OWN_CODE = """
import os, subprocess, sys
from pathlib import Path
from krebit import Krebit

def report():
    with Krebit.from_env() as krebit:
        return krebit.get_client(12345).id

def test_own_code_finds_the_sandbox_and_keeps_one_login(krebit_environment, krebit_sandbox, tmp_path):
    assert krebit_environment is krebit_sandbox
    assert [report(), report()] == [12345, 12345]
    program = "from krebit import Krebit; print(Krebit.from_env().get_client(12345).id)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "12345\\n"
    assert len([one for one in krebit_sandbox.requests if one.path == "/api/oauth/token"]) == 1
    assert len(list(tmp_path.rglob("*.json"))) == 1

def test_the_next_has_another_login(krebit_environment, tmp_path):
    assert not list(tmp_path.iterdir())
    assert report() == 12345

def test_afterwards_all_is_as_before():
    assert os.environ["KREBIT_DOMAIN"] == "before" and os.environ["HOME"] == "/before"
    assert "KREBIT_REFRESH_TOKEN" not in os.environ
"""


@pytest.mark.slow
def test_own_code_that_reads_the_environment(tmp_path: Path) -> None:
    (tmp_path / "test_user.py").write_text(OWN_CODE)
    # A company's proxy is no way to this machine, and its database is no store for tests.
    result = run_pytest(
        tmp_path,
        KREBIT_DOMAIN="before",
        KREBIT_TOKEN_STORE="redis://127.0.0.1:1/0",
        HOME="/before",
        HTTPS_PROXY="http://127.0.0.1:1",
    )
    assert "3 passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
def test_seed_by_option(tmp_path: Path) -> None:
    code = "def test_seed(krebit_sandbox, pytestconfig):\n    assert krebit_sandbox.seed == 23\n"
    (tmp_path / "pytest.ini").write_text("[pytest]\nkrebit_sandbox_seed = 5\n")
    (tmp_path / "test_user.py").write_text(code)
    assert run_pytest(tmp_path, "--krebit-sandbox-seed=23").returncode == 0
    assert run_pytest(tmp_path).returncode == 1


def test_without_the_extra_other_tests_still_run(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for package in ("starlette", "uvicorn", "trustme", "jinja2"):
        (blocked / f"{package}.py").write_text(f"raise ModuleNotFoundError('no {package}', name='{package}')")
    code = "def test_own():\n    pass\n\ndef test_sandbox(krebit_sandbox):\n    pass\n"
    (tmp_path / "test_user.py").write_text(code)
    result = run_pytest(tmp_path, PYTHONPATH=str(blocked))
    assert "1 passed, 1 error" in result.stdout
    assert "pip install 'krebit[sandbox]'" in result.stdout


def test_the_plugin_imports_nothing_heavy() -> None:
    heavy = "{'starlette', 'uvicorn', 'trustme', 'jinja2', 'h11', 'ssl', 'cryptography', 'asyncio'}"
    code = (
        "import sys, pytest; before = set(sys.modules); import krebit_sandbox.pytest_plugin\n"
        f"print((set(sys.modules) - before) & {heavy})"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.strip() == "set()"
