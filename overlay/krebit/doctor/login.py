"""The login: where it is kept, who could read it, and how long its token lives. No network, and nothing is changed."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from krebit.config import Settings
from krebit.doctor.report import Step
from krebit.errors import ConfigurationError, KrebitError, StoreError
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey, TokenStore
from krebit.stores.address import STORE_VARIABLE, store_at
from krebit.stores.file import FileTokenStore, network_file_system
from krebit.stores.memory import MemoryTokenStore

SIGN_IN = "sign in with: krebit login"


class FoundLogin(NamedTuple):
    """The stored login, where there is one, and the steps of its store and its token."""

    store: TokenStore | None
    login: Login | None
    steps: list[Step]
    is_usable: bool


def find_login(
    settings: Settings | None, store: TokenStore | None, *, address: Secret, offline: bool = False
) -> FoundLogin:
    """Look for the login of these settings. `settings` is None where they are broken.

    `address` is the value of KREBIT_TOKEN_STORE, used where no store is given.
    """
    try:
        used = store if store is not None else _store_at(address)
    except ConfigurationError as error:
        problem, _, repair = str(error).partition("; ")
        step = Step("store", "fail", problem, repair or "pass a store of your own")
        return FoundLogin(None, None, [step, _no_token("the store cannot be used")], is_usable=False)
    if offline and not isinstance(used, FileTokenStore | MemoryTokenStore):
        step = Step("store", "skip", "not looked at: --offline, and it is reached over a connection")
        return FoundLogin(used, None, [step, _no_token("--offline")], is_usable=False)
    if settings is None:
        place = f"{used.folder}" if isinstance(used, FileTokenStore) else type(used).__name__
        step = Step("store", "skip", f"{place}; not looked at: the settings do not say whose login it is")
        return FoundLogin(used, None, [step, _no_token("the settings do not say whose it is")], is_usable=False)
    key = LoginKey(settings.domain, settings.client_id, settings.profile)
    try:
        login = used.load(key)
    except StoreError as error:
        problem, _, repair = str(error).partition("; ")
        step = Step("store", "fail", problem, repair or "look at what the message names, and try again")
        return FoundLogin(used, None, [step, _no_token("the store cannot be read")], is_usable=False)
    except KrebitError as error:
        step = Step("store", "fail", str(error), "look at what the message names, and try again")
        return FoundLogin(used, None, [step, _no_token("the store cannot be read")], is_usable=False)
    has_grant = bool(settings.refresh_token or settings.auth_code)
    token = token_step(login, has_grant=has_grant)
    return FoundLogin(used, login, [_store_step(used, key), token], is_usable=token.mark != "fail")


def _store_at(address: Secret) -> TokenStore:
    return store_at(address, STORE_VARIABLE) if address else FileTokenStore()


def _no_token(reason: str) -> Step:
    return Step("token", "skip", f"not looked at: {reason}")


def _store_step(store: TokenStore, key: LoginKey) -> Step:
    if not isinstance(store, FileTokenStore):
        return Step("store", "pass", f"{type(store).__name__} can be read")
    folder = store.folder
    if not _is_writable(folder):
        repair = f"run as its owner, or give yourself the right: chmod u+rwx {folder}"
        return Step("store", "fail", f"{folder} cannot be written, so no new token could be kept", repair)
    if kind := network_file_system(folder):
        text = f"{folder} is on a network file system ({kind}), whose locks cannot be trusted"
        return Step("store", "warn", text, "keep logins on a local disk: set XDG_STATE_HOME to a folder there")
    return Step("store", "pass", f"{store.path(key)}, for its owner alone")


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, or the folder itself where it is not there yet."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK | os.X_OK)


def token_step(login: Login | None, *, has_grant: bool) -> Step:
    """Return the step of a token that was not tried yet. `has_grant` says that the environment brings a grant."""
    if login is not None and login.is_dead and not has_grant:
        return Step("token", "fail", "the server refused the stored refresh token", SIGN_IN)
    if login is None or (login.access_token is None and login.refresh_token is None):
        if has_grant:
            return Step("token", "pass", "none is stored; the next command takes the one of the environment, once")
        return Step("token", "fail", "nobody is signed in", SIGN_IN)
    if login.access_token is None or login.expires_at is None:
        return Step("token", "pass", "stored; the server did not say when it ends")
    seconds = login.expires_at - time.time()
    if seconds > 0:
        return Step("token", "pass", f"ends in {duration(seconds)}, and is renewed by itself")
    if login.refresh_token is None:
        return Step("token", "fail", f"ended {duration(-seconds)} ago, and there is none to renew it with", SIGN_IN)
    return Step("token", "pass", f"ended {duration(-seconds)} ago; the next command renews it")


def duration(seconds: float) -> str:
    """Return a duration in words, such as `42 min`."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
