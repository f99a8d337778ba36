"""`verify` and `sign`: what is accepted, what is refused, and that nothing but WebhookError comes out."""

import hashlib
import hmac
import json
import os
import pickle
from collections.abc import Callable, Iterable
from decimal import Decimal
from email.message import Message
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers as WerkzeugHeaders

from krebit.errors import ApiError, ConfigurationError, WebhookError
from krebit.webhooks import ActCreated, MemoryInbox, Receiver, WebhookEvent, sign, verify
from krebit.webhooks.signature import Headers, signers
from tests.frames import frames_of
from tests.webhooks.cases import ACT, CASES, FOREIGN_SECRET, OLD_SECRET, SECRET, SECRETS, Case, act_created, signed

REASONS = {401: "signature", 400: "payload"}
# Four tests: 10^5 inputs in all, or 10^4 where it must be quick.
EXAMPLES = 25_000 if os.environ.get("KREBIT_TESTS_LONG") == "1" else 2_500
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
thorough = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=SLOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case(case: Case) -> None:
    if case.status == 200:
        assert verify(case.body, case.headers, SECRETS).body == case.body
        return
    with pytest.raises(WebhookError) as caught:
        verify(case.body, case.headers, SECRETS)
    assert caught.value.reason == REASONS[case.status]


def test_the_signature_is_the_hex_hmac_sha256_of_the_raw_body() -> None:
    # Test case 2 of RFC 4231.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == expected


def test_an_act_is_typed_and_money_is_exact() -> None:
    body = act_created("evt_9")
    event = verify(body, signed(body), SECRETS)
    assert isinstance(event, ActCreated)
    assert (event.event, event.id, event.subscription) == ("act.created", "evt_9", "acts")
    assert event.data.uuid == ACT["uuid"]
    assert event.payload["data"]["amount"] == Decimal("125000.5")
    assert event.data.template_name == "\u00c5rsbokslut"


def test_an_odd_time_costs_no_delivery_its_type() -> None:
    body = act_created("evt_1", data={**ACT, "created_at": "Tuesday"})
    event = verify(body, signed(body), SECRET)
    assert isinstance(event, ActCreated)
    assert event.data.to_dict()["created_at"] == "Tuesday"


@pytest.mark.parametrize("data", [None, [], "x", {}, {"uuid": 5}, {"uuid": None}, {**ACT, "amount": "a lot"}])
def test_an_act_in_an_unknown_shape_is_the_base_type_with_all_that_was_sent(data: object) -> None:
    body = act_created("evt_1", data=data, surprise=True)
    event = verify(body, signed(body), SECRET)
    assert type(event) is WebhookEvent
    assert event.payload["data"] == json.loads(json.dumps(data), parse_float=Decimal)
    assert event.payload["surprise"] is True


def test_unknown_events_and_keys_are_kept() -> None:
    body = b'{"id":7,"event":"client.deleted","what":{"ever":1.10}}'
    event = verify(body, signed(body), SECRET)
    assert type(event) is WebhookEvent
    assert (event.event, event.id) == ("client.deleted", 7)
    assert str(event.payload["what"]["ever"]) == "1.10"


@pytest.mark.parametrize(("sent", "found"), [(None, None), (True, None), ("", None), ([1], None), (1.5, None), (0, 0)])
def test_only_a_text_or_an_integer_is_an_id(sent: object, found: object) -> None:
    body = act_created(sent)
    assert verify(body, signed(body), SECRET).id == found


def test_the_key_tells_deliveries_apart() -> None:
    def key(body: bytes, subscription: str = "a") -> str:
        return verify(body, signed(body), {subscription: SECRET}).key

    bodies = [act_created(name) for name in ("1", 1, "a", '"a"', "b" * 500, "b" * 501, None)]
    keys = [key(body) for body in bodies] + [key(b"{}"), key(act_created("1"), "b"), key(act_created(None, other=1))]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() for key in keys)
    assert key(act_created("1")) == key(act_created("1", other=1))
    assert key(act_created("\ud83d\ude80 \ud800")).isascii()


@pytest.mark.parametrize(
    "make", [dict, list, tuple, iter, httpx.Headers, WerkzeugHeaders], ids=lambda make: make.__name__
)
@pytest.mark.parametrize("name", ["X-Signature", "x-signature", "X-SIGNATURE"])
def test_headers_come_in_many_kinds(make: Callable[[Iterable[tuple[str, str]]], Headers], name: str) -> None:
    body = act_created()
    pairs = [("Host", "example.com"), (name, sign(body, SECRET))]
    assert verify(body, make(pairs), SECRET).id == "evt_1"


