"""What a receiver must accept and refuse: name, body, headers, and the status of the answer."""

import base64
import json
from dataclasses import dataclass, field

from krebit.webhooks import sign

SECRET = "whsec_new"
OLD_SECRET = "whsec_old"
FOREIGN_SECRET = "whsec_of_another_tenant"
SECRETS = {"acts": [SECRET, OLD_SECRET]}

ACT = {
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "client_id": 12345,
    "template_id": 7,
    "template_name": "\u00c5rsbokslut",
    "amount": 125000.50,
    "currency": "SEK",
    "language": "sv",
    "created_at": "2024-01-15T08:30:00Z",
    "updated_at": "2024-01-15 08:30:00",
}
Pairs = list[tuple[bytes, bytes]]


def act_created(delivery_id: object = "evt_1", **more: object) -> bytes:
    """A delivery as PHP's `json_encode` writes it: slashes and everything beyond ASCII escaped."""
    payload = {"id": delivery_id, "event": "act.created", "created_at": "2024-01-15T08:30:00Z", "data": ACT, **more}
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def signed(body: bytes, secret: str | bytes = SECRET) -> Pairs:
    """The headers that Krebit sends with it."""
    return [(b"X-Signature", sign(body, secret).encode()), (b"X-Client-Id", b"1")]


@dataclass(frozen=True)
class Case:
    name: str
    status: int
    body: bytes
    headers: Pairs = field(default_factory=list)


def _header(name: str, value: bytes, status: int = 401) -> Case:
    return Case(name, status, act_created(name), [(b"X-Signature", value)])


def _payload(name: str, body: bytes) -> Case:
    return Case(name, 400, body, signed(body))


def _digits(name: str) -> bytes:
    return sign(act_created(name), SECRET).encode()


def _accepted() -> list[Case]:
    plain, client = act_created("plain"), act_created("client id")
    return [
        Case("plain", 200, plain, signed(plain)),
        _header("white space around", b" \t" + _digits("white space around") + b"\t ", 200),
        _header("sha256 prefix", b"sha256=" + _digits("sha256 prefix"), 200),
        _header("upper case", _digits("upper case").upper(), 200),
        Case("old secret", 200, act_created("old secret"), signed(act_created("old secret"), OLD_SECRET)),
        Case("client id", 200, client, [*signed(client)[:1], (b"X-Client-Id", b"\xe9; nobody we know")]),
        Case("unknown event", 200, b'{"id":1,"event":"moon.landed"}', signed(b'{"id":1,"event":"moon.landed"}')),
        Case("no id, no event", 200, b"{}", signed(b"{}")),
    ]


def _refused() -> list[Case]:
    body = act_created("refused")
    good = sign(body, SECRET).encode()
    flipped = bytes([body[0], body[1] ^ 1]) + body[2:]
    arabic = good.decode().translate({48 + digit: 0x660 + digit for digit in range(10)}).encode()
    return [
        Case("missing", 401, body),
        Case("empty", 401, body, [(b"X-Signature", b"")]),
        Case("twice", 401, body, [(b"X-Signature", good), (b"x-signature", good)]),
        Case("63 digits", 401, body, [(b"X-Signature", good[:-1])]),
        Case("65 digits", 401, body, [(b"X-Signature", good + b"0")]),
        Case("white space inside", 401, body, [(b"X-Signature", good[:32] + b" " + good[32:])]),
        Case("not ASCII", 401, body, [(b"X-Signature", good[:-1] + b"\xe9")]),
        Case("Arabic digits", 401, body, [(b"X-Signature", arabic)]),
        Case("base64", 401, body, [(b"X-Signature", base64.b64encode(bytes.fromhex(good.decode())))]),
        Case("10 KB", 401, body, [(b"X-Signature", good * 160)]),
        Case("foreign secret", 401, body, signed(body, FOREIGN_SECRET)),
        Case("empty body", 401, b"", signed(b"")),
        Case("one bit flipped", 401, flipped, signed(body)),
        Case("re-serialised", 401, json.dumps(json.loads(body)).encode(), signed(body)),
    ]


def _not_an_object() -> list[Case]:
    return [
        _payload("byte order mark", b"\xef\xbb\xbf{}"),
        _payload("UTF-16", '{"id":"1"}'.encode("utf-16")),
        _payload("UTF-16 without mark", '{"id":"1"}'.encode("utf-16-le")),
        _payload("not UTF-8", b'{"id":"\xe9"}'),
        _payload("duplicate keys", b'{"id":1,"id":2}'),
        _payload("duplicate keys inside", b'{"data":{"uuid":"a","uuid":"b"}}'),
        _payload("NaN", b'{"id":NaN}'),
        _payload("Infinity", b'{"amount":-Infinity}'),
        _payload("exponent out of range", b'{"amount":1e99999999999999999999}'),
        _payload("10^5 nesting", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        _payload("5,000 digits", b'{"id":' + b"9" * 5_000 + b"}"),
        _payload("a list", b"[{}]"),
        _payload("a string", b'"{}"'),
        _payload("cut short", b'{"id":'),
        _payload("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00"),
    ]


CASES = [*_accepted(), *_refused(), *_not_an_object()]
