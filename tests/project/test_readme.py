"""The code in the README runs, as it stands, against the sandbox."""

import re
import ssl
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from krebit import Krebit, NotFound
from krebit_sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if "Krebit.from_env() as" in block and "def test_" not in block]
)
def test_programs(block: str, krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "README.md", "exec"), {})
    if "print(point.name" in block:
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) > 1 + krebit_environment.switches.clients


def test_the_calls_of_the_table(krebit_environment: Sandbox) -> None:
    """Each as it is printed, but the one path that it says the sandbox does not know."""
    table = re.findall(r"^\|[^|]*\|[^|]*\| `(api\..*?)`", README, re.MULTILINE)
    names: dict[str, Any] = {}
    exec(next(code for code in re.findall(r"`(from krebit_api\.models [^`]+)`", README)), names)
    with Krebit.from_env() as api:
        names |= {"api": api, "act": api.get_latest_act(12345)}
        for call in table:
            call = call.replace("https://…", "https://example.com/hook")
            if "/acts" in call:
                with pytest.raises(NotFound):
                    eval(call, names)
            else:
                assert eval(call, names), call
        (raw,) = re.findall(r"`(api\.with_raw_response\(.*?)`", README)
        assert eval(raw, names) is None
        krebit_environment.switch(rate_limit=60)
        assert int(eval(raw, names)) > 0
        assert isinstance(api.get_client(12345).credit_limit, Decimal | int)
    assert len(table) == 7


def consent(sandbox: Sandbox, url: str) -> str:
    """Allow on the consent page, as a browser would, and give the address it is sent to."""
    with httpx.Client(verify=ssl.create_default_context(cafile=sandbox.ca_file)) as browser:
        page = browser.get(url).text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        action = re.search(r'<form[^>]* action="([^"]*)"', page)
        target = browser.build_request("GET", url).url.join(action.group(1) if action else "")
        answer = browser.post(target, data=fields | {"decision": "allow"})
    return answer.headers["location"]


def test_the_pytest_fixtures_as_shown(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("\n\n".join(block for block in BLOCKS if "def test_my_" in block))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_each_file_that_it_points_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", README):
        assert (ROOT / target).exists(), target
