"""The code in the README runs, as it stands, against the sandbox."""

import re
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from krebit import Krebit, MemoryTokenStore
from krebit_sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def quickstart_environment(krebit_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    for name, value in krebit_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return krebit_sandbox


@pytest.mark.parametrize("block", [block for block in BLOCKS if "Krebit.from_env() as" in block])
def test_programs(block: str, quickstart_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "README.md", "exec"), {})
    if "print(point.name" in block:
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) > 1 + quickstart_environment.switches.clients


def test_the_two_halves_of_a_sign_in(krebit_sandbox: Sandbox) -> None:
    block = next(block for block in BLOCKS if "start_login" in block)
    with Krebit.from_env(
        krebit_sandbox.environment, ca_file=krebit_sandbox.ca_file, store=MemoryTokenStore()
    ) as krebit:
        begin, finish = block.strip().splitlines()
        names: dict[str, object] = {"krebit": krebit}
        exec(begin, names)
        names["callback_url"] = consent(krebit_sandbox, names["attempt"].url)  # type: ignore[attr-defined]
        exec(finish, names)
        assert krebit.get_current_user().name


def consent(sandbox: Sandbox, url: str) -> str:
    """Allow on the consent page, as a browser would, and give the address it is sent to."""
    with httpx.Client(verify=ssl.create_default_context(cafile=sandbox.ca_file)) as browser:
        page = browser.get(url).text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        action = re.search(r'<form[^>]* action="([^"]*)"', page)
        target = browser.build_request("GET", url).url.join(action.group(1) if action else "")
        answer = browser.post(target, data=fields | {"decision": "allow"})
    return answer.headers["location"]


def test_the_pytest_fixture_as_shown(tmp_path: Path) -> None:
    block = next(block for block in BLOCKS if "def test_my_report" in block)
    (tmp_path / "test_mine.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_each_file_that_it_points_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
