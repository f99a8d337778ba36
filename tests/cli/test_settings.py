"""Settings from the environment and from the settings file: for the command line and for programs alike."""

import json
import os
import resource
import shlex
import sys
from pathlib import Path

import pytest
from click import ClickException

from krebit import ConfigurationError, Krebit, StoreUnsafe
from krebit.cli.saving import save
from krebit.config import UncheckedSettings
from krebit.config_file import default_path, load, read_settings
from krebit.redaction import Secret
from krebit_sandbox import Sandbox
from tests.cli.support import run
from tests.frames import frames_of
from tests.needs import needs_root

SECRET = "a-secret-canary-1"
GRANTS = ("KREBIT_API", "KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE", "KREBIT_STATE")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file, and a secret file beside it."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "secret").chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text(
        """
        domain = "one.krebit.se"
        client_id = "one"
        client_secret_file = "secret"
        redirect_uri = "http://127.0.0.1:1/"

        [profiles.anna]
        redirect_uri = "http://127.0.0.1:2/"

        [profiles.other]
        domain = "two.krebit.se"
        client_id = "two"
        """
    )
    path.chmod(0o644)
    return path


def read(file: Path, environ: dict[str, str] | None = None, profile: str | None = None) -> UncheckedSettings:
    return read_settings(environ or {}, profile, path=file)


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


@pytest.mark.parametrize("command", ["false", "/nowhere/program", "'", ""])
def test_a_command_that_fails_is_named(tmp_path: Path, command: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"client_secret_command = {json.dumps(command)}\n")
    with pytest.raises(ConfigurationError, match=r"client_secret_command: .*run it in a shell|gives no text") as caught:
        read(file)
    assert str(file) in str(caught.value)


