"""Signing in at a terminal: with a real browser, by pasting, and what is kept."""

import os
import re
import socket
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from krebit_sandbox import Sandbox
from tests.browser import chromium
from tests.cli.support import COMMAND, Screen, run
from tests.consent import allow
from tests.ports import port

__all__ = ["chromium", "port"]
VARIABLES = [f"KREBIT_{name}" for name in ("DOMAIN", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "API", "STATE")]
GRANTS = ["KREBIT_REFRESH_TOKEN", "KREBIT_AUTH_CODE"]


@pytest.fixture
def nothing(site: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox, and no variable of it."""
    for name in (*VARIABLES, *GRANTS):
        monkeypatch.delenv(name, raising=False)
    return site


def address(text: str) -> str:
    (found,) = re.findall(r"https?://\S+/oauth/authorize\?\S+", text)
    return str(found)


def answer_questions(screen: Screen, site: Sandbox, uri: str) -> None:
    screen.read_until("yourco.krebit.se: ")
    domain = site.environment["KREBIT_DOMAIN"]
    screen.type(f"https://{domain}/")  # as copied from a browser
    assert f" https://{domain}/developer/my-apps." in screen.read_until("Client ID: ")
    screen.type(site.application.client_id)
    screen.read_until("(it is not shown): ")
    screen.type(site.application.client_secret)
    screen.read_until("[http://127.0.0.1:8765/callback]: ")
    screen.type(uri)


def test_the_way_from_nothing_to_the_first_client(nothing: Sandbox, home: Path) -> None:
    """Everything is asked for, and kept; later commands find it. The secret stands on no screen."""
    uri = nothing.application.redirect_uris[-1]
    screen = Screen([*COMMAND, "login", "--paste"])
    answer_questions(screen, nothing, uri)
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), nothing.environment["SSL_CERT_FILE"]))
    seen += screen.read_until("[Y/n]: ")
    screen.type("")
    done = screen.finish()
    assert done.code == 0, done.out
    assert "You are signed in at https://localhost" in seen
    assert "Next: krebit clients" in seen
    assert nothing.application.client_secret not in seen + done.out
    file = home / "config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tomllib.loads(file.read_text()) == {
        "domain": nothing.environment["KREBIT_DOMAIN"],
        "client_id": nothing.application.client_id,
        "redirect_uri": uri,
        "client_secret_file": "client-secret",
    }
    secret = home / "client-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text() == f"{nothing.application.client_secret}\n"
    assert len(run("clients", "--limit", "1").out.splitlines()) == 1
    assert run("logout").err == "Signed out.\n"
    assert run("me").code == 4


def test_comments_of_the_file_stay_and_a_profile_has_its_table(site: Sandbox, home: Path) -> None:
    file = home / "config.toml"
    file.write_text("# mine\nplain_http = false # for now\n\n[profiles.bo]\nredirect_uri = 'http://127.0.0.1:3/'\n")
    command = [*COMMAND, "login", "--paste", "--save", "--profile", "anna"]
    screen = Screen(command)
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), site.environment["SSL_CERT_FILE"]))
    done = screen.finish()
    assert done.code == 0
    assert "Next: krebit clients --profile anna\n" in done.out  # without the option it is another login
    text = file.read_text()
    assert text.startswith("# mine\nplain_http = false # for now\n")
    kept = tomllib.loads(text)["profiles"]
    assert kept["bo"] == {"redirect_uri": "http://127.0.0.1:3/"}
    assert kept["anna"]["client_id"] == site.application.client_id
    assert (home / kept["anna"]["client_secret_file"]).read_text().strip() == site.application.client_secret
    assert site.application.client_secret not in text


def test_the_place_of_the_secret_is_kept_not_the_secret(site: Sandbox, home: Path) -> None:
    (home / "mine").write_text(site.application.client_secret)
    (home / "mine").chmod(0o600)
    command = [*COMMAND, "login", "--paste", "--save", "--client-secret-file", str(home / "mine")]
    screen = Screen(command, {"KREBIT_CLIENT_SECRET": None})
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), site.environment["SSL_CERT_FILE"]))
    assert screen.finish().code == 0
    assert tomllib.loads((home / "config.toml").read_text())["client_secret_file"] == str(home / "mine")
    assert not (home / "client-secret").exists()


def test_a_saved_secret_stands_beside_its_tenant_and_application(site: Sandbox, home: Path) -> None:
    """Otherwise it would go to another tenant when somebody changes the one at the top of the file."""
    domain = site.environment["KREBIT_DOMAIN"]
    file = home / "config.toml"
    file.write_text(f'domain = "{domain}"\nredirect_uri = "{site.application.redirect_uris[0]}"\n')
    variables = {"KREBIT_DOMAIN": None, "KREBIT_API": None, "KREBIT_REDIRECT_URI": None}
    screen = Screen([*COMMAND, "login", "--paste", "--save", "--profile", "anna"], variables)
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), site.environment["SSL_CERT_FILE"]))
    assert screen.finish().code == 0
    kept = tomllib.loads(file.read_text())["profiles"]["anna"]
    assert (kept["domain"], kept["client_id"]) == (domain, site.application.client_id)
    assert "redirect_uri" not in kept


def test_a_token_of_the_environment_does_not_replace_the_login(site: Sandbox) -> None:
    """It may be anybody's: later commands act as the person who signed in."""
    assert os.environ["KREBIT_REFRESH_TOKEN"]
    assert os.environ["KREBIT_AUTH_CODE"]
    screen = Screen([*COMMAND, "login", "--paste"])
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), site.environment["SSL_CERT_FILE"]))
    assert screen.finish().code == 0
    assert run("me").code == 0
    assert len([request for request in site.requests if request.path == "/api/oauth/token"]) == 1


