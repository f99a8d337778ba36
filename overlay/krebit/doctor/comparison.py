"""Compare answers with their schema, and keep what was seen as shapes. No I/O, and no value is kept.

The first form that the document names is the one that it expects. Another form that it names too is a difference, so
that a person sees which guess was right.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from krebit.doctor import page_forms
from krebit.doctor.document import Document, Pointer
from krebit.doctor.shapes import HIDDEN_KEY, fits, has_format, json_type, shown_key, text_form

Kind = Literal[
    "absent", "always-null", "extra", "form", "format", "header", "limit", "missing", "null", "page", "status", "type"
]
# So many values that are all null are no coincidence.
MANY = 20
# An object with more keys that the document does not have is a map, whose keys are data.
_MOST_KEYS = 20
ANY = "any"


class Difference(NamedTuple):
    """One difference: where it is, of which kind, what the document says and what came, as shapes.

    `path` is the way in the answer, such as `data[].credit_limit`. `pointer` is the place in the document.
    """

    path: str
    kind: Kind
    expected: str
    got: str
    pointer: Pointer = ()


class Field:
    """The types and forms that were seen at one place of the answers."""

    def __init__(self, pointer: Pointer) -> None:
        self.pointer = pointer
        self.types: set[str] = set()
        self.forms: set[str] = set()
        self.nulls = 0
        self.is_any = False


class Comparison:
    """Compares the answers of one operation. Call `add` for each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.fields: dict[str, Field] = {}
        self.differences: dict[tuple[str, str, str], Difference] = {}
        self.form: str | None = None
        self.page_form: str | None = None
        self.is_empty = True
        # Which keys the objects of a schema had, and at which path they stood.
        self.keys: dict[Pointer, set[str]] = {}
        self.paths: dict[Pointer, str] = {}
        # Where a value that cannot be read fails the call: keys that must be there, and amounts.
        self.strict: set[str] = set()

    def add(self, pointer: Pointer, content: Any, *, is_page: bool = False) -> None:
        """Compare one answer."""
        if is_page:
            self._add_page(pointer, content)
            return
        self.form = "envelope" if _is_enveloped(content) else "bare"
        self._walk(pointer, content, "")

    def _add_page(self, pointer: Pointer, content: Any) -> None:
        pointer, schema = self._document.resolved(pointer)
        names = schema.get("properties", {})
        expected, found = page_forms.expected_form(names), page_forms.form_of(content)
        self.page_form = found
        if found == expected:
            self._walk(pointer, content, "")
            return
        self._differ("", "page", page_forms.WORDS[expected], page_forms.WORDS[found], pointer)
        # The other form explains every key of the metadata: only the records are left to compare.
        records = page_forms.records_of(content)
        if "data" in names and records is not None:
            self._walk((*pointer, "properties", "data"), records, "data")
        if isinstance(content, dict):
            known = {*names, *page_forms.KEYS}
            self._extras({key: inner for key, inner in content.items() if key not in known}, "", pointer)

    def finish(self) -> None:
        """Add the differences that only all answers together show."""
        for path, field in self.fields.items():
            if not field.types and field.nulls >= MANY and not field.is_any:
                self._differ(path, "always-null", "a value now and then", "null in every record", field.pointer)

    def _differ(self, path: str, kind: Kind, expected: str, got: str, pointer: Pointer = ()) -> None:
        self.differences[path, kind, got] = Difference(path, kind, expected, got, pointer)

    def _walk(self, pointer: Pointer, value: Any, path: str) -> None:
        origin = pointer
        pointer, schema = self._document.resolved(pointer)
        found = json_type(value)
        if path.startswith("data") and value not in (None, []):
            self.is_empty = False
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                self._walk_alternatives((*pointer, keyword), value, path)
                return
        field = self.fields.setdefault(path, Field(pointer))
        if schema.get("format") == "decimal":
            self.strict.add(path)
        types = types_of(schema)
        if not types:
            field.is_any = True
            field.types.add(ANY)
            return
        if value is None:
            field.nulls += 1
            if "null" not in types:
                self._differ(path, "null", " or ".join(types), "null", origin)
            return
        # 250000 is as good a number as 250000.50, and which of them comes depends on the record.
        field.types.add("number" if found == "integer" and "number" in types else found)
        if self._is_unexpected_envelope(schema, types, value):
            self._differ(path, "form", "bare", "in an envelope", pointer)
            self._walk(pointer, value["data"], _join(path, "data"))
            return
        self._compare_type(types, found, path, pointer)
        self._walk_inside(pointer, value, path, field)

    def _walk_inside(self, pointer: Pointer, value: Any, path: str, field: Field) -> None:
        schema = self._document.at(pointer)
        if isinstance(value, str):
            self._compare_text(schema, value, path, field)
        elif isinstance(value, list) and "items" in schema:
            for element in value:
                self._walk((*pointer, "items"), element, f"{path}[]")
        elif isinstance(value, dict) and "object" in types_of(schema):
            self._walk_object(pointer, schema, value, path)

    def _compare_type(self, types: list[str], found: str, path: str, pointer: Pointer) -> None:
        wanted = [name for name in types if name != "null"]
        if not fits(found, wanted):
            self._differ(path, "type", " or ".join(types), found, pointer)
        elif wanted and not fits(found, wanted[:1]):
            self._differ(path, "type", f"{wanted[0]} first", found, pointer)

    def _compare_text(self, schema: dict[str, Any], value: str, path: str, field: Field) -> None:
        expected_format = schema.get("format")
        form = text_form(value, expected_format)
        if form:
            field.forms.add(form)
        if expected_format and not has_format(form, expected_format):
            self._differ(path, "format", expected_format, form or "text", field.pointer)
        listed = schema.get("enum")
        if listed and value not in listed:
            self._differ(path, "format", "a value that the document lists", "another value", field.pointer)

    def _walk_object(self, pointer: Pointer, schema: dict[str, Any], value: dict[str, Any], path: str) -> None:
        properties = dict(self._properties(pointer))
        self.keys.setdefault(pointer, set()).update(value)
        self.paths.setdefault(pointer, path)
        for name in schema.get("required", []):
            self.strict.add(_join(path, name))
            if name not in value:
                self._differ(_join(path, name), "missing", "a key that is always there", "no such key", pointer)
        # A schema without properties, and one that names its keys as open, describes every key.
        is_open = not properties or (schema.get("additionalProperties") is True and self.page_form is None)
        for key, where in properties.items():
            if key in value:
                self._walk(where, value[key], _join(path, key))
        if not is_open:
            self._extras({key: inner for key, inner in value.items() if key not in properties}, path, pointer)

    def _properties(self, pointer: Pointer) -> Iterator[tuple[str, Pointer]]:
        """Yield the properties of an object, those of its parts (`allOf`) too."""
        pointer, schema = self._document.resolved(pointer)
        for index in range(len(schema.get("allOf", []))):
            yield from self._properties((*pointer, "allOf", str(index)))
        for name in schema.get("properties", {}):
            yield name, (*pointer, "properties", name)

    def _extras(self, unknown: dict[str, Any], path: str, pointer: Pointer) -> None:
        is_map = len(unknown) > _MOST_KEYS
        for key, value in unknown.items():
            self._extra(HIDDEN_KEY if is_map else shown_key(key), value, path, pointer)

    def _extra(self, key: str, value: Any, path: str, pointer: Pointer) -> None:
        place = _join(path, key)
        field = self.fields.setdefault(place, Field(()))
        found = json_type(value)
        if value is None:
            field.nulls += 1
        else:
            field.types.add(found)
        form = text_form(value) if isinstance(value, str) else None
        if form:
            field.forms.add(form)
        # Of several types the last one stands: a person looks at the field anyway.
        self.differences.pop((place, "extra", "null"), None)
        if not (found == "null" and field.types):
            self._differ(place, "extra", "no such key", found, pointer)

    def _walk_alternatives(self, pointer: Pointer, value: Any, path: str) -> None:
        alternatives = self._document.at(pointer)
        scores = [self._misfit((*pointer, str(index)), value) for index in range(len(alternatives))]
        best = scores.index(min(scores))
        if best > 0 and value is not None:
            expected, got = (self._name_of((*pointer, str(index))) for index in (0, best))
            self._differ(path, "form", f"{expected} first", got, (*pointer, str(best)))
        if value is None and types_of(self._document.resolved((*pointer, str(best)))[1]) == ["null"]:
            self.fields.setdefault(path, Field(pointer)).nulls += 1
            return
        self._walk((*pointer, str(best)), value, path)

    def _misfit(self, pointer: Pointer, value: Any) -> int:
        """Return how badly a value fits one of several schemas; 0 and less is well."""
        pointer, schema = self._document.resolved(pointer)
        types = types_of(schema)
        if types and not fits(json_type(value), types):
            return 100
        if not isinstance(value, dict):
            return 0
        missing = [name for name in schema.get("required", []) if name not in value]
        known = [name for name, _ in self._properties(pointer) if name in value]
        return 10 * len(missing) - len(known)

    def _name_of(self, pointer: Pointer) -> str:
        _, schema = self._document.resolved(pointer)
        types = types_of(schema)
        if set(schema.get("properties", {})) == {"data"}:
            return "in an envelope"
        siblings = self._document.at(pointer[:-1])
        has_envelope = any(
            set(self._document.resolved((*pointer[:-1], str(index)))[1].get("properties", {})) == {"data"}
            for index in range(len(siblings))
        )
        if has_envelope:
            return "bare"
        return "an array" if types == ["array"] else " or ".join(types) or "another form"

    def _is_unexpected_envelope(self, schema: dict[str, Any], types: list[str], value: Any) -> bool:
        if not _is_enveloped(value):
            return False
        if "object" not in types:
            return True
        properties = schema.get("properties", {})
        missing = [name for name in schema.get("required", []) if name not in value]
        return "data" not in properties and bool(missing)


def types_of(schema: dict[str, Any]) -> list[str]:
    """Return the types of a schema in their order; none where it takes anything."""
    given = schema.get("type")
    if isinstance(given, list):
        return given
    if given is not None:
        return [given]
    if "properties" in schema or "allOf" in schema:
        return ["object"]
    return ["array"] if "items" in schema else []


def _is_enveloped(value: Any) -> bool:
    return isinstance(value, dict) and "data" in value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
