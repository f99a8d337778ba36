"""Settings from the environment and from the settings file: for the command line and for programs alike."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from krebit import ConfigurationError, Krebit
from krebit.config_file import default_path, load, read_settings
from krebit_sandbox import Sandbox
from tests.cli.settings import SECRET, file, read
from tests.cli.support import run

__all__ = ["file"]
GRANTS = ("KREBIT_API", "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE", "KREBIT_STATE")


def test_the_file_has_what_the_environment_has_not(file: Path) -> None:
    given = read(file)
    assert (given.domain, given.client_id, given.client_secret.reveal()) == ("one.krebit.se", "one", SECRET)
    assert given.redirect_uri == "http://127.0.0.1:1/"
    assert given.sources["client_secret"] == f"{file}: client_secret_file"


def test_the_environment_goes_before_the_file(file: Path) -> None:
    given = read(file, {"KREBIT_CLIENT_SECRET": "other", "KREBIT_REDIRECT_URI": "http://127.0.0.1:9/"})
    assert (given.domain, given.client_secret.reveal(), given.redirect_uri) == (
        "one.krebit.se",
        "other",
        "http://127.0.0.1:9/",
    )
    assert "client_secret" not in given.sources


def test_a_profile_has_its_own_keys_and_else_those_for_all(file: Path) -> None:
    given = read(file, profile="anna")
    assert (given.domain, given.redirect_uri, given.client_secret.reveal()) == (
        "one.krebit.se",
        "http://127.0.0.1:2/",
        SECRET,
    )
    assert given.profile == "anna"


@pytest.mark.parametrize(
    ("environ", "profile", "domain"),
    [
        ({"KREBIT_DOMAIN": "evil.example"}, None, None),
        ({"KREBIT_CLIENT_ID": "another"}, None, None),
        ({}, "other", None),
        ({}, None, "evil.example"),
    ],
    ids=["another tenant", "another application", "another profile's tenant", "--domain"],
)
def test_a_credential_goes_only_where_it_was_written_for(
    file: Path, environ: dict[str, str], profile: str | None, domain: str | None
) -> None:
    given = read_settings(environ, profile, domain=domain, path=file)
    assert not given.client_secret
    assert given.client_id != "one"
    assert given.redirect_uri is None


def test_the_credentials_of_the_environment_stay_with_its_tenant() -> None:
    environ = {
        "KREBIT_DOMAIN": "one.krebit.se",
        "KREBIT_CLIENT_ID": "one",
        "KREBIT_CLIENT_SECRET": "s",
        "KREBIT_REFRESH_TOKEN": "r",
        "KREBIT_AUTH_CODE": "c",
    }
    given = read_settings(environ, None, domain="two.krebit.se")
    assert (given.client_id, bool(given.client_secret), bool(given.refresh_token), bool(given.auth_code)) == (
        "",
        False,
        False,
        False,
    )
    same = read_settings(environ, None, domain="https://One.krebit.se/")
    assert same.client_id == "one"


def test_a_command_brings_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    program = shlex.join([sys.executable, "-c", f"print({SECRET!r})"])
    file.write_text(f"domain = 'a.krebit.se'\nclient_id = 'a'\nclient_secret_command = {json.dumps(program)}\n")
    assert read(file).client_secret.reveal() == SECRET
    assert not read_settings({}, None, path=file, with_secret=False).client_secret


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert load(tmp_path / "nothing" / "config.toml") is None
    assert load(Path(os.devnull) / "config.toml") is None
    assert read(tmp_path / "config.toml").sources == {}


def test_the_file_lies_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path({}) == tmp_path / "krebit" / "config.toml"
    assert default_path({"KREBIT_CONFIG": str(tmp_path / "x")}) == tmp_path / "x"


def test_with_a_mapping_no_file_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KREBIT_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match="KREBIT_DOMAIN: is not set"):
        Krebit.from_env({})


def test_a_program_finds_the_login_and_the_settings_of_the_terminal(
    site: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the environment are written into the file, and taken away."""
    (home / "secret").write_text(os.environ["KREBIT_CLIENT_SECRET"])
    (home / "secret").chmod(0o600)
    (home / "config.toml").write_text(
        f"domain = '{os.environ['KREBIT_DOMAIN']}'\nclient_id = '{os.environ['KREBIT_CLIENT_ID']}'\n"
        "client_secret_file = 'secret'\n"
    )
    assert run("me").code == 0  # the login begins with the token of the environment
    for name in [name for name in os.environ if name.startswith("KREBIT_") and name != "KREBIT_CONFIG"]:
        monkeypatch.delenv(name)
    assert run("me").code == 0
    with Krebit.from_env() as api:
        assert api.get_current_user().name


def test_status_reads_no_secret_and_opens_no_connection(site: Sandbox, home: Path) -> None:
    (home / "config.toml").write_text(
        f"domain = '{os.environ['KREBIT_DOMAIN']}'\nclient_id = 'a'\nclient_secret_command = 'touch {home}/was-run'\n"
    )
    before = len(site.requests)
    gone: dict[str, str | None] = dict.fromkeys((*GRANTS, "KREBIT_CLIENT_ID", "KREBIT_CLIENT_SECRET"))
    done = run("status", env=gone)
    assert done.code == 0, done.err
    assert json.loads(done.out)["application"] == "a"
    assert json.loads(done.out)["settings"] == f"the environment, {home}/config.toml"
    assert len(site.requests) == before
    assert not (home / "was-run").exists()


def test_status_after_a_logout_promises_nothing_of_used_grants(site: Sandbox) -> None:
    assert json.loads(run("status").out)["login"].startswith("not yet; the next command tries the token or code")
    assert run("me").code == 0
    assert run("logout").code == 0
    assert json.loads(run("status").out)["login"] == "none; sign in with: krebit login"
    assert run("me").code == 4
    assert json.loads(run("status", env={"KREBIT_AUTH_CODE": "new"}).out)["login"].startswith("not yet;")


def test_status_of_a_login_without_a_refresh_token(site: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KREBIT_REFRESH_TOKEN")
    body = {"access_token": site.issue_tokens().access_token, "token_type": "Bearer", "expires_in": 3600}
    site.fault(kind="status", status=200, path="/api/oauth/token", body=body)
    assert run("me").code == 0
    assert run("status", "--fields", "login").out == '{"login": "signed in"}\n'


def test_logins_of_profiles_are_apart(site: Sandbox) -> None:
    assert run("me", "--profile", "anna").code == 4
    assert run("--profile", "anna", "me").code == 4
    assert run("me").code == 0
    found = json.loads(run("status", "--profile", "anna").out)
    assert found["login"] == "none; sign in with: krebit login --profile anna"
    assert json.loads(run("status").out)["login"] == "signed in"
