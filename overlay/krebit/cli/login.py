"""`krebit login`."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from krebit.cli.options import WholeNumber
from krebit.cli.session import Session, is_terminal
from krebit.cli.values import clean
from krebit.config import (
    UncheckedSettings,
    check_settings,
    credential_problem,
    domain_problem,
    host_of,
    redirect_uri_problem,
)
from krebit.config_file import default_path, load, read_secret_file, run_secret_command
from krebit.redaction import Secret

if TYPE_CHECKING:
    from krebit import Krebit, KrebitError

_REDIRECT_URI = "http://127.0.0.1:8765/callback"


@click.command("login")
@click.option("--paste", is_flag=True, help="Sign in with any browser, and paste the address that it then shows.")
@click.option("--no-browser", is_flag=True, help="Show the address. You open it yourself, on this machine.")
@click.option("--client-id", metavar="ID", help="The id of the application.  [default: KREBIT_CLIENT_ID]")
@click.option("--client-secret-file", metavar="FILE", help="A file with the application's secret, mode 0600.")
@click.option("--client-secret-command", metavar="COMMAND", help="A command that prints the application's secret.")
@click.option("--redirect-uri", metavar="URI", help="The application's redirect URI.  [default: KREBIT_REDIRECT_URI]")
@click.option(
    "--timeout",
    type=WholeNumber(1),
    default=300,
    metavar="SECONDS",
    show_default=True,
    help="Wait at most this long for your sign-in.",
)
@click.option("--save/--no-save", default=None, help="Save the settings for later commands and programs.")
@click.pass_obj
def command(
    session: Session,
    paste: bool,
    no_browser: bool,
    client_id: str | None,
    client_secret_file: str | None,
    client_secret_command: str | None,
    redirect_uri: str | None,
    timeout: float,
    save: bool | None,
) -> None:
    """Sign in with the browser.

    The command asks for missing settings. --save keeps them in config.toml in your configuration folder: later
    commands and Krebit.from_env() read them there. The client secret goes into a file of its own.

    \b
      krebit login --save
      krebit login --paste --profile anna
    """
    if paste and no_browser:
        raise click.UsageError("--paste opens no browser; leave --no-browser out")
    if client_secret_file and client_secret_command:
        raise click.UsageError("use only one of --client-secret-file and --client-secret-command")
    path = default_path(os.environ)
    if path is not None:
        load(path)  # a fault in it is shown before somebody signs in
    given = session.settings(with_secret=not (client_secret_file or client_secret_command))
    given = _with_options(given, client_id, redirect_uri, plain_http=session.plain_http)
    sources = dict(given.sources)
    to_save: dict[str, str | bool] = {}
    if client_secret_file:
        to_save["client_secret_file"] = str(Path(client_secret_file).absolute())
        option = "--client-secret-file"
        sources["client_secret"] = option
        secret = read_secret_file(Path(client_secret_file), option)
        given = given._replace(client_secret=secret, sources=sources)
    elif client_secret_command:
        to_save["client_secret_command"] = client_secret_command
        option = "--client-secret-command"
        sources["client_secret"] = option
        secret = run_secret_command(client_secret_command, option)
        given = given._replace(client_secret=secret, sources=sources)
    complete = _ask_for_missing(given)
    _check_complete(complete)
    check_settings(complete, plain_http=complete.plain_http, prefix="KREBIT_")
    with _client(complete) as api:
        _sign_in(session, api, paste=paste, no_browser=no_browser, timeout=timeout)
        problem = _say_who(session, api, complete)
    if save is None and complete != given and path is not None:
        save = click.confirm(f"Save these settings in {path}, for later commands and programs?", default=True, err=True)
    if save:
        _save(session, path, complete, to_save)
    if problem is not None:
        raise problem  # only now: it must not cost the settings, which the tenant has just accepted


def _with_options(
    given: UncheckedSettings, client_id: str | None, redirect_uri: str | None, *, plain_http: bool
) -> UncheckedSettings:
    """Return the settings with those of the command line."""
    sources = dict(given.sources)
    if client_id is not None and client_id != given.client_id:
        sources["client_id"] = "--client-id"
        sources.pop("client_secret", None)
        if given.client_id:
            # They belong to the other application.
            given = given._replace(client_secret=Secret(None), refresh_token=Secret(None), auth_code=Secret(None))
        given = given._replace(client_id=client_id)
    if redirect_uri is not None:
        sources["redirect_uri"] = "--redirect-uri"
        given = given._replace(redirect_uri=redirect_uri)
    return given._replace(plain_http=plain_http or given.plain_http, sources=sources)


def _ask_for_missing(given: UncheckedSettings) -> UncheckedSettings:
    """Return the settings with those that the person typed in. Where nobody can be asked, they stay as they are."""
    if not is_terminal(sys.stdin) or not is_terminal(sys.stderr):
        return given
    if not given.domain:
        plain_http = given.plain_http
        typed = _asked("Tenant, such as yourco.krebit.se", lambda text: domain_problem(text, plain_http=plain_http))
        given = given._replace(domain=host_of(typed))
    if not given.client_id:
        click.echo(f"The application is registered at https://{given.domain}/developer/my-apps.", err=True)
        typed = _asked("Client ID", lambda text: credential_problem(Secret(text)))
        given = given._replace(client_id=typed)
    if not given.client_secret:
        typed_secret = Secret(click.prompt("Client secret (it is not shown)", hide_input=True, err=True).strip())
        given = given._replace(client_secret=typed_secret)
    if given.redirect_uri is None:
        typed = _asked("Redirect URI, as registered for the application", redirect_uri_problem, default=_REDIRECT_URI)
        given = given._replace(redirect_uri=typed)
    return given


def _asked(question: str, problem_of: Callable[[str], str | None], *, default: str | None = None) -> str:
    """Return the text that the person typed in. A text with a problem is asked for again."""

    def check(typed: str) -> str:
        text = typed.strip()
        if problem := problem_of(text):
            raise click.UsageError(f"this {problem}")
        return text

    answer: str = click.prompt(question, default=default, value_proc=check, err=True)
    return answer


def _check_complete(given: UncheckedSettings) -> None:
    """Raise UsageError that names the options for missing settings."""
    options = {
        "--domain": given.domain,
        "--client-id": given.client_id,
        "--client-secret-file": given.client_secret,
        "--redirect-uri": given.redirect_uri,
    }
    missing = [name for name, value in options.items() if not value]
    if missing:
        raise click.UsageError(
            f"settings are missing; add {', '.join(missing)}, or call krebit login at a terminal, where it asks",
            click.get_current_context(silent=True),
        )


def _client(given: UncheckedSettings) -> "Krebit":
    from krebit import Krebit
    from krebit.stores.address import store_of_process

    return Krebit(
        given.domain,
        given.client_id,
        given.client_secret.reveal(),
        redirect_uri=given.redirect_uri,
        # After the sign-in they count as used: later commands must not replace the login by theirs.
        refresh_token=given.refresh_token.reveal(),
        auth_code=given.auth_code.reveal(),
        profile=given.profile,
        plain_http=given.plain_http,
        store=store_of_process(),
    )


def _sign_in(session: Session, api: "Krebit", *, paste: bool, no_browser: bool, timeout: float) -> None:
    from krebit.oauth.console import Terminal

    if no_browser:
        api.login(timeout=timeout, paste=False, terminal=Terminal(browser=lambda url: False, show=session.note))
    else:
        api.login(timeout=timeout, paste=paste or None, terminal=Terminal(show=session.note))


def _say_who(session: Session, api: "Krebit", given: UncheckedSettings) -> "KrebitError | None":
    """Say who is signed in. Return the error if the tenant does not answer that."""
    from krebit import KrebitError

    try:
        user = api.get_current_user()
    except KrebitError as error:
        return error
    name = "***" if session.masked else clean(str(user.name or user.email or user.id))
    option = "" if session.profile is None else f" --profile {shlex.quote(session.profile)}"
    session.note(f"You are {name}, profile {given.profile}. Next: krebit clients{option}")
    return None


def _save(session: Session, path: Path | None, given: UncheckedSettings, values: dict[str, str | bool]) -> None:
    """Keep the settings that did not come from the settings file."""
    from krebit.cli.saving import save

    if path is None:
        raise click.ClickException("the settings are not saved: there is no home folder; set HOME, or KREBIT_CONFIG")
    kept = {name for name, source in given.sources.items() if source.startswith(str(path))}
    if "client_secret" not in kept:
        kept -= {"domain", "client_id"}  # the file has a secret beside its tenant and application
    found = {"domain": given.domain, "client_id": given.client_id, "redirect_uri": given.redirect_uri}
    values |= {name: value for name, value in found.items() if name not in kept and value is not None}
    if given.plain_http:
        values["plain_http"] = True
    has_place = "client_secret" in kept or any(name.startswith("client_secret") for name in values)
    save(path, given.profile, values, None if has_place else given.client_secret)
    session.note(f"The settings are saved in {path}.")
