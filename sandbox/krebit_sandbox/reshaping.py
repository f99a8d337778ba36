"""JSON values turned into other types and forms, as a report of shapes lists them."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final, Self

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
_ANY: Final = "any"
TYPES: Final = ("string", "integer", "number", "boolean", "array", "object", "null", _ANY)
# An example of each form of a text.
_TEXTS: Final = {
    "time-z": "2024-11-02T14:05:09Z",
    "time-micro": "2024-11-02T14:05:09.000000Z",
    "time-offset": "2024-11-02T15:05:09+01:00",
    "time-space": "2024-11-02 14:05:09",
    "date": "2024-11-02",
    "uuid": "5f0c7f5e-2d0e-4a34-8d1f-6a5f3a7b9c10",
    "decimal": "1250.00",
    "other": "another form",
}
FORMS: Final = tuple(_TEXTS)
_EXPRESSIONS: Final = {
    "time-z": re.compile(r"[0-9-]{10}T[0-9:]{8}Z"),
    "time-micro": re.compile(r"[0-9-]{10}T[0-9:]{8}\.[0-9]+Z"),
    "time-offset": re.compile(r"[0-9-]{10}T[0-9:.]+[+-][0-9]{2}:[0-9]{2}"),
    "time-space": re.compile(r"[0-9-]{10} [0-9:]{8}(\.[0-9]+)?"),
    "date": re.compile(r"[0-9-]{10}"),
    "uuid": _UUID,
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
}


class Shape:
    """The types and forms of one place of an answer, and the shapes inside."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.forms: list[str] = []
        self.keys: dict[str, Shape] = {}
        self.element: Shape | None = None

    @classmethod
    def of(cls, fields: dict[str, str]) -> Self:
        """Return the shape of an answer. `fields` is the report's, such as `{"data[].id": "integer"}`."""
        root = cls()
        for path, text in fields.items():
            shape = root.at(path)
            types, _, forms = text.removesuffix(")").partition(" (")
            shape.types = [name for name in types.split("|") if name != "null"]
            shape.forms = forms.split(", ") if forms else []
        return root

    def at(self, path: str) -> Shape:
        """Return the shape of a place, made if it is not there yet."""
        shape: Shape = self
        for name in re.findall(r"\[\]|[^.\[\]]+", path):
            if name == "[]":
                shape.element = shape.element or Shape()
                shape = shape.element
            else:
                shape = shape.keys.setdefault(name, Shape())
        return shape

    def inner(self, name: str) -> Shape | None:
        """Return the shape of a key, or None."""
        return self.keys.get(name)

    def applied(self, value: Any, *, index: int | None = None) -> Any:
        """Return a value of this shape, made of `value` as far as that goes. `index` is its place in a list.

        A null in a list stays: some records have no value, in every tenant.
        """
        if _ANY in self.types:
            return value
        if not self.types and not self.keys and self.element is None:
            return None
        if value is None:
            return None if index is not None else self.example()
        wanted = self.types[(index or 0) % len(self.types)] if self.types else _type_of(value)
        if wanted == "object" and isinstance(value, dict):
            return self._applied_to_keys(value, index)
        if wanted == "array" and isinstance(value, list):
            return self._applied_to_elements(value)
        if wanted == "string" and isinstance(value, str):
            return value if self._has_form(value) else self._text(value)
        if wanted == _type_of(value):
            return value
        return self._converted(value, wanted)

    def apply_outside(self, name: str, content: dict[str, Any]) -> None:
        """Change the keys of `content` but `name` in place: those that this shape has, and no others."""
        for key, shape in self.keys.items():
            if key == name:
                continue
            if shape.keys and isinstance(content.get(key), dict):
                for inner, inner_shape in shape.keys.items():
                    content[key][inner] = inner_shape.applied(content[key].get(inner))
            else:
                content[key] = shape.applied(content.get(key))

    def _applied_to_keys(self, value: dict[str, Any], index: int | None) -> dict[str, Any]:
        if not self.keys:
            return value
        # The keys in the tenant's record, the known ones in their usual order.
        names = [name for name in value if name in self.keys]
        names += [name for name in self.keys if name not in value]
        shaped = {}
        for name in names:
            shape = self.keys[name]
            shaped[name] = shape.applied(value[name], index=index) if name in value else shape.example()
        return shaped

    def _applied_to_elements(self, values: list[Any]) -> list[Any]:
        shape = self.element
        if shape is None:
            return values
        return [shape.applied(value, index=index) for index, value in enumerate(values)]

    def example(self) -> Any:
        """Return a value of this shape where there is none to make it of."""
        if _ANY in self.types or not self.types:
            return {name: shape.example() for name, shape in self.keys.items()} or None
        first = self.types[0]
        if first == "object":
            return {name: shape.example() for name, shape in self.keys.items()}
        if first == "array":
            return [] if self.element is None else [self.element.example()]
        return self._converted("example", first)

    def _converted(self, value: Any, wanted: str) -> Any:
        """Return a value of another type. The same value always becomes the same."""
        if wanted == "string":
            return self._text(value)
        if wanted in ("integer", "number"):
            number = int(value) if isinstance(value, int | float) else 1 + zlib.crc32(str(value).encode()) % 99_999
            return number if wanted == "integer" else number + 0.5
        if wanted == "boolean":
            return True
        return {name: shape.example() for name, shape in self.keys.items()} if wanted == "object" else []

    def _has_form(self, text: str) -> bool:
        if not self.forms:
            return not (_UUID.fullmatch(text) or _TIME.fullmatch(text))
        return any(form in _EXPRESSIONS and _EXPRESSIONS[form].fullmatch(text) for form in self.forms)

    def _text(self, value: Any) -> str:
        text = f"{value:.2f}" if isinstance(value, float) else str(value)
        if self._has_form(text):
            return text
        return _TEXTS.get(self.forms[0], "text") if self.forms else "text"


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
