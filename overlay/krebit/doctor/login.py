"""The login: where it is kept, who could read it, and how long its token lives. No network, and nothing is changed."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from krebit.config import Settings, sign_in_command
from krebit.doctor.report import Step, failed_step
from krebit.errors import ConfigurationError, KrebitError
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey, TokenStore
from krebit.stores.address import STORE_VARIABLE, store_at
from krebit.stores.file import FileTokenStore, network_file_system
from krebit.stores.memory import MemoryTokenStore


class FoundLogin(NamedTuple):
    """The stored login, where there is one, and the steps of its store and its token."""

    login: Login | None
    steps: list[Step]
    is_usable: bool

    @property
    def needs_sign_in(self) -> bool:
        """Whether the last step, which is the token's, has failed."""
        return self.steps[-1].mark == "fail"


def open_store(store: TokenStore | None, address: Secret) -> TokenStore:
    """Return the store that is given, else the one at the value of KREBIT_TOKEN_STORE, else the user's files.

    Raises ConfigurationError.
    """
    if store is not None:
        return store
    return store_at(address, STORE_VARIABLE) if address else FileTokenStore()


def unusable_store(error: ConfigurationError) -> FoundLogin:
    """Return the steps where the store cannot be made."""
    return _failed(error, "the store cannot be used", "name another store in KREBIT_TOKEN_STORE")


def find_login(settings: Settings | None, store: TokenStore, *, offline: bool) -> FoundLogin:
    """Look for the login of these settings. `settings` is None where they are broken."""
    if offline and not isinstance(store, FileTokenStore | MemoryTokenStore):
        step = Step("store", "skip", "not checked: --offline, and it is reached over a connection")
        return FoundLogin(None, [step, _no_token("--offline")], is_usable=False)
    if settings is None:
        step = Step("store", "skip", "not checked: the settings are broken")
        return FoundLogin(None, [step, _no_token("the settings are broken")], is_usable=False)
    key = LoginKey(settings.domain, settings.client_id, settings.profile)
    try:
        login = store.load(key)
    except KrebitError as error:
        return _failed(error, "the store cannot be read", "look at what the message names, and try again")
    has_grant = (login or Login.empty()).has_unseen(settings.refresh_token, settings.auth_code)
    token = token_step(login, has_grant=has_grant, profile=settings.profile)
    return FoundLogin(login, [_store_step(store, key), token], is_usable=token.mark != "fail")


def _failed(error: KrebitError, reason: str, otherwise: str) -> FoundLogin:
    return FoundLogin(None, [failed_step("store", error, otherwise=otherwise), _no_token(reason)], is_usable=False)


def _no_token(reason: str) -> Step:
    return Step("token", "skip", f"not checked: {reason}")


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
    return Step("store", "pass", f"{store.path(key)}, only for its owner")


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, or the folder itself where it is not there yet."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK | os.X_OK)


def how_to_sign_in(profile: str) -> str:
    """Return the repair of a login that is missing or has ended."""
    return f"sign in with: {sign_in_command(profile)}"


def token_step(login: Login | None, *, has_grant: bool, profile: str) -> Step:
    """Return the step of a token that was not tried yet. `has_grant` says that the environment has an unused grant."""
    if login is not None and login.is_dead and not has_grant:
        return Step("token", "fail", "the server refused the stored refresh token", how_to_sign_in(profile))
    if login is None or (login.access_token is None and login.refresh_token is None):
        if has_grant:
            text = "no token is stored; the next command uses the token or code of the environment, once"
            return Step("token", "pass", text)
        return Step("token", "fail", "nobody is signed in", how_to_sign_in(profile))
    if login.access_token is None or login.expires_at is None:
        return Step("token", "pass", "stored; the server did not say when it ends")
    seconds = login.expires_at - time.time()
    if seconds > 0:
        return Step("token", "pass", f"ends in {duration(seconds)}; the next command after that renews it")
    if login.refresh_token is None:
        text = f"ended {duration(-seconds)} ago, and no refresh token is stored to renew it"
        return Step("token", "fail", text, how_to_sign_in(profile))
    return Step("token", "pass", f"ended {duration(-seconds)} ago; the next command renews it")


def after_calls(before: Login | None, after: Login | None, *, profile: str) -> Step:
    """Return the step of a token that was renewed while the operations were called, or taken from the environment."""
    # A live login gives place only to a token or code of the environment, which the login then remembers.
    is_granted = before is None or (
        after is not None and after.seen != before.seen and before.is_usable(None, time.time())
    )
    how = (
        "was taken from the environment, as by any command"
        if is_granted
        else "had ended and was renewed, as by any command"
    )
    step = token_step(after, has_grant=False, profile=profile)
    kept = before is not None and after is not None and before.refresh_token == after.refresh_token
    rotation = "; the server kept the refresh token" if kept else ""
    return Step("token", step.mark, f"{how}; {step.text}{rotation}", step.repair)


def duration(seconds: float) -> str:
    """Return a duration in words, such as `42 min`."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
