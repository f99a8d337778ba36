"""`krebit status`: what the next command would use, without a connection to the tenant."""

import os
import time
from datetime import UTC, datetime
from typing import Any

import click

from krebit.cli.columns import Column
from krebit.cli.options import output_options
from krebit.cli.output import Output
from krebit.cli.session import Session
from krebit.config import Settings, UncheckedSettings, check_settings, host_of, sign_in_command
from krebit.config_file import default_path
from krebit.stores import Login, LoginKey
from krebit.stores.address import store_of_process
from krebit.stores.file import FileTokenStore

_COLUMNS = [Column(name) for name in ("tenant", "application", "profile", "settings", "login", "store", "token_ends")]


@click.command("status")
@output_options
@click.pass_obj
def command(session: Session) -> None:
    """Show the tenant, application and login that the next command uses.

    This command opens no connection to the tenant.

    \b
      krebit status
      krebit status --json
    """
    # Only whether there is a secret counts here: its file is not read, and no command is run for it.
    given = session.settings(with_secret=False).with_stand_in_secret()
    settings = check_settings(given, plain_http=session.plain_http or given.plain_http, prefix="KREBIT_")
    row = {
        "tenant": settings.domain,
        "application": settings.client_id,
        "profile": settings.profile,
        "settings": _origin(given),
    }
    Output(session).record({**row, **_login(settings)}, _COLUMNS)


def _origin(given: UncheckedSettings) -> str:
    """Return where the settings come from."""
    path = default_path(os.environ)
    places = []
    if any(os.environ.get(f"KREBIT_{name}") for name in ("DOMAIN", "CLIENT_ID", "CLIENT_SECRET")):
        places.append("the environment")
    if path is not None and any(str(path) in source for source in given.sources.values()):
        places.append(str(path))
    return ", ".join(places) or host_of(given.domain)


def _login(settings: Settings) -> dict[str, Any]:
    """Return what the store knows of the login. Raises StoreError."""
    key = LoginKey(settings.domain, settings.client_id, settings.profile)
    store = store_of_process()
    login = store.load(key) or Login.empty()
    sign_in = sign_in_command(key.profile)
    state, ends = f"none; sign in with: {sign_in}", None
    if not login.is_dead and (login.refresh_token is not None or login.is_usable(None, time.time())):
        state = "signed in"
        ends = None if login.expires_at is None else datetime.fromtimestamp(int(login.expires_at), UTC)
    elif login.has_unseen(settings.refresh_token, settings.auth_code):
        state = "not yet; the next command tries the token or code in the environment"
    elif login.is_dead:
        state = f"refused by the server; sign in with: {sign_in}"
    return {
        "login": state,
        "store": str(store.path(key)) if isinstance(store, FileTokenStore) else repr(store),
        "token_ends": ends,
    }
