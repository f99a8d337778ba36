"""The tenant's records, computed from seed and id whenever they are asked for: a million cost no memory.

Names, numbers and people are made up. Organisation numbers are valid by form and checksum and may by chance be
some company's; mail addresses end in `.example`, telephone numbers are from the range kept for fiction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

FIRST_ID: Final = 12345
"""The first client of every list, the one of the quickstart; the others follow it."""
WITHOUT_ACTS: Final = FIRST_ID + 1
"""A client that never has an act of the seed's making."""
QUICKSTART_ACT: Final = UUID("123e4567-e89b-12d3-a456-426614174000")

LIST_FIELDS: Final = (
    "id",
    "company_name",
    "org_number",
    "country",
    "currency",
    "credit_limit",
    "created_at",
    "updated_at",
)

T = TypeVar("T")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_EPOCH: Final = datetime(2023, 1, 2, 7, 0, tzinfo=UTC)
_PLACES: Final = _words(
    "Alingsås Arboga Avesta Borås Båstad Eksjö Enköping Falun Gränna Gävle Hallsberg Härnösand Hjo Kalix Kalmar "
    "Kiruna Köping Landskrona Leksand Lidköping Ljungby Luleå Mariestad Mora Motala Nacka Norrköping Nässjö Orsa "
    "Oskarshamn Piteå Ronneby Sala Simrishamn Skövde Sundsvall Säter Tierp Trosa Umeå Vadstena Varberg Visby "
    "Västerås Växjö Ystad Åmål Ängelholm Örebro Östersund"
)
_TRADES: Final = _words(
    "Bageri Betong Bokhandel Bryggeri Byggnads Båtvarv Drivhus Elektriska Energi Entreprenad Fastighets Fisk Frakt "
    "Glasbruk Grönsaker Hyvleri Industri Kakel Kaffe Konsult Kyl Lantbruk Logistik Maskin Mekaniska Mejeri Möbler "
    "Plåt Redovisning Rör Service Skogs Slakteri Smide Snickeri Städ Såg Teknik Textil Tryckeri Verkstad Åkeri"
)
_OWNERS: Final = ("", "", "", "Bröderna ", "Nya ", "Gamla ", "Norra ", "Södra ", "Östra ", "Västra ")
_FIRST_NAMES: Final = _words(
    "Agnes Ali Amina Anders Annika Astrid Axel Björn Britt Carina Elif Elin Emil Erik Eva Frida Gunnar Göran Hanna "
    "Håkan Ingrid Jonas Karin Kerstin Lars Leila Linnéa Magnus Maja Mehmet Mikael Nils Olga Oskar Per Pontus Rut "
    "Sara Sigrid Sofia Sten Svea Tove Ulf Vera Viktor Yusuf Åke Åsa Örjan"
)
_LAST_NAMES: Final = _words(
    "Ahmed Andersson Berg Bergström Björk Dahl Ek Engström Eriksson Forsberg Fransson Gustafsson Hedlund Holm "
    "Håkansson Jansson Johansson Karlsson Kaya Lind Lindqvist Lundgren Lövgren Mårtensson Nilsson Norén Nyström "
    "Olsson Persson Qvist Sandberg Sjöberg Ström Sundin Svensson Söderberg Wallin Wikström Åberg Åström Öberg Öhman"
)
_RATINGS: Final = ("AAA", "AAA", "AA", "AA", "A", "A", "B", "C", None, None)
_ASCII: Final = str.maketrans("åäöéÅÄÖ ", "aaoeaao-")


