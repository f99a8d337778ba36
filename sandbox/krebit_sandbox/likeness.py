"""Answers in the shapes of another tenant, from the report that `krebit doctor --report FILE` wrote of it.

The report is JSON: `format` and `version` say what it is. `operations` has an object for each operation, by its name:

- `method` and `path`, with `{name}` for a parameter; `status` of its answer, null where none came;
- `form`: `envelope` or `bare`; `page`: the form of a page's metadata, null where the answer is no page;
- `empty`: whether a list had no records; `headers`: the names of those that tell of rate limits;
- `fields`: each place of the answer, such as `data[].credit_limit`, with types and forms, such as `string (decimal)`;
- `differences` from the document, each with `path`, `kind` and `got`.

`errors` has the same for the errors `unauthenticated`, `not_found` and `refused`. What the switches can do is done by
the switches. The rest is done to each answer before it is sent.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

from krebit_sandbox.fault_injection import JSON_HEADERS, Answer
from krebit_sandbox.reshaping import Shape
from krebit_sandbox.shapes import php_json
from krebit_sandbox.switches import Switches

FORMAT: Final = "krebit-doctor-report"
VERSION: Final = 1

_METADATA: Final = {"meta", "simple", "flat", "links", "none"}
_TIMES: Final = {"time-z": "z", "time-micro": "micro", "time-offset": "offset", "time-space": "space"}
_MANY_CALLS: Final = 1_000_000
_LARGEST_PAGE: Final = 50
# Fewer records than krebit doctor needs to say that a field is null in every record.
_FEW: Final = 10
_HTML: Final = b"<!doctype html><title>A page</title>"


class Likeness:
    """What a report says of a tenant. `switches` are those that make the sandbox answer nearly so."""

    def __init__(self, report: Any, place: str = "report") -> None:
        """Raises ValueError for anything but a report that this version can read."""
        if not isinstance(report, dict) or report.get("format") != FORMAT:
            raise ValueError(f"{place}: is no report of krebit doctor; make one with: krebit doctor --report FILE")
        if report.get("version") != VERSION:
            raise ValueError(f"{place}: is of version {report.get('version')!r}, and only {VERSION} can be read here")
        try:
            self._operations = [_Operation(one) for one in report["operations"].values()]
            self._errors = {name: _Operation(one) for name, one in report["errors"].items()}
            self.switches = _switches_of(self._operations, self._errors)
            Switches(**self.switches)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{place}: is not as krebit doctor writes it ({error!r})") from None

    @classmethod
    def read(cls, path: Path) -> Likeness:
        """Return what the report in a file says. Raises ValueError that names the file."""
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")), str(path))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except RecursionError:
            raise ValueError(f"{path}: nests too deeply") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: is no JSON ({error})") from None

    def reshaped(self, method: str, path: str, answer: Answer, rate_headers: list[tuple[bytes, bytes]]) -> Answer:
        """Return an answer of the sandbox in the shape of the tenant's. `rate_headers` tell of the rate limit."""
        operation = next((one for one in self._operations if one.meets(method, path)), None)
        if answer.status >= 400:
            answer = self._reshaped_error(answer)
        elif operation is not None:
            answer = operation.reshaped(answer)
            rate_headers = operation.chosen(rate_headers)
        answer.headers.extend(rate_headers)
        return answer

    def _reshaped_error(self, answer: Answer) -> Answer:
        name = {401: "unauthenticated", 404: "not_found", 400: "refused", 422: "refused"}.get(answer.status)
        error = self._errors.get(name or "")
        if error is None or error.status is None:
            return answer
        if error.status == 200:
            # The tenant takes what the document forbids; its answer to that is not in the report.
            return Answer(200, list(JSON_HEADERS), php_json({"data": []}))
        shaped = error.reshaped(answer)
        if 300 <= error.status < 400:
            shaped.headers.append((b"location", b"/login"))
        return shaped