def test_no_message_shows_a_command_which_may_have_a_password_in_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"client_secret_command = '/nowhere/vault {SECRET}'\n")
    with pytest.raises(ConfigurationError, match="run it in a shell") as caught:
        read(file)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("domain = \n", "line 1"),
        ("domian = 'a'", "did you mean domain?"),
        ("domain = 1", "must be a text"),
        ("plain_http = 'yes'", "true or false"),
        (f"client_secret = '{SECRET}'", "client_secret_file"),
        ("profiles = 3", "profiles: must be tables"),
        ("[profiles.anna]\nfoo = 1", r"\[profiles.anna\]: foo: is not known"),
        ("client_secret_file = 'a'\nclient_secret_command = 'b'", "remove one"),
        ("client_secret_file = 'missing'", "there is no file .*missing"),
        ("domain = 'http://a.b/c'\nclient_id = 'a'", "domain: is not the tenant's host"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("KREBIT_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match=message) as caught:
        Krebit.from_env()
    assert str(file) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_others_may_change_is_refused(file: Path) -> None:
    file.chmod(0o666)
    with pytest.raises(StoreUnsafe, match="chmod go-w"):
        load(file)


def test_a_secret_that_others_may_read_is_refused(file: Path) -> None:
    (file.parent / "secret").chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"client_secret_file: .*chmod 600"):
        read(file)


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


def test_logins_of_profiles_are_apart(site: Sandbox) -> None:
    assert run("me", "--profile", "anna").code == 4
    assert run("--profile", "anna", "me").code == 4
    assert run("me").code == 0
    found = json.loads(run("status", "--profile", "anna").out)
    assert found["login"] == "none; sign in with: krebit login --profile anna"
    assert json.loads(run("status").out)["login"] == "signed in"


@pytest.mark.parametrize(
    "content",
    [
        f'client_secret = "{SECRET}"',
        f'[profiles.anna]\nclient_secret = "{SECRET}"',
        f'client_secret = "{SECRET}',
        f'client_secret = "{SECRET}"\n# \udcff',
        f'profiles = "{SECRET}"',
    ],
)
def test_no_frame_shows_a_secret_that_somebody_wrote_into_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert SECRET not in frames_of(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        "client_secret_file = 'odd'",
        "client_secret_command = 'cat odd'",
        "client_secret_command = 'sh -c \"cat odd;exit 1\"'",
    ],
)
def test_no_frame_shows_a_secret_that_cannot_be_used(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd").write_bytes(f"{SECRET}\xff".encode("latin-1"))
    (tmp_path / "odd").chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text(key)
    with pytest.raises(ConfigurationError) as caught:
        read_settings({}, None, path=path)
    assert SECRET not in frames_of(caught.value) + str(caught.value)


def test_files_with_the_mark_of_an_editor_of_windows(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\r\n", "utf-8-sig")
    (tmp_path / "secret").chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text('domain = "one.krebit.se"\r\nclient_secret_file = "secret"\r\n', "utf-8-sig")
    found = read_settings({}, None, path=path)
    assert (found.domain, found.client_secret.reveal()) == ("one.krebit.se", SECRET)
    save(path, "default", {"client_id": "one"}, None)
    assert read_settings({}, None, path=path).client_id == "one"


@pytest.mark.parametrize("profile", ["default", "anna"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        'domain = "old.krebit.se"\n',
        '[profiles.PROFILE]\ndomain = "old.krebit.se"\nclient_id = "old"\nclient_secret_command = "echo old"\n',
        '[profiles]\nPROFILE.domain = "old.krebit.se"\n',
        'profiles.PROFILE.domain = "old.krebit.se"\n',
        'profiles = {PROFILE = {domain = "old.krebit.se"}}\n',
        'profiles = {bo = {domain = "old.krebit.se"}}\n',
    ],
)
def test_saved_settings_are_those_of_the_next_command(tmp_path: Path, text: str, profile: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text.replace("PROFILE", profile))
    save(path, profile, {"domain": "new.krebit.se", "client_id": "new"}, Secret(SECRET))
    found = read_settings({}, profile, path=path)
    assert (found.domain, found.client_id, found.client_secret.reveal()) == ("new.krebit.se", "new", SECRET)


def test_settings_behind_a_link_have_their_secret_beside_the_link(tmp_path: Path) -> None:
    """Where the link leads is often a repository of settings: no secret belongs there, and none is looked for there."""
    kept = tmp_path / "repository" / "krebit.toml"
    kept.parent.mkdir()
    kept.write_text("# mine\n")
    path = tmp_path / "config.toml"
    path.symlink_to(kept)
    save(path, "default", {"domain": "new.krebit.se", "client_id": "new"}, Secret(SECRET))
    assert path.is_symlink()
    assert kept.read_text().startswith("# mine\n")
    assert [each.name for each in kept.parent.iterdir()] == ["krebit.toml"]
    assert read(path).client_secret.reveal() == SECRET


def test_no_settings_are_saved_through_a_link_of_another_user_in_a_folder_for_all(tmp_path: Path) -> None:
    needs_root()
    tmp_path.chmod(0o1777)
    path, mine = tmp_path / "config.toml", tmp_path / "mine"
    path.symlink_to(mine)
    os.lchown(path, 65534, -1)
    with pytest.raises(ClickException, match="is a link of another user"):
        save(path, "default", {"client_id": "one"}, Secret(SECRET))
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


def test_no_room_for_the_settings_leaves_the_secret_of_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"# {'long' * 2_000}\n")
    save(path, "default", {"domain": "one.krebit.se", "client_id": "one"}, Secret(SECRET))
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(ClickException, match=r"config\.toml: File too large"):
            save(path, "default", {"client_id": "two"}, Secret("the secret of two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_settings_may_come_out_of_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b'domain = "one.krebit.se"\n')
    os.close(writing)
    assert read_settings({}, None, path=Path(f"/dev/fd/{reading}")).domain == "one.krebit.se"
    os.close(reading)


def test_a_file_that_nests_too_deeply(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"a = {'[' * 5000}{']' * 5000}")
    with pytest.raises(ConfigurationError, match="nests too deeply"):
        load(path)