def test_headers_of_the_standard_library_s_server() -> None:
    body = act_created()
    headers = Message()
    headers["X-Signature"] = sign(body, SECRET)
    assert verify(body, headers.items(), SECRET).id == "evt_1"
    assert verify(body, cast("Headers", headers), SECRET).id == "evt_1"


def test_headers_as_bytes() -> None:
    body = act_created()
    signature = sign(body, SECRET).encode()
    assert verify(body, {b"x-signature": signature}, SECRET).id == "evt_1"
    assert verify(body, [(b"x-signature", signature), (b"\xff", b"\xff")], SECRET).id == "evt_1"


@pytest.mark.parametrize("headers", [None, 5, "x-signature", ["x"], [("a", "b", "c")], {"x-signature": None}, {5: 5}])
def test_headers_that_are_none_are_a_bad_signature(headers: Any) -> None:
    with pytest.raises(WebhookError, match="X-Signature") as caught:
        verify(act_created(), headers, SECRET)
    assert caught.value.reason == "signature"


def test_one_header_in_two_spellings_is_refused() -> None:
    body = act_created()
    with pytest.raises(WebhookError):
        verify(body, {"X-Signature": sign(body, SECRET), "x-signature": sign(body, SECRET)}, SECRET)


@pytest.mark.parametrize("body", ["{}", {}, None, 5])
def test_a_body_that_is_not_bytes_is_refused(body: Any) -> None:
    with pytest.raises(WebhookError, match="bytes"):
        verify(body, signed(b"{}"), SECRET)


