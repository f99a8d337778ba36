"""The names of the members of enumerations: every value has one, whatever signs it is made of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from contract import nodes
from openapi_python_client.strings import snake_case

VARIABLE_NAMES = "x-enum-varnames"


def member_names(node: dict[str, Any]) -> dict[str | int, str]:
    """Return the name of each value of an enumeration: the document's own, the usual ones, or signs in words."""
    values = values_of(node)
    given = given_names(node)
    if given is not None:
        return dict(zip(values, given, strict=True))
    usual = [_usual_name(value, index) for index, value in enumerate(values)]
    if len({*usual}) == len(usual) and all(name.isidentifier() for name in usual):
        return dict(zip(values, usual, strict=True))
    names: list[str] = []
    for index, value in enumerate(values):
        spelled = _spelled(str(value), index)
        name, number = spelled, 1
        while name in names:
            number += 1
            name = f"{spelled}_{number}"
        names.append(name)
    return dict(zip(values, names, strict=True))


def values_of(node: dict[str, Any]) -> list[Any]:
    """Return the values of an enumeration, each once, without null, which makes it nullable."""
    values: list[Any] = []
    for value in node["enum"]:
        if value is not None and not any(type(value) is type(other) and value == other for other in values):
            values.append(value)
    return values


def given_names(node: dict[str, Any]) -> list[str] | None:
    """Return the names that the document gives to the values, None where it gives none or too few."""
    names = node.get(VARIABLE_NAMES)
    if not isinstance(names, list) or len(names) != len(node["enum"]):
        return None
    by_value = {(type(value), value): str(name) for value, name in zip(node["enum"], names, strict=True)}
    return [by_value[type(value), value] for value in values_of(node)]


def _usual_name(value: str | int, index: int) -> str:
    """Return the name that the generator gives."""
    if isinstance(value, int):
        return f"VALUE_NEGATIVE_{-value}" if value < 0 else f"VALUE_{value}"
    key = value.upper() if value and value[0].isalpha() else f"VALUE_{index}"
    return snake_case(key).upper()


def _spelled(value: str, index: int) -> str:
    """Return a name with each sign in words, which are Unicode's: AA+ is AA_PLUS."""
    words = ""
    for position, character in enumerate(value):
        if character.isascii() and character.isalnum():
            words += character.upper()
        elif character in " _" or (character == "-" and position + 1 < len(value)):
            words += "_"
        else:
            sign = "MINUS" if character == "-" else unicodedata.name(character, f"U{ord(character):X}")
            words += f"_{_word(sign)}_"
    name = "_".join(part for part in words.split("_") if part)
    return name if name and name[0].isalpha() else f"VALUE_{name or index}"


def _word(sign: str) -> str:
    name = sign.removesuffix(" SIGN").replace("-", "_").replace(" ", "_")
    return "".join(character for character in name if character.isalnum() or character == "_")


def enumerations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of a document that lists its values, with the way to it."""
    for part in ("paths", "components"):
        for where, node in nodes(document.get(part), part):
            if isinstance(node.get("enum"), list):
                yield where, node


def refused(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each enumeration that cannot be one, with what to write instead."""
    for where, node in enumerations(document):
        values = values_of(node)
        types = {type(value) for value in values}
        if len(types) > 1:
            yield f"{where}: an enum of several types; write values of one type, or `examples` in place of `enum`"
        elif types - {str, int}:
            kind = next(iter(types)).__name__
            yield f"{where}: an enum of {kind} values; write the type without `enum`, or `const` for a single value"
        elif (names := given_names(node)) is not None:
            bad = [name for name in names if snake_case(name).upper() != name or not name.isidentifier()]
            if bad or len({*names}) < len(names):
                yield f"{where}: {VARIABLE_NAMES}: {', '.join(bad or names)}: write each once, in capitals"
        elif VARIABLE_NAMES in node:
            yield f"{where}: {VARIABLE_NAMES}: write as many names as `enum` has values"
