"""The state of one tenant: all that a reset makes new."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from krebit_sandbox.clock import Clock
from krebit_sandbox.companies import FIRST_ID, Companies
from krebit_sandbox.faults import ActiveFaults
from krebit_sandbox.grants import Application, Grants
from krebit_sandbox.request_log import RequestLog
from krebit_sandbox.switches import Switches

REDIRECT_URIS: Final = (
    "https://yourapp.example.com/oauth/callback",
    "http://127.0.0.1:8765/callback",
    "http://localhost:8765/callback",
)
"""The redirect URIs of the first application; the first of them is the environment's."""


@dataclass(slots=True)
class Subscription:
    """A webhook: where an event is to be sent, and the secret that signs it."""

    id: int
    event: str
    target: str
    secret: str = field(repr=False)
    client_id: str
    created_at: Any
    failures_in_a_row: int = 0
    disabled: bool = False


class Tenant:
    """The state of the server. Safe to use from the server's loop and from other threads."""

    def __init__(self, seed: int, switches: Switches, redirect_uris: Sequence[str] = REDIRECT_URIS) -> None:
        self.seed = seed
        self.clock = Clock()
        self.faults = ActiveFaults()
        self.log = RequestLog()
        self.companies = Companies(seed)
        self._initial_switches = switches
        self._redirect_uris = tuple(redirect_uris)
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Make everything new: tokens, switches, faults and log."""
        with self._lock:
            self.clock.reset()
            self.faults.clear()
            self.log.clear()
            self.switches = self._initial_switches
            self.grants = Grants(self.clock)
            self.application = self.grants.register("Quickstart", self._redirect_uris)
            self.subscriptions: list[Subscription] = []
            self._acts: dict[UUID, dict[str, Any]] = {}
            self._newest: dict[int, dict[str, Any]] = {}
            self._numbers = itertools.count(1)
            self.rates: dict[str, tuple[float, int]] = {}
            self.environment = self._new_environment()

    def _new_environment(self) -> dict[str, str]:
        redirect_uri = self.application.redirect_uris[0]
        client_id = self.application.client_id
        return {
            "KREBIT_CLIENT_ID": client_id,
            "KREBIT_CLIENT_SECRET": self.application.client_secret,
            "KREBIT_REDIRECT_URI": redirect_uri,
            "KREBIT_AUTH_CODE": self.grants.issue_code(client_id, redirect_uri, None, "plain"),
            "KREBIT_REFRESH_TOKEN": self.grants.issue_tokens(client_id, self.switches).refresh_token,
            "KREBIT_STATE": secrets.token_urlsafe(32),
        }

    def switch(self, **changes: Any) -> None:
        """Change switches; TypeError for an unknown name, ValueError for an impossible value."""
        with self._lock:
            self.switches = self.switches.changed(**changes)
            if "rate_limit" in changes:
                self.rates.clear()

    def has_client(self, client_id: int) -> bool:
        """Return whether a client exists; the quickstart's always does."""
        return client_id == FIRST_ID or FIRST_ID <= client_id < FIRST_ID + self.switches.clients

    def latest_act(self, client_id: int) -> dict[str, Any] | None:
        """Return the newest act of a client, or None."""
        if created := self._newest.get(client_id):
            return created
        count = self.companies.act_count(client_id)
        return self.companies.act(client_id, count) if count else None

    def find_act(self, uuid: UUID) -> dict[str, Any] | None:
        """Return the act of a UUID, or None."""
        act = self._acts.get(uuid) or self.companies.find_act(uuid)
        return act if act and self.has_client(act["client_id"]) else None

    def add_act(self, client_id: int) -> dict[str, Any]:
        """Return a new act, from now on the client's latest; KeyError for an unknown client."""
        if not self.has_client(client_id):
            raise KeyError(f"client {client_id}; the ids begin at {FIRST_ID}")
        with self._lock:
            uuid, now = uuid4(), self.clock.datetime()
            act = {
                **self.companies.act(client_id, 1),
                "uuid": str(uuid),
                "created_at": now,
                "updated_at": now,
            }
            self._acts[uuid] = self._newest[client_id] = act
            return act

    def subscribe(self, event: str, target: str, application: Application) -> Subscription:
        """Add a webhook of an application."""
        with self._lock:
            subscription = Subscription(
                id=next(self._numbers),
                event=event,
                target=target,
                secret=secrets.token_urlsafe(30),
                client_id=application.client_id,
                created_at=self.clock.datetime(),
            )
            self.subscriptions.append(subscription)
            return subscription
