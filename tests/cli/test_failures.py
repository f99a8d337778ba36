"""Each failure is one line that says what to do, and an exit code. No traceback, no secret."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from krebit_sandbox import Sandbox
from tests.cli.support import COMMAND, Screen, environment, run
from tests.conftest import SECRETS

WITHOUT_CLICK = """
import sys
sys.modules["click"] = None
from krebit.cli import main
sys.exit(main(["clients"]))
"""


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["clinets"], 2, "there is no command 'clinets'; did you mean clients?"),
        (["act", "latset"], 2, "did you mean latest?"),
        (["webhook", "zzz"], 2, "the commands are create, listen, verify"),
        (["clients", "--lmit", "3"], 2, "--limit"),
        (["clients", "--limit"], 2, "option '--limit' requires an argument\n"),
        (["clients", "--limit", "none"], 2, "'none' is not a whole number"),
        (["clients", "--all", "--page", "2"], 2, "leave --limit and --page out"),
        (["clients", "--json", "--csv"], 2, "use only one of"),
        (["clients", "--fields", "id,compny_name"], 2, "no field compny_name; the fields are id, company_name"),
        (["clients", "--updated-since", "yesterdy"], 2, "write 2024-05-01"),
        (["clients", "--updated-since", "3m"], 2, "'3m' is not a time"),
        (["completion"], 2, "missing argument '{bash|zsh|fish}'"),
        (["client"], 2, "missing argument 'ID'"),
        (["client", "999999"], 1, "404 Not Found"),
        (["act", "latest", "x"], 2, "'x' is not the id of a client; krebit clients shows the ids"),
        (["api", "GET", "/nothing"], 1, "404 Not Found"),
        (["api", "GET", "/clients", "-f", "limit"], 2, "is not KEY=VALUE"),
        (["api", "POST", "/webhooks", "--input", os.devnull], 2, "is not JSON"),
        (["api", "POST", "/webhooks", "-f", "event=act.created"], 1, "target: The target field is required"),
        (["export", "clients", "--to", "clients.txt"], 2, "end it in .csv, .jsonl or .xlsx"),
        (["me", "--domain", "http://a.b/c"], 2, "domain: is not the tenant's host"),
    ],
)
def test_one_line_and_an_exit_code(site: Sandbox, arguments: list[str], code: int, text: str) -> None:
    done = run(*arguments)
    assert done.code == code, done.err
    assert done.out == ""
    assert text in done.err
    assert done.err.startswith("krebit: ")
    assert done.err.count("\n") == 1


def test_a_value_that_nests_deeply(site: Sandbox) -> None:
    """Some Pythons cannot read it, so it is a text. Others read it and cannot write it."""
    done = run("api", "POST", "/webhooks", "-F", f"a={'[' * 5000}{']' * 5000}")
    assert done.code in (1, 2)
    assert "The event field is required" in done.err or "the body nests too deeply" in done.err
    assert len(done.err.splitlines()) == 1


def test_no_settings_at_all(site: Sandbox) -> None:
    done = run("clients", env=dict.fromkeys(name for name in os.environ if name.startswith("KREBIT_")))
    assert done.code == 2
    assert done.err == (
        "krebit: not set: KREBIT_DOMAIN, KREBIT_CLIENT_ID, KREBIT_CLIENT_SECRET; call: krebit login --save "
        "(or set them in the environment)\n"
    )


def test_settings_of_another_tenant_go_to_a_profile_of_their_own(site: Sandbox, home: Path) -> None:
    """`--save` without a profile would replace those of the first tenant."""
    other = ("--domain", "second.krebit.se")
    missing = "KREBIT_CLIENT_ID, KREBIT_CLIENT_SECRET; call: krebit login --save"
    assert f"{missing} --domain HOST (or" in run("clients", *other).err
    (home / "config.toml").write_text(f'domain = "{site.domain}"\n')
    assert f"{missing} --profile NAME --domain HOST (or" in run("clients", *other).err
    assert "call: krebit login --save --profile NAME --domain HOST (or" in " ".join(
        run("doctor", "--offline", *other).out.split()
    )


def test_the_variables_of_a_sandbox_without_tls(site: Sandbox) -> None:
    done = run("me", env={"KREBIT_API": f"http://{site.domain}/api/1.0"})
    assert done.code == 2
    assert f"set it to https://{site.domain}/api/1.0, or for a sandbox without TLS use --plain-http" in done.err


def test_a_wrong_setting_comes_before_those_that_are_missing(site: Sandbox) -> None:
    done = run("clients", env={"KREBIT_DOMAIN": "a/b", "KREBIT_CLIENT_ID": None, "KREBIT_CLIENT_SECRET": None})
    assert done.code == 2
    assert done.err.startswith("krebit: KREBIT_DOMAIN: is not the tenant's host")
    assert done.err.endswith(
        "; not set: KREBIT_CLIENT_ID, KREBIT_CLIENT_SECRET; call: krebit login --save "
        "(or set them in the environment)\n"
    )


def test_no_login(site: Sandbox) -> None:
    done = run("clients", env={"KREBIT_REFRESH_TOKEN": None, "KREBIT_AUTH_CODE": None})
    assert done.code == 4
    assert done.err.endswith("; sign in with: krebit login\n")
    assert "api.login()" not in done.err


def test_no_login_of_a_profile(site: Sandbox) -> None:
    assert run("me", "--profile", "anna").err.endswith("; sign in with: krebit login --profile anna\n")


def test_no_server(site: Sandbox) -> None:
    run("me")
    site.stop()  # and its authority goes with it
    done = run("me", env={"KREBIT_RETRIES": "0", "SSL_CERT_FILE": None})
    assert done.code == 1
    assert done.err.startswith("krebit: ")
    assert done.err.count("\n") == 1


def test_a_command_alone_shows_its_help_and_fails(site: Sandbox) -> None:
    done = run()
    assert done.code == 2
    assert "Commands:" in done.err
    assert run("export").code == 2


def test_without_the_extra_it_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_CLICK], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "krebit: the command line needs more packages; install them with: pip install 'krebit[cli]'\n"


def test_debug_shows_the_log_and_the_traceback_without_secrets(site: Sandbox) -> None:
    done = run("--debug", "client", "999999")
    assert done.code == 1
    assert "Traceback" in done.err
    assert "DEBUG krebit: " in done.err
    assert done.err.splitlines()[-1].startswith("krebit: there is no client 999999; ")
    assert not SECRETS.search(done.err), done.err
    for name in ("KREBIT_CLIENT_SECRET", "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"):
        assert os.environ[name] not in done.err


def test_a_fault_of_ours_is_one_line_too(site: Sandbox) -> None:
    done = run("api", "POST", "/webhooks", "--input", "/nowhere/body.json")
    assert (done.code, done.err) == (1, "krebit: /nowhere/body.json: No such file or directory\n")


def test_ctrl_c(site: Sandbox) -> None:
    site.fault(kind="stall", path="/api/1.0/clients", times=None)
    screen = Screen([*COMMAND, "--debug", "clients"])
    screen.read_until("/oauth/token")
    done = screen.interrupt()
    assert done.code == 130
    assert "krebit: interrupted" in done.out


def test_a_signal_from_another_program(site: Sandbox, tmp_path: Path) -> None:
    """A file that was being written is not there."""
    site.fault(kind="stall", path="/api/1.0/clients", times=None)
    command = [*COMMAND, "--debug", "export", "clients", "--to", str(tmp_path / "clients.csv")]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "/oauth/token" in line:
            break
    process.send_signal(signal.SIGINT)
    try:
        said = process.communicate(timeout=10)[1]
    except subprocess.TimeoutExpired:  # Python loses a signal that comes while it frees an object
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert "krebit: interrupted" in said
    assert process.returncode == 130
    assert not list(tmp_path.glob("*clients*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_costs_no_login_and_leaves_no_file(
    site: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    site.fault(kind="hold", path="/api/oauth/token", times=1, after_effect=True)
    command = [*COMMAND, "export", "clients", "--to", str(tmp_path / "clients.csv")]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        site.wait_for_held(timeout=60)
        process.send_signal(number)
        assert process.stderr is not None
        assert process.stderr.readline() == "krebit: interrupted\n"
        site.release()
        assert process.wait(60) == 130
    assert not list(tmp_path.glob("*clients.csv*"))
    assert run("me").code == 0
    assert len([request for request in site.requests if request.path == "/api/oauth/token"]) == 1
