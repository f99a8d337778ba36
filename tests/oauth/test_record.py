"""The stored form of a login: which tokens it remembers, and for how long."""

import json

from krebit.redaction import Secret
from krebit.stores.record import Login, TokenPair


def rotated(login: Login, times: int) -> Login:
    for number in range(times):
        login = login.with_pair(TokenPair(Secret(f"access-{number}"), Secret(f"refresh-{number}"), 3600.0), 0.0)
    return login


def test_a_record_does_not_grow_with_each_refresh() -> None:
    login = rotated(Login.empty(), 1000)
    size = len(login.to_json())
    later = rotated(login, 1500)
    assert len(later.to_json()) <= size + 20
    assert later.has_seen(Secret("refresh-1499"))
    assert later.has_seen(Secret("refresh-500"))


def test_a_grant_that_was_used_is_remembered_for_good() -> None:
    """A program that has it in its environment would send it again, and end the session at the server."""
    configured = Secret("from-the-environment")
    login = rotated(Login.empty().with_seen(configured), 2500)
    assert login.has_seen(configured)
    assert Login.from_json(login.to_json(), "here") == login


def test_a_record_without_the_list_of_granted_tokens_is_read() -> None:
    login = rotated(Login.empty().with_seen(Secret("older")), 3)
    content = json.loads(login.to_json())
    del content["granted"]
    found = Login.from_json(json.dumps(content).encode(), "here")
    assert found == login._replace(granted=b"")
