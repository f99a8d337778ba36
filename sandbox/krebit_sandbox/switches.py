"""The switches of a sandbox: a name for each known or presumed variant of the real API."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

SAME_AS_LIFETIME: Final = "token_lifetime"
"""The value of `Switches.expires_in` that sends what is enforced."""

MAX_CLIENTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Switches:
    """How a sandbox answers. Immutable; change a running sandbox with `Sandbox.switch(name=value)`.

    Raises ValueError for a value that a switch cannot have and TypeError for an unknown name.
    """

    envelope: Literal["data", "bare"] = "data"
    """One object, or a list without pages, as `{"data": …}` or bare."""
    metadata: Literal["meta", "simple", "flat", "links", "none"] = "meta"
    """The metadata of a page of a list."""
    money: Literal["number", "text", "null"] = "number"
    times: Literal["z", "offset", "micro", "space", "null"] = "z"
    user_ids: Literal["uuid", "number"] = "uuid"
    """The kind of id of the user and the organisation."""
    unknown_keys: bool = False
    """Add keys, and an unknown value of `type` and `language`, that no document names."""

    rotation: bool = True
    """Each refresh answers a new refresh token and revokes the old one."""
    reuse_revokes_family: bool = False
    """A revoked refresh token that is used again ends every token of its grant."""
    expires_in: int | float | str | None = SAME_AS_LIFETIME
    """The value in the token answer: any, None for no such key, `"token_lifetime"` for the true one."""
    token_lifetime: float = 3600.0
    """Seconds an access token is accepted."""
    refresh_lifetime: float = 31_536_000.0
    """Seconds a refresh token is accepted."""
    error_dialect: Literal["league9", "league8"] = "league9"
    """Which version of the OAuth server's errors the token endpoint speaks."""
    consent: Literal["ask", "allow", "deny"] = "ask"
    """`ask` shows the consent page; the others decide at once, for programs without a person."""

    latency: float = 0.0
    """Seconds before each request is worked on."""
    rate_limit: int | None = None
    """Requests per minute and token (or address), then 429; None for no limit."""
    redirect_unauthenticated: bool = True
    """Answer 302 to `/login`, not 401, where JSON is not the first choice of `Accept`."""
    validation_status: int = 422
    """The status of a refused parameter or field: 422, or 400."""

    clients: int = 57
    """How many clients the tenant has; they are computed when asked for."""
    max_limit: int = 100
    """The largest `limit` of a list; a larger one is 422."""
    list_behaviour: Literal[
        "honest",
        "ignores_page",
        "repeats_page",
        "empty_page",
        "empty_forever",
        "shrinks",
        "grows",
        "inserts",
        "foreign_next",
    ] = "honest"
    """How the list of clients misbehaves while somebody walks it (see `krebit_sandbox.listing`)."""

    webhook_retry_scale: float = 1.0
    """Multiplies the pauses of 10 s and 100 s between the tries of a delivery."""
    webhook_timeout: float = 3.0
    """Seconds a delivery may take."""
    webhook_tries: int = 3
    webhook_disable_after: int = 5
    """Deliveries in a row that fail for good before their target is disabled."""

    def __post_init__(self) -> None:
        for name, hint in _HINTS.items():
            value = getattr(self, name)
            if not _fits(value, hint):
                raise ValueError(f"switch {name}: {value!r} is not {described(hint)}")
        for name in ("token_lifetime", "refresh_lifetime", "latency", "webhook_retry_scale", "clients"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"switch {name}: {getattr(self, name)!r} is below 0, or no number")
        for name in ("max_limit", "webhook_tries", "webhook_disable_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"switch {name}: {getattr(self, name)!r} is below 1")
        if not 0 < self.webhook_timeout < math.inf:
            raise ValueError(f"switch webhook_timeout: {self.webhook_timeout!r} is not above 0")
        if self.validation_status not in (400, 422):
            raise ValueError(f"switch validation_status: {self.validation_status!r} is neither 422 nor 400")
        if self.rate_limit is not None and self.rate_limit < 0:
            raise ValueError(f"switch rate_limit: {self.rate_limit!r} is below 0")
        if self.clients > MAX_CLIENTS:
            raise ValueError(f"switch clients: {self.clients!r} is above {MAX_CLIENTS}")

    def changed(self, **changes: Any) -> Switches:
        """Return a changed copy; TypeError for an unknown name, ValueError for an impossible value."""
        if unknown := changes.keys() - _HINTS.keys():
            raise TypeError(f"no such switch: {', '.join(sorted(unknown))}; the switches are {', '.join(_HINTS)}")
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return names and values, as the control endpoint shows them."""
        return dataclasses.asdict(self)


def hints() -> dict[str, Any]:
    """Return the type of each switch, by name, in the order of their definition."""
    return dict(_HINTS)


def choices(hint: Any) -> tuple[str, ...]:
    """Return the values of a switch that has a fixed set of them, else an empty tuple."""
    return get_args(hint) if get_origin(hint) is Literal else ()


def _fits(value: object, hint: Any) -> bool:
    if allowed := choices(hint):
        return isinstance(value, str) and value in allowed
    kinds = get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in kinds
    return any(isinstance(value, (int, float) if kind is float else kind) for kind in kinds)


def described(hint: Any) -> str:
    """Return the values that a type hint takes, in words for a message."""
    if allowed := choices(hint):
        return "one of " + ", ".join(allowed)
    kinds = get_args(hint) or (hint,)
    return " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)


_HINTS: Final = get_type_hints(Switches)
