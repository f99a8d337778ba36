"""Masking takes time in proportion to the text, whatever it holds."""

import json
import random
import time
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krebit.errors import ApiError
from krebit.http.response import error_of
from krebit.http.retry import parse_retry_after
from krebit.http.send import Reply
from krebit.redaction import Secret, mask
from krebit_api.api import Operation

PIECES = [
    "token",
    "token ",
    "token=",
    'token:"',
    'x:"',
    "x:[",
    "code:[",
    "secret:{",
    "a",
    "a.",
    "a@",
    "a%",
    "%40",
    "%",
    "\\",
    '\\"',
    "&quot;",
    "bearer ",
    'bearer"',
    "basic ",
    "eyJ",
    "def50200",
    "/",
    "//",
    "//a:",
    "=",
    "-",
    "0",
    "0 ",
    "+",
    "+1",
    "00 1",
    "123456-",
    "123456 ",
    "1",
    "(",
    "<",
    "<token>",
    "'",
    "\u2011",
    "\u00ad",
    "å",
]


def _seconds(work: Callable[[], object]) -> float:
    """Return the processor time of the quickest of three runs: others at work on this machine do not count."""
    took = []
    for _ in range(3):
        before = time.thread_time()
        work()
        took.append(time.thread_time() - before)
    return min(took)


@pytest.mark.parametrize("piece", PIECES)
def test_masking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """Eight times the text may take 24 times as long; a quadratic pattern would take 64 times."""
    short, long = ((piece * (size // len(piece)))[:size] for size in (2_000, 16_000))
    once = _seconds(lambda: mask(short, len(short)))
    assert _seconds(lambda: mask(long, len(long))) < max(24 * once, 0.1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_masking_takes_any_mixture_in_good_time(mixture: str) -> None:
    text = mixture * 100
    assert _seconds(lambda: mask(text, len(text))) < 1


def test_an_error_with_many_fields_is_read_in_good_time() -> None:
    errors = {f"{'token' * 20}{number}": ["token" * 20 + str(number)] * 20 for number in range(2000)}
    secrets = [Secret(f"secret-number-{number}") for number in range(1000)]
    assert _seconds(lambda: ApiError(422, "token" * 5000, errors=errors, headers={"x": "token" * 5000})) < 1
    assert len(secrets) == 1000


@pytest.mark.parametrize("megabytes", [1, 8])
@pytest.mark.parametrize("piece", ["0 7 0 1 2 3 4 ", 'password="\\', "token:[", ""])
def test_an_error_of_long_texts_is_read_in_good_time(piece: str, megabytes: int) -> None:
    """An event loop waits meanwhile."""
    length = megabytes * 1000
    text = piece * (length // len(piece)) if piece else random.Random(1).randbytes(length // 2).hex()
    errors = {f"{text[:50]}{number}": [f"{number}{text}"] * 10 for number in range(100)}
    body = json.dumps({"message": text, "errors": errors}).encode()
    secret = Secret("a-secret-of-this-process")
    reply = Reply(422, httpx.Headers(), body)

    assert _seconds(lambda: error_of(Operation("list_clients", "GET", "/clients"), reply)) < 1
    assert secret


def test_an_error_with_many_headers_is_read_in_good_time() -> None:
    headers = {f"x-{number}": 'token: "a" 070-123 45 67' for number in range(20_000)}
    assert _seconds(lambda: ApiError(500, headers=headers)) < 1


def test_many_announcements_of_a_rate_limit_are_read_in_good_time() -> None:
    reply = Reply(429, httpx.Headers([("Retry-After", "(((((( Mon")] * 4000), b"")
    assert _seconds(lambda: parse_retry_after(reply)) < 0.5
