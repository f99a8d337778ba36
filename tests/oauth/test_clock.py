"""Clocks that jump, and a day in a moment."""

import pytest

from krebit.oauth.token_endpoint import parse_lifetime
from krebit.redaction import Secret
from krebit.stores.record import Login, TokenPair
from tests.clocks import Clocks
from tests.oauth.support import Site


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.mark.parametrize("lifetime", ["token_lifetime", None])
def test_a_day_with_tokens_of_an_hour(site: Site, clocks: Clocks, lifetime: str | None) -> None:
    """A call every ten minutes: as many refreshes as hours, and no failure."""
    site.sandbox.switch(expires_in=lifetime)
    site.login()
    with site.client() as api:
        for _ in range(24 * 6):
            api.get_current_user()
            clocks.pass_by(600)
            site.sandbox.clock.advance(600)
    assert len(site.token_requests()) <= 25
    if lifetime:
        assert {request.status for request in site.sandbox.requests} == {200}


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0, 10 * 366 * 86_400.0, -(10 * 366 * 86_400.0)])
@pytest.mark.parametrize("fresh", [True, False])
def test_the_wall_clock_jumps(site: Site, clocks: Clocks, jump: float, fresh: bool) -> None:
    """The server's does not. Never a failure; at worst a refresh that was not needed, or a 401 and its replay."""
    site.login(expired=False)
    with site.client() as api:
        api.get_current_user()
        clocks.jump(jump)
        with site.client() if fresh else api as client:
            for _ in range(12):
                client.get_current_user()
                clocks.pass_by(600)
                site.sandbox.clock.advance(600)
    assert site.state() == "live"
    assert len(site.token_requests()) <= 4


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_it_jumps_back_and_forth(site: Site, clocks: Clocks, jump: float) -> None:
    site.login()
    for number in range(6):
        with site.client() as api:
            api.get_current_user()
            clocks.jump(jump if number % 2 else -jump)
    assert site.state() == "live"


def test_a_clock_that_was_put_back_makes_no_token_live_longer() -> None:
    login = Login.empty().with_pair(TokenPair(Secret("a"), None, 3600.0), 1_000_000.0)
    assert login.remaining(1_000_000.0) == 3540
    assert login.remaining(0.0) == 3540
    assert login.remaining(1_003_539.0) == 1
    assert login.remaining(1_003_540.0) == 0


@pytest.mark.parametrize(("lifetime", "margin"), [(2.0, 0.2), (100.0, 10.0), (600.0, 60.0), (86_400.0, 60.0)])
def test_the_margin_is_a_tenth_at_most_a_minute(lifetime: float, margin: float) -> None:
    login = Login.empty().with_pair(TokenPair(Secret("a"), None, lifetime), 1_000_000.0)
    assert login.remaining(1_000_000.0) == lifetime - margin


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        (0.5, 0.5),
        ("abc", None),
        (-1, None),
        (0, None),
        (1e99, None),
        (10**400, None),
        ("1e400", None),
        ("nan", None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ([3600], None),
    ],
)
def test_lifetimes(value: object, seconds: float | None) -> None:
    assert parse_lifetime(value) == seconds