@pytest.mark.parametrize("secret", ["line\n", "\n line", "l\u00f6senord \U0001f511", b"\x00\xff", "caf\udce9"])
def test_a_secret_works_as_given(secret: str | bytes) -> None:
    body = act_created()
    key = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogateescape")
    headers = {"X-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()}
    assert verify(body, headers, secret).id == "evt_1"
    with pytest.raises(WebhookError):
        verify(body, headers, key.strip() + b"x")


@pytest.mark.parametrize("secrets", ["", " \n", None, b"", [], {}, [SECRET, ""], {"a": None}, {"a": []}, 5, "\ud800"])
def test_a_blank_secret_is_refused_when_configured(secrets: Any) -> None:
    with pytest.raises(ConfigurationError):
        verify(b"{}", signed(b"{}"), secrets)
    with pytest.raises(ConfigurationError):
        signers(secrets)


@pytest.mark.parametrize("name", [b"acts", None, 5, ("a", 1)])
def test_a_name_that_is_no_text_is_refused_when_configured(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        Receiver({"acts": SECRET, name: OLD_SECRET}, print, inbox=MemoryInbox())


def test_secrets_that_can_be_read_once_are_kept() -> None:
    receiver = Receiver(iter([SECRET, OLD_SECRET]), print, inbox=MemoryInbox(), handle_here=False)
    for secret in (SECRET, OLD_SECRET):
        for number in range(2):
            body = act_created(f"{secret} {number}")
            assert receiver.receive(body, signed(body, secret)).status == 200


def test_while_rotating_both_secrets_count_and_afterwards_one() -> None:
    body = act_created()
    assert verify(body, signed(body, OLD_SECRET), [SECRET, OLD_SECRET]).id == "evt_1"
    with pytest.raises(WebhookError):
        verify(body, signed(body, OLD_SECRET), [SECRET])


def test_the_secret_that_matches_names_the_subscription() -> None:
    body = act_created()
    named = {"acts": [SECRET, OLD_SECRET], "clients": FOREIGN_SECRET}
    assert verify(body, signed(body, OLD_SECRET), named).subscription == "acts"
    assert verify(body, signed(body, FOREIGN_SECRET), named).subscription == "clients"


def test_every_secret_is_tried_and_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", compare)
    body = act_created()
    with pytest.raises(WebhookError):
        verify(body, signed(body, "unknown"), [SECRET, OLD_SECRET, FOREIGN_SECRET])
    assert len(compared) == 3
    assert all(type(side) is bytes and len(side) == 32 for pair in compared for side in pair)


def test_neither_secret_nor_payload_is_shown() -> None:
    body = act_created("evt_1", contact="anna@example.com")
    event = verify(body, signed(body), SECRET)
    assert "anna" not in repr(event)
    assert "125000" not in repr(event)
    receiver = Receiver(SECRET, print, inbox=MemoryInbox())
    assert SECRET not in repr(vars(receiver))
    with pytest.raises(TypeError):
        pickle.dumps(receiver)
    assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize("case", [case for case in CASES if case.status != 200], ids=lambda case: case.name)
def test_a_refusal_has_no_cause_and_quotes_nothing(case: Case) -> None:
    with pytest.raises(WebhookError) as caught:
        verify(case.body, case.headers, SECRETS)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert SECRET not in str(caught.value)
    assert "evt" not in str(caught.value)


def outcome(body: object, headers: object, secrets: object) -> str:
    try:
        return type(verify(cast("bytes", body), cast("Headers", headers), cast("str", secrets))).__name__
    except WebhookError as error:
        return error.reason


texts = st.text() | st.binary()
junk = st.none() | st.integers() | texts | st.lists(texts, max_size=3) | st.dictionaries(texts, texts, max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from([*ACT]), inner),
    max_leaves=12,
)


@pytest.mark.slow
@pytest.mark.timeout(600)  # of the 10^5 inputs
@thorough
@given(st.binary() | junk, junk | st.lists(st.tuples(st.just("X-Signature") | texts, texts), max_size=3))
def test_any_headers_and_body_end_in_a_refusal(body: object, headers: object) -> None:
    assert outcome(body, headers, SECRET) == "signature"


@pytest.mark.timeout(600)  # of the 10^5 inputs
@thorough
@given(st.binary(min_size=1))
def test_any_signed_bytes_end_in_an_event_or_a_refusal(body: bytes) -> None:
    assert outcome(body, signed(body), SECRET) in ("WebhookEvent", "payload")


@pytest.mark.slow
@pytest.mark.timeout(600)  # of the 10^5 inputs
@thorough
@given(st.dictionaries(st.sampled_from(["id", "event", "data", "created_at"]), json_values), json_values, st.data())
def test_any_signed_json_object_is_an_event(payload: dict[str, Any], data: object, more: st.DataObject) -> None:
    if more.draw(st.booleans()):
        payload |= {"event": "act.created", "data": {**ACT, more.draw(st.sampled_from(list(ACT))): data}}
    body = json.dumps(payload).encode()
    expected = {"WebhookEvent", "ActCreated"}
    if b"NaN" in body or b"Infinity" in body:
        expected.add("payload")
    assert outcome(body, signed(body), SECRET) in expected


@pytest.mark.timeout(600)  # of the 10^5 inputs
@thorough
@given(st.data())
@pytest.mark.slow
def test_one_changed_bit_is_refused(data: st.DataObject) -> None:
    body = bytearray(act_created())
    headers = signed(bytes(body))
    position = data.draw(st.integers(0, len(body) * 8 - 1))
    body[position // 8] ^= 1 << position % 8
    assert outcome(bytes(body), headers, SECRET) == "signature"


def test_no_frame_of_ours_holds_the_secret_when_a_delivery_is_refused() -> None:
    """Anybody can have one refused, and what reports errors may show local variables."""
    with pytest.raises(WebhookError) as caught:
        verify(b"{}", {"X-Signature": "0" * 64}, SECRET)
    assert SECRET not in frames_of(caught.value)


@pytest.mark.parametrize(
    "secrets",
    [
        [SECRET, ""],
        [SECRET, "\ud800"],
        {"a": [SECRET, b" "]},
        {"a": SECRET, "b": 5},
        {"a": SECRET, 5: SECRET},
        {5: SECRET},
    ],
)
def test_no_frame_of_ours_holds_the_secret_when_another_one_is_no_secret(secrets: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        verify(b"{}", {"X-Signature": "0" * 64}, secrets)
    assert SECRET not in frames_of(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        Receiver(secrets, print, inbox=MemoryInbox())
    assert SECRET not in frames_of(caught.value)


def test_no_frame_of_ours_holds_the_secret_when_another_setting_is_wrong() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Receiver(SECRET, print, inbox=MemoryInbox(), concurrency=0)
    assert SECRET not in frames_of(caught.value)


@pytest.mark.parametrize("secret", ["wHsec1", b"wHsec1", "a webhook's secret", "ä\n"])
def test_a_secret_is_masked_in_texts_while_a_receiver_has_it(secret: str | bytes) -> None:
    """A server may repeat the secret of a subscription in an error."""
    text = secret if isinstance(secret, str) else secret.decode()
    receiver = Receiver({"a": [secret]}, print, inbox=MemoryInbox())
    error = ApiError(500, f"the target refused ({text})", errors={"secret": [text]})
    assert text.strip() not in f"{error} {error.message} {error.errors}"
    del receiver