class _Operation:
    """One operation or error of a report."""

    def __init__(self, content: dict[str, Any]) -> None:
        parts = re.split(r"\{[^}]*\}", content["path"])
        self._path = re.compile("[^/]+".join(re.escape(part) for part in parts))
        self._method: str = content["method"]
        self.status: int | None = content["status"]
        self.form: str | None = content.get("form")
        self.page: str | None = content.get("page")
        self.is_empty: bool = bool(content.get("empty"))
        self.headers: list[str] = content["headers"]
        self.fields: dict[str, str] | None = content.get("fields")
        self.differences: list[dict[str, str]] = content["differences"]
        self.is_refused_limit = any(one["kind"] == "limit" for one in self.differences)
        self._shape = None if self.fields is None else Shape.of(self.fields)
        self._absent = [one["path"] for one in self.differences if one["kind"] == "absent"]
        always_null = {one["path"] for one in self.differences if one["kind"] == "always-null"}
        nulls = {path for path, shape in (self.fields or {}).items() if shape == "null" and path.startswith("data[]")}
        self.is_short = not nulls <= always_null
        self._is_called = self.status is not None

    def meets(self, method: str, path: str) -> bool:
        """Return whether a request is for this operation."""
        return self._is_called and method == self._method and self._path.fullmatch(path) is not None

    def reshaped(self, answer: Answer) -> Answer:
        """Return an answer in the shape of this operation's."""
        status = self.status or answer.status
        if self._shape is None:
            return self._without_shape(status)
        content = json.loads(answer.body)
        if self.page is not None:
            content = self._reshaped_page(content)
        else:
            content = self._shape.applied(_enveloped(content, self.form, is_error=status >= 400))
        return Answer(status, answer.headers, php_json(content))

    def chosen(self, rate_headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of the rate limit that this operation's answer had."""
        known = dict(rate_headers)
        return [(name.encode(), known.get(name.encode(), b"1000")) for name in self.headers]

    def _without_shape(self, status: int) -> Answer:
        if status >= 400 and not any(one["kind"] == "type" for one in self.differences):
            return Answer(status, list(JSON_HEADERS), php_json({"message": "The tenant answered so."}))
        if any(one["got"] == "nothing" for one in self.differences):
            return Answer(status, [], b"")
        return Answer(status, [(b"content-type", b"text/html")], _HTML)

    def _reshaped_page(self, content: dict[str, Any]) -> Any:
        assert self._shape is not None
        shape = self._shape.inner("data")
        records = shape.applied(content["data"]) if shape else content["data"]
        if self.page == "list":
            return records
        shaped = {**content, "data": records}
        if self.page == "pagination":
            shaped = {"data": shaped["data"], "meta": {"pagination": shaped.get("meta", {})}}
        for path in self._absent:
            _remove(shaped, path)
        self._shape.apply_outside("data", shaped)
        return shaped


def _switches_of(operations: list[_Operation], errors: dict[str, _Operation]) -> dict[str, Any]:
    """Return the switches that answer nearly as the operations did."""
    switches: dict[str, Any] = {}
    forms = Counter(one.form for one in operations if one.form is not None)
    if forms:
        switches["envelope"] = "data" if forms.most_common(1)[0][0] == "envelope" else "bare"
    for operation in operations:
        if operation.page in _METADATA:
            switches["metadata"] = operation.page
        if operation.page is not None and operation.is_empty:
            switches["clients"] = 0
        elif operation.page is not None and operation.is_short:
            switches["clients"] = _FEW
        if operation.is_refused_limit:
            switches["max_limit"] = _LARGEST_PAGE
        if operation.headers:
            switches["rate_limit"] = _MANY_CALLS
        for path, shape in (operation.fields or {}).items():
            switches |= _switch_of(path.rpartition(".")[2], shape)
    refused = errors.get("refused")
    if refused is not None and refused.status in (400, 422):
        switches["validation_status"] = refused.status
    return switches


def _switch_of(name: str, shape: str) -> dict[str, Any]:
    if name in ("credit_limit", "amount"):
        if "decimal" in shape:
            return {"money": "text"}
        return {"money": "null"} if shape == "null" else {}
    if name in ("created_at", "updated_at"):
        if shape == "null":
            return {"times": "null"}
        found = next((value for form, value in _TIMES.items() if form in shape), None)
        return {} if found is None else {"times": found}
    return {}


def _enveloped(content: Any, form: str | None, *, is_error: bool) -> Any:
    """Return an answer's object in an envelope or bare, as the tenant answered."""
    if is_error:
        return content
    is_wrapped = isinstance(content, dict) and content.keys() == {"data"}
    if form == "envelope":
        return content if is_wrapped else {"data": content}
    return content["data"] if is_wrapped else content


def _remove(content: Any, path: str) -> None:
    *way, last = path.split(".")
    for name in way:
        content = content.get(name) if isinstance(content, dict) else None
    if isinstance(content, dict):
        content.pop(last, None)