def test_settings_are_saved_where_the_tenant_does_not_say_who_signed_in(site: Sandbox, home: Path) -> None:
    site.fault(kind="status", status=403, path="/api/1.0/me", times=None, body={"message": "no"})
    screen = Screen([*COMMAND, "login", "--paste", "--save"])
    seen = screen.read_until("Paste it here: ")
    screen.type(allow(address(seen), site.environment["SSL_CERT_FILE"]))
    done = screen.finish()
    assert done.code == 1
    assert "krebit: 403 Forbidden: no" in done.out
    assert tomllib.loads((home / "config.toml").read_text())["client_id"] == site.application.client_id


def test_a_fault_of_the_settings_file_is_said_before_anybody_signs_in(site: Sandbox, home: Path) -> None:
    (home / "config.toml").write_text("domian = 'a'")
    done = run("login", "--save")
    assert done.code == 2
    assert "did you mean domain?" in done.err


def test_nobody_to_ask(site: Sandbox) -> None:
    done = run("login", "--paste", given="")
    assert done.code == 1
    assert "nothing was pasted" in done.err
    for browser in ((), ("--no-browser",)):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            uri = f"http://127.0.0.1:{taken.getsockname()[1]}/callback"
            done = run("login", *browser, "--redirect-uri", uri)
        assert done.code == 1
        assert "krebit login --paste" in done.err
    done = run("login", "--redirect-uri", site.application.redirect_uris[-1])
    assert done.code == 1
    assert "krebit login --no-browser" in done.err
    missing = run("login", env={"KREBIT_CLIENT_ID": None})
    assert missing.code == 2
    assert "add --client-id, or call krebit login at a terminal" in missing.err


def test_a_wrong_answer_is_asked_for_again(nothing: Sandbox) -> None:
    screen = Screen([*COMMAND, "login"])
    screen.read_until("yourco.krebit.se: ")
    screen.type("https://yourco.krebit.se/developer/my-apps")
    seen = screen.read_until("Tenant, such as yourco.krebit.se: ")
    assert "this is not the tenant's host (it is 'https://yourco.krebit.se/developer/my-apps')" in seen
    screen.type("yourco.krebit.se")
    screen.read_until("Client ID: ")
    screen.type("my app")
    assert "this has characters that no issued value has" in screen.read_until("Client ID: ")
    screen.type("abc")
    screen.read_until("(it is not shown): ")
    screen.type("secret")
    screen.read_until("8765/callback]: ")
    screen.type("callback")
    assert "this is not a whole address" in screen.read_until("8765/callback]: ")
    screen.interrupt()


def test_a_wrong_option_is_named(site: Sandbox, home: Path) -> None:
    (home / "config.toml").write_text("client_secret_file = 'secret'")
    (home / "mine").write_text("a b")
    (home / "mine").chmod(0o600)
    done = run("login", "--client-secret-file", home / "mine", "--client-id", "x y", "--redirect-uri", "callback")
    assert done.code == 2
    assert "krebit: --client-id: has characters" in done.err
    assert "; --client-secret-file: has characters" in done.err
    assert "; --redirect-uri: is not a whole address" in done.err


def test_ctrl_c_at_a_question(nothing: Sandbox) -> None:
    screen = Screen([*COMMAND, "login"])
    screen.read_until("yourco.krebit.se: ")
    done = screen.interrupt()
    assert done.code == 130
    assert "krebit: interrupted" in done.out


@pytest.mark.slow
def test_a_real_browser_signs_in(
    chromium: webdriver.Chrome,
    krebit_sandbox_factory: Callable[..., Sandbox],
    port: int,
    tmp_path: Path,
) -> None:
    """Without TLS: whether the browser trusts an authority is not what is tested."""
    site = krebit_sandbox_factory(tls=False)
    uri = f"http://127.0.0.1:{port}/callback"
    application = site.register("Terminal", [uri])
    env = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
        "KREBIT_CONFIG": str(tmp_path / "config.toml"),
        "KREBIT_DOMAIN": site.environment["KREBIT_DOMAIN"],
        "KREBIT_CLIENT_ID": application.client_id,
        "KREBIT_CLIENT_SECRET": application.client_secret,
        "KREBIT_REDIRECT_URI": uri,
        "NO_PROXY": "localhost,127.0.0.1",
    }
    screen = Screen([*COMMAND, "login", "--no-browser", "--plain-http", "--save"], env)
    seen = screen.read_until("code_challenge_method=S256")
    chromium.get(address(seen))
    chromium.find_element(By.CSS_SELECTOR, "button[value=allow]").click()
    WebDriverWait(chromium, 30).until(lambda driver: driver.current_url.startswith(uri))
    WebDriverWait(chromium, 30).until(
        lambda driver: "You are signed in" in driver.find_element(By.TAG_NAME, "main").text
    )
    done = screen.finish()
    assert done.code == 0, done.out
    gone: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("KREBIT_"))
    places = {name: env[name] for name in ("HOME", "XDG_STATE_HOME", "KREBIT_CONFIG")}
    me = run("me", "--fields", "name", env={**gone, **places})
    assert me.code == 0, me.err
    assert me.out.strip()