class Draw:
    """Choices drawn from a hash of seed and name: the same each time, and independent of each other's order."""

    __slots__ = ("_bits",)

    def __init__(self, key: bytes, *names: object) -> None:
        text = ":".join(str(name) for name in names).encode()
        self._bits = int.from_bytes(hashlib.blake2b(text, key=key, digest_size=64).digest())

    def below(self, bound: int) -> int:
        """Return a whole number from 0 up to, but not including, the bound."""
        self._bits, number = divmod(self._bits, bound)
        return number

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of them."""
        return choices[self.below(len(choices))]


class Companies:
    """The clients and acts of one seed."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()

    def user(self, *, numbered: bool = False) -> dict[str, Any]:
        """Return the person to whom the tokens belong; `numbered` gives numbers in place of UUIDs."""
        draw = Draw(self._key, "user")
        first, last = draw.one_of(_FIRST_NAMES), draw.one_of(_LAST_NAMES)
        organization = f"{draw.one_of(_PLACES)} Finans AB"
        own, organizations = (1 + draw.below(10_000) if numbered else str(self._uuid(0, n)) for n in (0, 1))
        return {
            "id": own,
            "name": f"{first} {last}",
            "email": f"{_plain(first)}.{_plain(last)}@{_plain(organization)}.example",
            "organization": {"id": organizations, "name": organization},
        }

    def client(self, client_id: int) -> dict[str, Any]:
        """Return all fields of a client; `Decimal` for money, `datetime` for times."""
        draw = Draw(self._key, "client", client_id)
        name = f"{draw.one_of(_OWNERS)}{draw.one_of(_PLACES)} {draw.one_of(_TRADES)} AB"
        first, last = draw.one_of(_FIRST_NAMES), draw.one_of(_LAST_NAMES)
        created = _EPOCH + timedelta(seconds=draw.below(86_400 * 900))
        limit = Decimal(draw.below(2_500_000_000) + 1_000_000) / 100
        always = client_id == FIRST_ID
        return {
            "id": client_id,
            "company_name": name,
            "org_number": self._org_number(client_id),
            "country": "SE",
            "currency": "SEK",
            "credit_limit": limit if draw.below(9) or always else None,
            "created_at": created,
            "updated_at": created + timedelta(seconds=draw.below(86_400 * 300)),
            "rating": draw.one_of(_RATINGS),
            "contact_name": f"{first} {last}" if draw.below(12) or always else None,
            "contact_email": f"{_plain(first)}.{_plain(last)}@{_plain(name)}.example",
            "contact_phone": f"+46 70 174 06 {5 + draw.below(95):02d}" if draw.below(6) or always else None,
        }

    def act_count(self, client_id: int) -> int:
        """Return the number of acts that the seed gives a client."""
        if client_id == FIRST_ID:
            return 2
        return 0 if client_id == WITHOUT_ACTS else Draw(self._key, "acts", client_id).below(4)

    def act(self, client_id: int, number: int) -> dict[str, Any]:
        """Return a client's act by its number, counted from 1."""
        draw = Draw(self._key, "act", client_id, number)
        created = self.client(client_id)["created_at"] + timedelta(days=30 * number, seconds=draw.below(86_400))
        template = draw.below(3)
        amount = Decimal(draw.below(900_000_000) + 500_000) / 100
        newest = client_id == FIRST_ID and number == self.act_count(FIRST_ID)
        return {
            "uuid": str(QUICKSTART_ACT if newest else self._uuid(client_id, number)),
            "client_id": client_id,
            "template_id": template + 1,
            "template_name": ("Kreditbedömning", "Årlig omprövning", "Förenklad bedömning")[template],
            "amount": amount if draw.below(8) or newest else None,
            "currency": "SEK",
            "language": draw.one_of(("sv", "sv", "en")),
            "created_at": created,
            "updated_at": created + timedelta(seconds=draw.below(86_400 * 20)),
        }

    def find_act(self, uuid: UUID) -> dict[str, Any] | None:
        """Return the act of a UUID, which holds client and number in a form that only this seed reads."""
        if uuid == QUICKSTART_ACT:
            return self.act(FIRST_ID, self.act_count(FIRST_ID))
        client_id, number = self._read_uuid(uuid)
        if client_id < FIRST_ID or not 1 <= number <= self.act_count(client_id):
            return None
        act = self.act(client_id, number)
        return act if act["uuid"] == str(uuid) else None

    def act_data(self, act: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the data points of an act: every known type, and values that are missing."""
        draw = Draw(self._key, "data", act["uuid"])
        day = date(2025, 1, 1) + timedelta(days=draw.below(500))
        values: list[tuple[str, str, Any]] = [
            ("Sammanfattning", "text", "Stabil lönsamhet, låg skuldsättning & god likviditet"),
            ("Antal anställda", "number", 1 + draw.below(400)),
            ("Soliditet (%)", "number", Decimal(draw.below(1000)) / 10),
            ("Nettoomsättning", "money", Decimal(draw.below(90_000_000_000)) / 100),
            ("Begärd kredit", "money", act["amount"]),
            ("Bokslutsdatum", "date", day.isoformat()),
            ("Revisor anlitad", "boolean", bool(draw.below(2))),
            ("Riskklass", "choice", draw.one_of(("Låg", "Medel", "Hög"))),
            ("Säkerheter", "multi_choice", ["Företagsinteckning", "Borgen"][: 1 + draw.below(2)]),
            ("Kommentar", "text", None),
            ("Betalningsanmärkningar", "number", 0),
            ("Nästa granskning", "date", None),
        ]
        base = draw.below(900_000) + 100_000
        return [
            {
                "id": base + index,
                "template_field_id": act["template_id"] * 100 + index,
                "name": name,
                "type": kind,
                "required": index <= 8,
                "section_id": 1 + (index - 1) // 4,
                "tab_id": 1 + (index - 1) // 8,
                "order": index,
                "value": value,
            }
            for index, (name, kind, value) in enumerate(values, start=1)
        ]

    def _org_number(self, client_id: int) -> str:
        # The factor shares no divisor with 2,000,000, so that no two clients have the same number.
        serial = (client_id * 1_234_567 + int.from_bytes(self._key[:4])) % 2_000_000
        digits = f"{'556' if serial < 1_000_000 else '559'}{serial % 1_000_000:06d}"
        return f"{digits[:6]}-{digits[6:]}{luhn_digit(digits)}"

    def _uuid(self, client_id: int, number: int) -> UUID:
        payload = client_id.to_bytes(5) + number.to_bytes(1)
        tag = hashlib.blake2b(payload, key=self._key, digest_size=9).digest()
        hexes = (tag + self._masked(payload, tag)).hex()
        return UUID(f"{hexes[:12]}4{hexes[12:15]}a{hexes[15:]}")

    def _read_uuid(self, uuid: UUID) -> tuple[int, int]:
        hexes = uuid.hex[:12] + uuid.hex[13:16] + uuid.hex[17:]
        content = bytes.fromhex(hexes)
        payload = self._masked(content[9:], content[:9])
        return int.from_bytes(payload[:5]), payload[5]

    def _masked(self, payload: bytes, tag: bytes) -> bytes:
        mask = hashlib.blake2b(tag, key=self._key, digest_size=len(payload)).digest()
        return bytes(a ^ b for a, b in zip(payload, mask, strict=True))


def luhn_digit(digits: str) -> int:
    """Return the check digit of a Swedish organisation number's first nine digits."""
    total = 0
    for position, character in enumerate(digits):
        number = int(character) * (2 - position % 2)
        total += number // 10 + number % 10
    return -total % 10


def _plain(text: str) -> str:
    return text.lower().translate(_ASCII)
