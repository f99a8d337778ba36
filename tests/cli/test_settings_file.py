"""The settings file itself: faults and foreign rights are refused, no secret is shown, and `--save` keeps it whole."""

import json
import os
from pathlib import Path

import pytest
from click import ClickException

from krebit import ConfigurationError, Krebit, StoreUnsafe
from krebit.cli.saving import save
from krebit.config_file import load, read_settings
from krebit.redaction import Secret
from tests.cli.settings import SECRET, file, read
from tests.frames import frames_of
from tests.full_disk import full_disk
from tests.needs import needs_root

__all__ = ["file"]


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


@pytest.mark.parametrize("profile", ["default", "anna"])
def test_plain_http_of_a_sandbox_does_not_stay_with_another_tenant(tmp_path: Path, profile: str) -> None:
    path = tmp_path / "config.toml"
    save(path, profile, {"domain": "localhost:8000", "client_id": "one", "plain_http": True}, Secret(SECRET))
    save(path, profile, {"redirect_uri": "http://127.0.0.1:8765/callback"}, None)
    assert read_settings({}, profile, path=path).plain_http
    save(path, profile, {"domain": "new.krebit.se", "client_id": "new"}, Secret(SECRET))
    assert not read_settings({}, profile, path=path).plain_http


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
    with full_disk(4096), pytest.raises(ClickException, match=r"config\.toml: File too large"):
        save(path, "default", {"client_id": "two"}, Secret("the secret of two"))
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
