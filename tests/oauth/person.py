"""Who sits at a terminal and signs in."""

from collections.abc import Callable
from typing import Any

import httpx

from krebit.oauth.console import Terminal
from tests.oauth.support import Background, Site


class Person:
    """Who sits at the terminal. `visits` does what a browser does with the address."""

    def __init__(
        self, visits: Callable[[str], Any] | None = None, *, pastes: Callable[[str], str] | None = None
    ) -> None:
        self.url = ""
        self.shown: list[str] = []
        self.visit: Background | None = None
        self._visits = visits
        self._pastes = pastes

    def terminal(self) -> Terminal:
        can_ask = self._pastes is not None
        return Terminal(self._browse, self._ask, self.shown.append, lambda: can_ask)

    def _browse(self, url: str) -> bool:
        self.url = url
        if self._visits is None:
            return False
        visits = self._visits
        self.visit = Background(lambda: visits(url))
        return True

    def _ask(self, prompt: str) -> str:
        assert self._pastes is not None, f"asked: {prompt}"
        (self.url,) = [line.split("\n\n")[1].strip() for line in self.shown if "sign in:\n\n" in line]
        return self._pastes(self.url)


def register(site: Site, uri: str) -> dict[str, str]:
    application = site.sandbox.register("Terminal", [uri])
    return {"client_id": application.client_id, "client_secret": application.client_secret, "redirect_uri": uri}


def follow(url: str) -> httpx.Response:
    return httpx.get(url, follow_redirects=True, timeout=60)


def sign_in(site: Site, uri: str, person: Person, **more: Any) -> None:
    with site.client(**register(site, uri)) as api:
        api.login(terminal=person.terminal(), **more)
        api.get_current_user()
