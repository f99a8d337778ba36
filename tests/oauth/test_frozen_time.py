"""A client in a test that freezes or moves time: the first call, a refresh, and a wait for the lock."""

import asyncio
import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import freezegun
import pytest
import time_machine

from krebit import MemoryTokenStore
from krebit.errors import StoreBusy
from tests.oauth.support import Background, Site

WAYS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "freezegun": freezegun.freeze_time,
    "freezegun with its own asyncio": lambda when: freezegun.freeze_time(when, real_asyncio=True),
    "time-machine": lambda when: time_machine.travel(when, tick=False),
    "time-machine that ticks": lambda when: time_machine.travel(when, tick=True),
}
YEARS = ["1999-12-31", "2020-02-29", "2079-06-30"]


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def freeze(request: pytest.FixtureRequest) -> Callable[[str], AbstractContextManager[Any]]:
    """A way to freeze time."""
    way: Callable[[str], AbstractContextManager[Any]] = request.param
    return way


@pytest.mark.parametrize("when", YEARS)
@pytest.mark.parametrize("kind", ["files", "memory"])
def test_the_first_call(site: Site, freeze: Callable[[str], AbstractContextManager[Any]], when: str, kind: str) -> None:
    """With a grant from outside, as the fixtures give it; and then a refresh."""
    seed = site.sandbox.issue_tokens().refresh_token
    if kind == "memory":
        site.store = MemoryTokenStore()
    with freeze(when), site.client(refresh_token=seed) as api:
        assert datetime.datetime.now(datetime.UTC).year == int(when[:4])
        api.get_current_user()
        site.sandbox.expire_access_tokens()
        api.get_current_user()
        assert api.is_signed_in()
    assert site.state() == "live"


@pytest.mark.parametrize("kind", ["files", "memory"])
def test_the_first_call_with_asyncio(
    site: Site, freeze: Callable[[str], AbstractContextManager[Any]], kind: str
) -> None:
    seed = site.sandbox.issue_tokens().refresh_token
    if kind == "memory":
        site.store = MemoryTokenStore()

    async def main() -> None:
        async with site.async_client(refresh_token=seed) as api:
            await asyncio.gather(*(api.get_current_user() for _ in range(5)))

    with freeze("2020-01-01"):
        asyncio.run(main())
    assert len(site.token_requests()) == 1


def test_a_busy_lock_is_waited_for(site: Site, freeze: Callable[[str], AbstractContextManager[Any]]) -> None:
    """As long as the patience is by the real clock, and not for ever."""
    with freeze("2020-01-01"):
        site.login()
        with (
            site.store.lease(site.key(), patience=1),
            site.client(lock_patience=0.3) as api,
            pytest.raises(StoreBusy, match=r"more than 0\.3 s"),
        ):
            api.get_current_user()
        with site.client() as api:
            with site.store.lease(site.key(), patience=1):
                call = Background(api.get_current_user)
                call.join(0.3)
                assert call.is_alive()
            call.finish()
