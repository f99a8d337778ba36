"""Logins that could not be saved: they live in this process, for every client of the same store and profile."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from krebit.stores import Login, LoginKey, TokenStore


class UnsavedLogin(NamedTuple):
    """A login that could not be saved, and the stored login that it came from."""

    login: Login
    base: Login

    def outlives(self, stored: Login | None) -> bool:
        """Return whether this login may still be saved over the stored one.

        A login that was saved meanwhile stays, and so does a logout. A mark that the base's refresh token is dead gives
        way, because this login came from that token.
        """
        found = stored or Login()
        is_only_marked = found.is_dead and found.refresh_token == self.base.refresh_token
        return found.generation == self.base.generation or is_only_marked


class UnsavedLoginSlot:
    """The slot of one login that could not be saved. Slots of equal stores and keys share their login.

    The login belongs to the process, not to a client: the next client finds it when its own client is closed. Each
    method is one step, and so safe for threads and signal handlers.
    """

    _places: dict[tuple[Hashable, LoginKey], tuple[UnsavedLogin, object]] = {}  # noqa: RUF012 - shared on purpose

    def __init__(self, store: TokenStore, key: LoginKey) -> None:
        self._place = _identity_of(store), key

    def get(self) -> UnsavedLogin | None:
        """Return the login that waits to be saved, or None."""
        found = self._places.get(self._place)
        return found[0] if found else None

    def put(self, unsaved: UnsavedLogin, session: object) -> None:
        """Keep a login until it is saved or forgotten, while this process lives.

        The session is kept with it, even when no view of the profile is left: a client that is closed saves the login
        through this session. The session holds the store, whose id must not become another object's.
        """
        self._places[self._place] = unsaved, session

    def clear(self) -> None:
        """Forget the login: it is saved, or something newer is."""
        self._places.pop(self._place, None)


def _identity_of(store: Any) -> Hashable:
    """Return the store itself, so that equal ones are the same, or its id where it cannot be hashed."""
    identity: Hashable = store
    try:
        hash(store)
    except TypeError:
        identity = id(store)
    return identity
