"""The lines of `openapi.yaml` to change, so that it describes what came. No network.

A line is changed only where the answers leave no doubt. Everything else is listed for a person to decide.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from krebit.doctor.comparison import Difference
from krebit.doctor.document import NAME, Pointer, load_yaml
from krebit.doctor.report import Report
from krebit.doctor.shapes import HIDDEN_KEY, RFC_3339

_SCALARS = ("string", "integer", "number", "boolean", "null")
_NO_TEXTS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def make_patch(report: Report, text: str) -> str:
    """Return a unified diff of the document `text`, for `git apply` or `patch -p1`; empty where nothing differs.

    Differences that no line of the document can describe come first, each on a line that begins with `#`.
    """
    edits = _Edits(text)
    by_hand = []
    found = {
        (one.pointer, one.kind, one.got, one.path.rpartition(".")[2]): (result, one)
        for result, one in report.differences
    }
    for result, difference in found.values():
        forms = set()
        if result.comparison is not None and difference.path in result.comparison.fields:
            forms = result.comparison.fields[difference.path].forms
        if not edits.settle(difference, forms):
            by_hand.append(f"# {result.operation} {difference.path}: {difference.expected} -> {difference.got}\n")
    diff = difflib.unified_diff(
        text.splitlines(keepends=True), edits.applied().splitlines(keepends=True), f"a/{NAME}", f"b/{NAME}"
    )
    return "".join([*sorted(by_hand), *diff])


class _Edits:
    """Replacements in the text of a document. The rest of it, comments too, stays as it is."""

    def __init__(self, text: str) -> None:
        self._text = text
        yaml = load_yaml()
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        self._types: dict[int, tuple[Any, list[str]]] = {}
        self._required: dict[int, tuple[Any, list[str]]] = {}
        self._added: dict[int, tuple[Any, dict[str, str]]] = {}
        self._replaced: dict[tuple[int, int], str] = {}

    def settle(self, difference: Difference, forms: set[str]) -> bool:
        """Make the document say what came. Return whether it does."""
        if difference.kind == "type" and difference.pointer:
            return self._put_type_first(difference.pointer, difference.got)
        if difference.kind == "null":
            return self._allow_null(difference.pointer)
        if difference.kind == "form" and difference.pointer[-2:-1] in (("anyOf",), ("oneOf",)):
            return self._put_alternative_first(difference.pointer)
        if difference.kind == "missing":
            return self._make_optional(difference.pointer, difference.path.rpartition(".")[2])
        if difference.kind == "extra" and difference.pointer:
            return self._add_property(difference.pointer, difference.path.rpartition(".")[2], difference.got, forms)
        return False

    def applied(self) -> str:
        """Return the text with all edits."""
        edits = dict(self._replaced)
        for node, types in self._types.values():
            edits[_span(node)] = _flow(types)
        for node, names in self._required.values():
            edits[_span(node)] = _flow(names)
        for node, properties in self._added.values():
            end = _end_of_line(self._text, _end_of(node))
            edits[end, end] = "".join(properties.values())
        text = self._text
        for (start, end), replacement in sorted(edits.items(), reverse=True):
            text = text[:start] + replacement + text[end:]
        return text

    def _put_type_first(self, pointer: Pointer, got: str) -> bool:
        node = _value(self._node(pointer), "type")
        if node is None or got not in _SCALARS:
            return False
        _, types = self._types.setdefault(node.start_mark.index, (node, _texts(node)))
        types[:] = [got, *(name for name in types if name != got)]
        return True

    def _allow_null(self, pointer: Pointer) -> bool:
        schema = self._node(pointer)
        reference, node = _value(schema, "$ref"), _value(schema, "type")
        if reference is not None:
            key = next(key for key, value in schema.value if value is reference)
            quoted = self._text[slice(*_span(reference))]
            self._replaced[key.start_mark.index, reference.end_mark.index] = (
                f"anyOf: [{{$ref: {quoted}}}, {{type: 'null'}}]"
            )
            return True
        if node is None:
            return False
        _, types = self._types.setdefault(node.start_mark.index, (node, _texts(node)))
        types += ["null"] if "null" not in types else []
        return True

    def _put_alternative_first(self, pointer: Pointer) -> bool:
        node = self._node(pointer[:-1])
        if node.flow_style:
            return False
        starts = [_start_of_line(self._text, item.start_mark.index) for item in node.value]
        ends = [*starts[1:], _end_of_line(self._text, _end_of(node))]
        items = [self._text[start:end] for start, end in zip(starts, ends, strict=True)]
        best = int(pointer[-1])
        self._replaced[starts[0], ends[-1]] = "".join([items[best], *items[:best], *items[best + 1 :]])
        return True

    def _make_optional(self, pointer: Pointer, name: str) -> bool:
        node = _value(self._node(pointer), "required")
        if node is None or not node.flow_style:
            return False
        _, names = self._required.setdefault(node.start_mark.index, (node, _texts(node)))
        names[:] = [each for each in names if each != name]
        return True

    def _add_property(self, pointer: Pointer, name: str, got: str, forms: set[str]) -> bool:
        node = _value(self._node(pointer), "properties")
        if name == HIDDEN_KEY or node is None or node.flow_style or not node.value:
            return False
        indent = " " * node.start_mark.column
        # YAML 1.1 takes `no`, `on` and the like for other values than texts.
        key = f"'{name}'" if name.lower() in _NO_TEXTS else name
        lines = [f"{key}:", *_described(got, forms)]
        _, added = self._added.setdefault(node.start_mark.index, (node, {}))
        added[name] = "".join(f"{indent}{line}\n" for line in lines)
        return True

    def _node(self, pointer: Pointer) -> Any:
        node: Any = self._root
        for step in pointer:
            node = node.value[int(step)] if _is_list(node) else _value(node, step)
        return node


def _described(got: str, forms: set[str]) -> Iterable[str]:
    """Yield the lines of a property of which only the type is known. It may be null: nobody knows that it never is."""
    if got in ("string", "integer", "number", "boolean"):
        yield f"  type: [{got}, 'null']"
    if got == "string" and forms and forms <= RFC_3339:
        yield "  format: date-time"
    if got == "array":
        yield "  type: array"
        yield "  items: {}"
    yield "  description: Seen in a tenant's answers."
    yield "  x-source: tenant"


def _value(node: Any, name: str) -> Any:
    """Return the value of a mapping's key, or None."""
    return next((value for key, value in node.value if key.value == name), None)


def _texts(node: Any) -> list[str]:
    return [item.value for item in node.value] if _is_list(node) else [node.value]


def _is_list(node: Any) -> bool:
    return bool(node.id == "sequence")


def _flow(names: list[str]) -> str:
    written = ["'null'" if name == "null" else name for name in names]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _span(node: Any) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _end_of(node: Any) -> int:
    """Return where the last scalar of a node ends: the end of a block itself is behind the blanks that follow."""
    while node.id != "scalar" and not node.flow_style and node.value:
        last = node.value[-1]
        if _is_list(node):
            node = last
            continue
        key, node = last
        if node.start_mark.index < key.start_mark.index:
            # An alias: its node stands where the anchor is.
            return int(key.end_mark.index)
    return int(node.end_mark.index)


def _start_of_line(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _end_of_line(text: str, index: int) -> int:
    # A block scalar ends at the beginning of the next line already.
    if text[index - 1 : index] == "\n":
        return len(re.sub(r"\n\s*\Z", "\n", text[:index]))
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1
