"""Read the report that `krebit doctor --report FILE` wrote, and refuse anything else with its place.

The report is JSON: `format` and `version` say what it is. `operations` has an object for each operation, by its name:

- `method` and `path`, with `{name}` for a parameter; `status` of its answer, null where none came;
- `form`: `envelope` or `bare`; `page`: the form of a page's metadata, null where the answer is no page;
- `empty`: whether a list had no records; `headers`: the names of those that tell of rate limits;
- `fields`: each place of the answer, such as `data[].credit_limit`, with types and forms, such as `string (decimal)`;
- `differences` from the document, each with `path`, `kind` and `got`.

`errors` has the same for the errors `unauthenticated`, `not_found` and `refused`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from krebit_sandbox.reshaping import FORMS, TYPES

FORMAT: Final = "krebit-doctor-report"
VERSION: Final = 1

_ANSWER_FORMS: Final = ("envelope", "bare")
PAGE_FORMS: Final = ("meta", "simple", "pagination", "flat", "links", "none", "list")
_PATH: Final = re.compile(r"/[!-~]{1,500}")
# A name (RFC 9110, 5.6.2) that tells of rate limits, as krebit doctor chooses them.
_HEADER: Final = re.compile(r"(?=.*rate-?limit)[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_TYPE: Final = f"({'|'.join(TYPES)})"
_FORM: Final = f"({'|'.join(FORMS)})"
_SHAPE: Final = re.compile(rf"{_TYPE}(\|{_TYPE})*( \({_FORM}(, {_FORM})*\))?")
_DEEPEST: Final = 50
_LONGEST_SHOWN: Final = 80


class Difference(NamedTuple):
    """A difference between an answer and the document."""

    path: str
    kind: str
    got: str


class ReportedOperation(NamedTuple):
    """One operation or error of a report."""

    path: str
    status: int | None
    form: str | None
    page: str | None
    is_empty: bool
    headers: list[str]
    fields: dict[str, str] | None
    differences: list[Difference]


class DoctorReport(NamedTuple):
    """The operations of a report, and its errors by name."""

    operations: list[ReportedOperation]
    errors: dict[str, ReportedOperation]


def read_report(path: Path) -> DoctorReport:
    """Return the report in a file. Raises ValueError that names the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise ValueError(f"{path}: nests too deeply") from None
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error})") from None
    return parse_report(content, str(path))


def parse_report(content: Any, place: str) -> DoctorReport:
    """Return a report of its JSON. Raises ValueError that begins with `place`."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{place}: is no report of krebit doctor; make one with: krebit doctor --report FILE")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{place}: is of version {_shown(content.get('version'))}, and only {VERSION} can be read; make a new one "
            "with: krebit doctor --report FILE"
        )
    try:
        return DoctorReport(list(_operations(content, "operations").values()), _operations(content, "errors"))
    except ValueError as error:
        raise ValueError(f"{place}: {error}; make a new one with: krebit doctor --report FILE") from None


def _operations(content: dict[str, Any], key: str) -> dict[str, ReportedOperation]:
    if key not in content:
        raise ValueError(f"{key}: is missing")
    found = _object(content[key], key)
    return {name: _operation(_object(one, f"{key}.{name}"), f"{key}.{name}") for name, one in found.items()}


def _operation(content: dict[str, Any], place: str) -> ReportedOperation:
    method, path, status = content.get("method"), content.get("path"), content.get("status")
    if method != "GET":
        raise ValueError(f"{place}.method: {_shown(method)} is not GET")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise ValueError(f"{place}.path: {_shown(path)} is no path")
    if status is not None and (type(status) is not int or status not in range(200, 600)):
        raise ValueError(f"{place}.status: {_shown(status)} is no status from 200 to 599")
    return ReportedOperation(
        path,
        status,
        _one_of(_ANSWER_FORMS, content.get("form"), f"{place}.form"),
        _one_of(PAGE_FORMS, content.get("page"), f"{place}.page"),
        content.get("empty") is True,
        _headers(content.get("headers"), f"{place}.headers"),
        None if content.get("fields") is None else _fields(content["fields"], f"{place}.fields"),
        _differences(content.get("differences"), f"{place}.differences"),
    )


def _headers(content: Any, place: str) -> list[str]:
    for name in _list(content, place):
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise ValueError(f"{place}: {_shown(name)} is no name of a header that tells of rate limits")
    return list(content)


def _fields(content: Any, place: str) -> dict[str, str]:
    for path, text in _object(content, place).items():
        if path.count(".") + path.count("[") > _DEEPEST:
            raise ValueError(f"{place}: {_shown(path)} nests too deeply")
        if not isinstance(text, str) or not _SHAPE.fullmatch(text):
            raise ValueError(f"{place}.{path}: {_shown(text)} is no type, such as string (uuid)")
    return dict(content)


def _differences(content: Any, place: str) -> list[Difference]:
    differences = []
    for one in _list(content, place):
        if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in Difference._fields):
            raise ValueError(f"{place}: {_shown(one)} is no difference, with texts for path, kind and got")
        differences.append(Difference(one["path"], one["kind"], one["got"]))
    return differences


def _one_of(choices: tuple[str, ...], value: Any, place: str) -> str | None:
    if value is None:
        return None
    if value not in choices:
        raise ValueError(f"{place}: {_shown(value)} is none of {', '.join(choices)}")
    return str(value)


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: {_shown(value)} is no object")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{place}: {_shown(value)} is no list")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
