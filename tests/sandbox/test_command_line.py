"""`krebit-sandbox` as a process."""

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from krebit_sandbox import Fault, Sandbox
from krebit_sandbox.__main__ import main
from krebit_sandbox.command_line import export_lines, parse_fault

VARIABLES = ["DOMAIN", "API", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "AUTH_CODE", "REFRESH_TOKEN", "STATE"]
CA_VARIABLES = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"}
Start = Callable[..., tuple[subprocess.Popen[str], dict[str, str]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the command and reads the environment that it prints; ends it after the test."""
    with ExitStack() as stack:

        def run(
            *arguments: str, command: Sequence[str] = (sys.executable, "-m", "krebit_sandbox")
        ) -> tuple[subprocess.Popen[str], dict[str, str]]:
            pipe = subprocess.PIPE
            process = stack.enter_context(subprocess.Popen([*command, *arguments], stdout=pipe, stderr=pipe, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            environment: dict[str, str] = {}
            while "KREBIT_STATE" not in environment:
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read()
                word, assignment = shlex.split(line)
                assert word == "export"
                name, _, value = assignment.partition("=")
                environment[name] = value
            return process, environment

        yield run


def ended(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Exit status, the rest of stdout, and stderr after a signal."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def failed(*arguments: str) -> tuple[int, str, str]:
    """Status, stdout and stderr of a run that cannot start."""
    command = [sys.executable, "-m", "krebit_sandbox", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line that wrong arguments are answered with, before anything has started."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    return str(err.splitlines()[-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_prints_the_environment_and_ends_cleanly(start: Start, number: int) -> None:
    process, environment = start("--no-tls")
    assert set(environment) == {f"KREBIT_{name}" for name in VARIABLES}
    assert environment["KREBIT_API"] == f"http://{environment['KREBIT_DOMAIN']}/api/1.0"
    assert httpx.get(f"{environment['KREBIT_API']}/me", trust_env=False, timeout=60).status_code == 302
    status, out, err = ended(process, number)
    assert (status, out) == (0, "")
    assert "KREBIT SANDBOX" in err
    assert "Traceback" not in err


AT_EACH_STEP_OF_ITS_END = """
import os, signal, sys
from krebit_sandbox.command_line import run
left = 100
def again(frame, event, argument):
    global left
    while frame and left:
        if frame.f_code.co_name == "stop":
            left -= 1
            os.kill(os.getpid(), signal.SIGTERM)
            break
        frame = frame.f_back
sys.setprofile(again)
status = run([])
sys.exit(status if left < 95 else 9)
"""


def test_a_signal_at_each_step_of_its_end_does_not_hold_it_up(start: Start) -> None:
    """From a terminal and from make they come at once: a handler must not wait for the one that it interrupted."""
    process, _ = start(command=[sys.executable, "-c", AT_EACH_STEP_OF_ITS_END])
    assert ended(process)[0] == 0


def test_files_are_private_and_the_authority_is_kept(start: Start, tmp_path: Path) -> None:
    state, file = tmp_path / "state", tmp_path / "sandbox.env"
    process, environment = start("--state-dir", str(state), "--env-file", str(file))
    assert {name for name in environment if not name.startswith("KREBIT_")} == CA_VARIABLES
    assert {environment[name] for name in CA_VARIABLES} == {str(state / "ca.pem")}
    assert file.read_text() == export_lines(environment)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.iterdir(), file)}
    assert modes == {"state": 0o700, "ca.pem": 0o600, "ca-key.pem": 0o600, "sandbox.env": 0o600}
    certificate = (state / "ca.pem").read_bytes()
    assert ended(process)[0] == 0
    start("--state-dir", str(state))
    assert (state / "ca.pem").read_bytes() == certificate


def test_a_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    status, out, err = failed("--state-dir", str(tmp_path))
    assert (status, out) == (1, "")
    assert f"chmod 700 {tmp_path}" in err
    assert "Traceback" not in err


def test_a_damaged_authority_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    for name in ("ca.pem", "ca-key.pem"):
        (tmp_path / name).write_text("damaged")
        (tmp_path / name).chmod(0o600)
    status, _, err = failed("--state-dir", str(tmp_path))
    assert (status, len(err.splitlines())) == (1, 1)
    assert f"{tmp_path / 'ca.pem'}" in err


@pytest.mark.parametrize(
    ("name", "mode"), [("ca-key.pem", 0o666), ("ca-key.pem", 0o640), ("ca-key.pem", 0o604), ("ca.pem", 0o666)]
)
def test_an_authority_that_others_may_have_read_or_replaced_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    tmp_path.chmod(0o700)
    with Sandbox(state_dir=tmp_path):
        pass
    before = (tmp_path / name).read_bytes()
    (tmp_path / name).chmod(mode)
    status, out, err = failed("--state-dir", str(tmp_path))
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert f"{tmp_path / name} is open to others" in err
    assert "remove ca-key.pem and ca.pem" in err
    assert (tmp_path / name).read_bytes() == before


def test_an_authority_that_is_a_link_is_refused(tmp_path: Path) -> None:
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    state.mkdir(mode=0o700)
    elsewhere.write_text("somebody's")
    (state / "ca-key.pem").symlink_to(elsewhere)
    status, _, err = failed("--state-dir", str(state))
    assert (status, len(err.splitlines())) == (1, 1)
    assert "ca-key.pem is not a regular file" in err
    assert elsewhere.read_text() == "somebody's"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_other_hosts_than_loopback_are_refused(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert "binds to loopback only" in refused(capsys, "--host", host)


def test_it_listens_on_loopback_only(start: Start) -> None:
    _, environment = start("--no-tls")
    port = int(environment["KREBIT_DOMAIN"].rpartition(":")[2])
    with socket.socket(type=socket.SOCK_DGRAM) as route, suppress(OSError):  # a machine may have no network
        route.connect(("192.0.2.1", 9))  # which sends nothing
        with socket.socket() as probe:
            assert probe.connect_ex((route.getsockname()[0], port)) != 0
    listeners = Path("/proc/net/tcp")
    if listeners.exists():
        rows = [line.split() for line in listeners.read_text().splitlines()[1:]]
        bound = {row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and int(row[1][-4:], 16) == port}
        assert bound == {"0100007F"}
    listeners = Path("/proc/net/tcp6")
    if listeners.exists():
        rows = [line.split() for line in listeners.read_text().splitlines()[1:]]
        bound = {row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and int(row[1][-4:], 16) == port}
        assert bound <= {"00000000000000000000000001000000"}


def test_a_port_that_is_taken(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, out, err = failed("--port", str(other.getsockname()[1]))
    assert (status, out) == (1, "")
    assert err.startswith("krebit-sandbox cannot start: ")
    assert err.endswith("--port 0 chooses a free one\n")
    assert "Traceback" not in err


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "sandbox.env"
    status, out, err = failed("--no-tls", "--env-file", str(file))
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("krebit-sandbox: ")
    assert str(file) in err.splitlines()[-1]
    assert "Traceback" not in err
    folder = tmp_path / "folder"
    folder.mkdir()
    assert failed("--no-tls", "--env-file", str(folder))[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    file, link = tmp_path / "thesis.txt", tmp_path / "link.env"
    file.write_text("years of work")
    link.symlink_to(file)
    for path, reason in ((file, "was not written by krebit-sandbox"), (link, "is not a regular file")):
        status, out, err = failed("--no-tls", "--env-file", str(path))
        assert (status, out) == (1, "")
        assert f"{reason}" in err.splitlines()[-1]
        assert str(path) in err.splitlines()[-1]
    assert file.read_text() == "years of work"
    assert sorted(tmp_path.iterdir()) == [link, file]


def test_a_file_of_an_earlier_sandbox_is_replaced_and_so_is_an_empty_one(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "sandbox.env"
    file.touch(mode=0o666)
    for _ in range(2):
        process, environment = start("--no-tls", "--env-file", str(file))
        assert file.read_text() == export_lines(environment)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert ended(process)[0] == 0


def test_under_nohup_the_end_of_the_terminal_is_not_its_own(start: Start) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by what is started
    try:
        process, environment = start("--no-tls")
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    assert httpx.get(f"http://{environment['KREBIT_DOMAIN']}/login", trust_env=False, timeout=60).status_code == 200
    assert ended(process)[0] == 0


def test_switches_and_faults_as_options(start: Start) -> None:
    _, environment = start(
        *("--no-tls", "--seed", "7", "--envelope", "bare", "--no-rotation", "--expires-in", "null", "--clients", "3"),
        *("--rate-limit", "50", "--redirect-uri", "http://127.0.0.1:5/cb", "--fault", "kind=status,status=418,times=2"),
    )
    base = f"http://{environment['KREBIT_DOMAIN']}"
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        switches = client.get("/_sandbox/switches").json()
        expected = {"envelope": "bare", "rotation": False, "expires_in": None, "clients": 3, "rate_limit": 50}
        assert {name: switches[name] for name in expected} == expected
        assert [client.get("/login").status_code for _ in range(3)] == [418, 418, 200]
        query = {"client_id": environment["KREBIT_CLIENT_ID"], "response_type": "code"}
        for uri in (environment["KREBIT_REDIRECT_URI"], "https://yourapp.example.com/oauth/callback"):
            assert client.get("/oauth/authorize", params={**query, "redirect_uri": uri}).status_code == 200
    assert environment["KREBIT_REDIRECT_URI"] == "http://127.0.0.1:5/cb"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--envelope", "box"], "invalid choice: 'box'"),
        (["--clients", "1000001"], "switch clients: 1000001 is above 1000000"),
        (["--latency", "soon"], "switch latency: 'soon' is not float"),
        (["--fault", "kind=nonsense"], "fault kind 'nonsense' is not one of"),
        (["--fault", "reset"], "'reset' is not NAME=VALUE"),
        (["--fault", "{"], "Expecting property name"),
        (["--port", "70000"], "70000 is not a number from 0 to 65535"),
        (["--port", "8000x"], "8000x is not a number from 0 to 65535"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_wrong_arguments_are_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert text in refused(capsys, *arguments)


def test_faults_by_fields_or_by_json() -> None:
    assert parse_fault("kind=reset,path=/api/oauth/token,times=null,after_effect=true") == Fault(
        "reset", path="/api/oauth/token", times=None, after_effect=True
    )
    text = json.dumps({"kind": "status", "status": 502, "body": "a,b"})
    assert parse_fault(text) == Fault("status", status=502, body="a,b")


def test_values_are_quoted_for_the_shell() -> None:
    nasty = 'a\'b "c" $(touch x) `y` \\ \n;'
    script = export_lines({"NASTY": nasty}) + 'printf %s "$NASTY"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout == nasty


def test_a_reader_that_leaves_does_not_end_it(start: Start) -> None:
    process, environment = start("--no-tls")
    assert process.stdout is not None
    process.stdout.close()
    base = f"http://{environment['KREBIT_DOMAIN']}"
    assert httpx.get(f"{base}/login", trust_env=False, timeout=60).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    for package in ("starlette", "uvicorn"):
        (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('no {package}', name='{package}')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "krebit_sandbox"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].endswith("pip install 'krebit[sandbox]'")
    assert "Traceback" not in result.stderr
    code = "import krebit_sandbox\ntry: krebit_sandbox.Sandbox\nexcept ModuleNotFoundError as error: print(error)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment).stdout
    assert printed.strip().endswith("pip install 'krebit[sandbox]'")
