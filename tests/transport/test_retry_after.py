"""How long the client waits where the server asks it to: Retry-After, and rate limits with and without it."""

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krebit import DeadlineExceeded, RateLimited
from krebit.http.retry import parse_retry_after
from krebit.http.send import Reply
from krebit_sandbox import Sandbox
from tests.transport.support import Place, Way, answering, received_reply


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("9" * 400, 31_536_000),
        ("999999999", 31_536_000),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Tue, 24 Nov 2026 00:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 00:00:30 -0000", 30),
        ("Tuesday, 24-Nov-26 00:00:30 GMT", 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 31_536_000),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Fri, 31 Feb 2026 23:59:59 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("\u0667", None),
        ("1e400", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_all_its_forms(value: str | None, seconds: float | None) -> None:
    now = 1_795_478_400.0  # 2026-11-24 00:00:00 UTC
    reply = received_reply(429) if value is None else received_reply(429, retry_after=value)
    assert parse_retry_after(reply, now=lambda: now) == seconds


def test_a_date_is_counted_from_the_answers_own_date() -> None:
    """So that a clock which is a day off on this machine does not matter."""
    date = "Tue, 24 Nov 2026 00:00:00 GMT"
    assert (
        parse_retry_after(received_reply(429, retry_after="Tue, 24 Nov 2026 00:00:30 GMT", date=date), now=lambda: 0.0)
        == 30.0
    )


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["4", "4"], 4),
        (["2", "30", "7"], 30),
        (["soon", "5"], 5),
        (["5", "Tue, 24 Nov 2026 00:00:30 GMT"], 30),
        (["1, 4"], 4),
        (["soon", ""], None),
    ],
)
def test_of_several_the_longest_wait_counts(values: list[str], seconds: float | None) -> None:
    headers = httpx.Headers([("Retry-After", value) for value in values])
    assert parse_retry_after(Reply(429, headers, b""), now=lambda: 1_795_478_400.0) == seconds


def test_two_headers_of_a_server_are_obeyed(way: Way) -> None:
    twice = (("Retry-After", "3600"), ("Retry-After", "3600"))
    with answering({"message": "Too Many Attempts."}, "429 Too Many Requests", twice) as server:
        error = Place.raw(server).error(way, lambda api: api.get_current_user())

    assert isinstance(error, RateLimited)
    assert error.retry_after == 3600
    assert len(server.requests) == 1


def test_a_rate_limit_that_announces_nothing_counts_as_a_retry(sandbox: Sandbox, way: Way) -> None:
    """So that one without an end ends a call soon."""
    sandbox.fault(kind="status", path="/api/1.0/me", status=429, times=None)

    error = Place.sandbox(sandbox).error(way, lambda api: api.get_current_user())

    assert isinstance(error, RateLimited)
    assert len(sandbox.requests) == 3


def test_a_wait_that_is_announced_is_no_retry(sandbox: Sandbox, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """One retry is left for the failure behind it. A wait of more than a second is logged."""
    sandbox.fault(kind="status", path="/api/1.0/me", status=429, times=2, headers={"Retry-After": "1"})
    sandbox.fault(kind="status", path="/api/1.0/me", status=502, times=1)

    with caplog.at_level("INFO", "krebit"):
        assert Place.sandbox(sandbox).call(way, lambda api: api.get_current_user(), retries=1).id is not None

    assert sorted(request.status or 0 for request in sandbox.requests) == [200, 429, 429, 502]
    waits = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert len(waits) == 2
    assert all("GET /api/1.0/me: 429" in text for text in waits)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,6} [A-Z][a-z]{2} \d{1,9} \d\d:\d\d:\d\d [A-Z+\-\d]{0,6}"))
@example("Sun, 01 Jan 0001 00:00:00 +2359")
def test_no_header_breaks_the_reading_of_it(value: str) -> None:
    found = parse_retry_after(received_reply(429, retry_after=value, date=value))
    assert found is None or 0 <= found <= 31_536_000


def test_a_long_retry_after_ends_the_call_at_once_and_is_told(sandbox: Sandbox, way: Way) -> None:
    for value, seconds in (("3600", 3600.0), ("9" * 400, 31_536_000.0)):
        sandbox.fault(kind="status", path="/api/1.0/me", status=429, times=None, headers={"Retry-After": value})
        error = Place.sandbox(sandbox).error(way, lambda api: api.get_current_user())
        assert isinstance(error, RateLimited)
        assert error.retry_after == seconds
        assert len(sandbox.requests) == 1
        sandbox.reset()


def test_a_deadline_ends_the_waiting_for_a_rate_limit(sandbox: Sandbox, way: Way) -> None:
    sandbox.fault(kind="status", path="/api/1.0/me", status=429, times=None)

    error = Place.sandbox(sandbox).error(way, lambda api: api.get_current_user(), timeout=0.5)
    assert isinstance(error, RateLimited | DeadlineExceeded)
