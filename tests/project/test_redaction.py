"""Secrets that this process holds are masked wherever they stand."""

import base64
import html
import json
import random
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from krebit.redaction import Secret, mask, mask_path, secrets_in

OWN = ["tok-1", "hunter2", "s3cr3t/with+signs=", 'quote"and\\slash', "åäö-hemligt", "a" * 40, "x<y&z-1234"]
WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "within a word": lambda value: f"abc{value}def",
    "in a URL": lambda value: urllib.parse.quote(value, safe=""),
    "in a URL, lower case": lambda value: re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(value)),
    "in a form": urllib.parse.quote_plus,
    "in JSON": lambda value: json.dumps({"x": value}),
    "in JSON of PHP": lambda value: json.dumps({"x": value}).replace("/", r"\/"),
    "in JSON in JSON": lambda value: json.dumps(json.dumps({"x": value})),
    "in HTML": lambda value: f"<b>{html.escape(value)}</b>",
}


@pytest.mark.parametrize("value", OWN)
@pytest.mark.parametrize("way", WAYS)
def test_own_secrets_are_masked_wherever_they_stand(value: str, way: str) -> None:
    secret = Secret(value)
    shown = mask(f"it said {WAYS[way](value)} there")

    assert "***" in shown
    assert not secrets_in(shown)
    assert shown.startswith("it said ")
    assert shown.endswith(" there")
    del secret


@pytest.mark.parametrize("before", ["", "a", "ab", "application:"])
def test_own_secrets_are_masked_in_base64(before: str) -> None:
    secret = Secret("hunter2-hunter")
    shown = mask("x " + base64.b64encode(f"{before}hunter2-hunter".encode()).decode())

    assert "***" in shown
    assert not secrets_in(shown)
    del secret


def test_a_very_short_secret_is_masked_where_it_stands_alone() -> None:
    secret = Secret("abc")
    assert mask("token abc, (abc) and 'abc' of abcd") == "token ***, (***) and '***' of abcd"
    del secret


def test_a_secret_that_is_a_plain_word_leaves_other_names_alone() -> None:
    secret = Secret("access")
    assert mask("access_denied: token 'access' is dead") == "access_denied: token '***' is dead"
    del secret


@pytest.mark.parametrize("value", [5, b"hunter2", ["hunter2"]])
def test_what_is_no_text_is_no_secret_and_breaks_no_masking(value: Any) -> None:
    with pytest.raises(TypeError, match="must be a text") as caught:
        Secret(value)
    assert mask("it said something") == "it said something"
    assert "hunter2" not in str(caught.value)


def test_secrets_that_overlap_are_masked_as_one() -> None:
    secrets = Secret("abcdef-1"), Secret("abcdef-1-long"), Secret("-long-tail")
    assert mask("first abcdef-1-long-tail then abcdef-1 end") == "first *** then *** end"
    del secrets


def test_a_secret_is_known_for_as_long_as_anybody_holds_it() -> None:
    first, second = Secret("held-twice"), Secret("held-twice")
    assert mask("held-twice") == "***"
    del first
    assert mask("held-twice") == "***"
    del second
    assert mask("held-twice") == "held-twice"


def test_one_of_many_secrets_is_found_in_a_long_text() -> None:
    """Each of thousands has its own beginning, or the one that all tokens of a server share."""
    held = [Secret(f"eyJ0eXAiOiJKV1Qi-{random.randbytes(20).hex()}") for _ in range(2000)]
    held += [Secret(random.randbytes(20).hex()) for _ in range(2000)]
    wanted = [held[7], held[1999], held[2000], held[3999], Secret("hunter2")]
    for secret in wanted:
        for form in secret.forms():
            assert form in secrets_in("word " * 1000 + form + " word" * 1000)
    assert secrets_in("word " * 2000) == []


@pytest.mark.parametrize("value", ["8letters", "ååååååå1", "a+b/c=d&", "\\\\\\\\\\x", "日本語日本語日本"])
def test_no_form_is_shorter_than_what_it_is_looked_for_by(value: str) -> None:
    secret = Secret(value)
    assert all(form in secrets_in(f"x{form}x") for form in secret.forms())


@pytest.mark.parametrize("length", [20, 3000])
@pytest.mark.parametrize("start", [1190, 1199, 1201])
def test_no_part_of_an_own_secret_is_shown_at_the_cut(length: int, start: int) -> None:
    secret = Secret("opensesame" * (length // 10))
    shown = mask("w" * start + secret.reveal() + "rest", 1200)
    shown += mask(" ".join(["w" * 9] * (start // 10)) + secret.reveal() + "rest")
    assert "open" not in shown


def test_a_path_hides_a_secret_that_holds_a_slash() -> None:
    secret = Secret("abc/def/ghi-1")
    assert mask_path("/api/abc/def/ghi-1/clients") == "/api/***/clients"
    del secret
