"""`krebit doctor` in processes of its own: exit codes, files, JSON, and the screen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox


@pytest.fixture
def environ(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The environment of a new user's shell."""
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "100"}
    return {**own, **sandbox.environment}


def doctor(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "krebit", "doctor", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_all_in_order(environ: dict[str, str]) -> None:
    done = doctor(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is in order." in done.stdout
    assert done.stderr == ""
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 100
    assert "\x1b[" not in done.stdout


def test_nobody_is_signed_in(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"):
        del environ[name]
    done = doctor(environ)
    assert done.returncode == 4
    assert "→ sign in with: krebit login" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == []


def test_broken_settings_and_no_utf8(environ: dict[str, str]) -> None:
    environ |= {"KREBIT_DOMAIN": "https://user:canary-7@tenant/path", "LANG": "C", "PYTHONIOENCODING": "ascii"}
    done = doctor(environ, "--offline")
    assert done.returncode == 1
    assert "KREBIT_DOMAIN" in done.stdout
    assert done.stdout.isascii()
    assert "canary-7" not in done.stdout + done.stderr


def test_json_and_files(environ: dict[str, str], sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.switch(money="text")
    files = [tmp_path / "report.json", tmp_path / "openapi.patch"]
    done = doctor(environ, "--json", "--report", str(files[0]), "--patch", str(files[1]))
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    report = json.loads(files[0].read_text())
    assert {key: shown[key] for key in report} == report
    assert {step["name"] for step in shown["steps"]} == report["origin"]["steps"].keys()
    assert "+          type: [string, number, 'null']" in files[1].read_text()
    assert done.stderr.splitlines() == [f"krebit: wrote {file}" for file in files]


def test_a_report_that_cannot_be_written(environ: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "report.json"
    done = doctor(environ, "--offline", "--report", str(place))
    assert done.returncode == 1
    assert str(place) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_goes_where_it_was_sent_and_nowhere_else(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").write_text("of somebody")
    (tmp_path / ".report.json.tmp").symlink_to("other")
    (tmp_path / "report.json").symlink_to("kept.json")
    os.mkfifo(tmp_path / "fifo")
    assert doctor(environ, "--offline", "--report", str(tmp_path / "report.json")).returncode == 0
    assert (tmp_path / "other").read_text() == "of somebody"
    assert (tmp_path / "report.json").is_symlink()
    assert json.loads((tmp_path / "kept.json").read_text())["format"] == "krebit-doctor-report"
    for place in ("fifo", "."):
        done = doctor(environ, "--offline", "--report", str(tmp_path / place))
        assert done.returncode == 2
        assert "is not a regular file; name another file" in done.stderr
    assert (tmp_path / "fifo").is_fifo()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kept")]


def test_without_the_extra_it_says_what_to_install(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "yaml.py").write_text("raise ModuleNotFoundError('no yaml', name='yaml')")
    done = doctor({**environ, "PYTHONPATH": str(tmp_path / "site")}, "--offline")
    assert done.returncode != 0
    assert "pip install 'krebit[cli]'" in done.stderr
