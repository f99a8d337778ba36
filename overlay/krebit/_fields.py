"""What a generated model declares, read from its annotations: to unwrap envelopes, to read times that `fromisoformat`
refuses, and to say which field of an answer was wrong. Nothing here is needed for an answer that is as documented."""

import functools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

from krebit._body import Mismatch, kind_of
from krebit.values import parse_time


@functools.cache
def _declared(model: Any) -> dict[str, "attrs.Attribute[Any]"]:
    """Fields by their name in JSON: the generator turns `from` into `from_` and `perPage` into `per_page`."""
    return {field.name.rstrip("_"): field for field in attrs.fields(model) if field.name != "additional_properties"}


def declares(model: Any, name: str) -> bool:
    """Whether the model has a field of that name."""
    return name in _declared(model)


@functools.cache
def required(model: Any) -> frozenset[str]:
    """The fields without which the model cannot be read."""
    return frozenset(name for name, field in _declared(model).items() if field.default is attrs.NOTHING)


def read_leniently(model: Any, item: Mapping[str, Any], at: str) -> Any:
    """The record, with times in other forms rewritten, or Mismatch for the first field that is not as declared."""
    try:
        return model.from_dict(_checked(model, item, at))
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        got = f"what {model.__name__} cannot read ({type(error).__name__})"
    raise Mismatch(at, f"a {model.__name__}", got)


def _checked(model: Any, item: Mapping[str, Any], at: str) -> dict[str, Any]:
    missing = sorted(required(model) - item.keys())
    if missing:
        raise Mismatch(_join(at, missing[0]), "a value", "nothing")
    result = dict(item)
    for name, field in _declared(model).items():
        if name in item:
            result[name] = _check(str(field.type), item[name], _join(at, name), model)
    return result


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _check(annotation: str, value: Any, at: str, model: Any) -> Any:
    choices = [choice for choice in _split(annotation) if choice != "Unset"]
    failure: Mismatch | None = None
    for choice in choices:
        try:
            return _check_one(choice, value, at, model)
        except Mismatch as error:
            # The deepest complaint says most: about a key inside the object, not "expected null".
            if failure is None or len(error.field) > len(failure.field):
                failure = error
    if failure is not None and len(choices) > 1 and failure.field == at:
        raise Mismatch(at, " or ".join(_name(choice) for choice in choices), kind_of(value))
    if failure is not None:
        raise failure
    return value


def _check_one(choice: str, value: Any, at: str, model: Any) -> Any:
    if choice == "Any":
        return value
    if choice == "None":
        good = value is None
    elif choice in ("datetime.datetime", "datetime.date"):
        return _time(choice, value, at)
    elif choice == "UUID":
        good = _is_uuid(value)
    elif choice in _TYPES:
        good = isinstance(value, _TYPES[choice]) and (choice == "bool" or not isinstance(value, bool))
    elif choice.startswith("list["):
        if isinstance(value, list):
            return [_check(choice[5:-1], part, f"{at}[{number}]", model) for number, part in enumerate(value)]
        good = False
    else:
        nested = _model(choice)
        if nested is not None and isinstance(value, Mapping):
            return _checked(nested, value, at)
        good = nested is None
    if not good:
        raise Mismatch(at, _name(choice), kind_of(value))
    return value


def _time(choice: str, value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise Mismatch(at, _name(choice), kind_of(value))
    try:
        found = parse_time(value)
    except ValueError:
        raise Mismatch(at, _name(choice), "a text that is no time") from None
    return found.isoformat() if choice == "datetime.datetime" else found.date().isoformat()


def _is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float, Decimal)}
_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "None": "null",
    "UUID": "a UUID",
    "datetime.datetime": "a time (ISO 8601)",
    "datetime.date": "a date (ISO 8601)",
}


def _name(choice: str) -> str:
    return _NAMES.get(choice) or ("a list" if choice.startswith("list[") else "an object")


def _model(name: str) -> Any:
    from krebit_api import models

    return getattr(models, name, None) if re.fullmatch(r"\w+", name) else None


def _split(annotation: str) -> list[str]:
    """The members of a union, brackets kept together."""
    parts, depth = [""], 0
    for char in annotation:
        depth += (char == "[") - (char == "]")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip().strip("'\"") for part in parts]
