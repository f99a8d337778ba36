"""docs/client.md: its programs run as they stand, and it names every option and every model."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import krebit_api.models
from krebit import AsyncKrebit, ClientOptions, Krebit, LoginAttempt, MemoryTokenStore
from krebit.errors import LoginFailed
from krebit_sandbox import Sandbox
from tests.project.test_readme import consent

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = [block for block in BLOCKS if "Krebit.from_env(" in block]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_its_programs_run(program: str, krebit_environment: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "UNSET" not in done.stdout
    grants = [request for request in krebit_environment.requests if request.path == "/api/oauth/token"]
    assert len(grants) == 1


def test_its_sign_in_works(krebit_sandbox: Sandbox) -> None:
    """In two clients, as in two workers, and in two tabs of one person; a stray hit ends neither."""
    names: dict[str, object] = {"LoginAttempt": LoginAttempt}
    exec(next(block for block in BLOCKS if "def callback" in block), names)
    connect, callback = names["connect"], names["callback"]
    assert callable(connect)
    assert callable(callback)
    session: dict[str, object] = {}
    application = {
        name: value
        for name, value in krebit_sandbox.environment.items()
        if name not in ("KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE")
    }
    with (
        Krebit.from_env(application, ca_file=krebit_sandbox.ca_file, store=MemoryTokenStore()) as one,
        Krebit.from_env(application, ca_file=krebit_sandbox.ca_file, store=MemoryTokenStore()) as another,
    ):
        tabs = [consent(krebit_sandbox, str(connect(session, one))) for _ in range(2)]
        for stray in ("", "wrong"):
            with pytest.raises(LoginFailed):
                callback(session, another, f"https://a.example/?state={stray}&code=abc", stray)
        for url in reversed(tabs):
            state = parse_qs(urlsplit(url).query)["state"][0]
            with pytest.raises(LoginFailed):
                callback({}, another, url, state)  # somebody else's session
            callback(session, another, url, state)
            assert another.get_current_user().name


def test_it_names_every_option_and_every_model_of_the_rest_calls() -> None:
    named = set(re.findall(r"`([A-Za-z_]+)`", PAGE))
    assert ClientOptions.__annotations__.keys() <= named
    records = {name for name in re.findall(r"`([A-Z][A-Za-z]+)`", PAGE) if name in krebit_api.models.__all__}
    assert records >= {"ClientRecord", "Act", "ActDataPoint", "CurrentUser", "WebhookSubscription"}


def test_both_clients_take_the_same_arguments() -> None:
    assert AsyncKrebit.__init__ is Krebit.__init__
    assert AsyncKrebit.from_env.__func__ is Krebit.from_env.__func__  # type: ignore[attr-defined]
