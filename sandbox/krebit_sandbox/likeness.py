"""Answers in the shapes of another tenant, from the report that `krebit doctor --report FILE` wrote of it.

Switches make the sandbox answer nearly so. `Likeness.reshaped` changes the rest in each answer before it is sent.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

from krebit_sandbox.doctor_report import DoctorReport, ReportedOperation, read_report
from krebit_sandbox.fault_injection import JSON_HEADERS, Answer
from krebit_sandbox.reshaping import Shape
from krebit_sandbox.shapes import php_json

_API: Final = "/api/1.0/"
_WITHOUT_BODY: Final = (204, 205, 304)
_METADATA: Final = {"meta", "simple", "flat", "links", "none"}
_TIMES: Final = {"time-z": "z", "time-micro": "micro", "time-offset": "offset", "time-space": "space"}
_MANY_CALLS: Final = 1_000_000
_LARGEST_PAGE: Final = 50
# Fewer records than krebit doctor needs to say that a field is null in every record.
_FEW: Final = 10
_HTML: Final = b"<!doctype html><title>A page</title>"


class Likeness:
    """The answers of the tenant of a report. `switches` are those that make the sandbox answer nearly so."""

    def __init__(self, report: DoctorReport) -> None:
        self._operations = [_Operation(one) for one in report.operations]
        self._errors = {name: _Operation(one) for name, one in report.errors.items()}
        self.switches = _switches_of(self._operations, self._errors)

    @classmethod
    def read(cls, path: Path) -> Likeness:
        """Return the likeness of the report in a file. Raises ValueError that names the file."""
        return cls(read_report(path))

    def reshaped(self, method: str, path: str, answer: Answer, rate_headers: list[tuple[bytes, bytes]]) -> Answer:
        """Return an answer of the sandbox in the shape of the tenant's. `rate_headers` tell of the rate limit."""
        operation = next((one for one in self._operations if one.meets(method, path)), None)
        # The report has no answers of the sign-in.
        is_of_api = path.startswith(_API)
        if is_of_api and answer.status >= 400:
            answer = self._reshaped_error(answer)
        elif is_of_api and operation is not None and answer.status < 300:
            answer = operation.reshaped(answer)
            rate_headers = operation.chosen(rate_headers)
        if answer.status in _WITHOUT_BODY:
            answer = Answer(answer.status, [], b"")
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

    def __init__(self, reported: ReportedOperation) -> None:
        self.reported = reported
        self.status = reported.status
        self._path = _pattern_of(reported.path)
        self._shape = None if reported.fields is None else Shape.of(reported.fields)
        self.is_refused_limit = any(one.kind == "limit" for one in reported.differences)
        self._absent = [one.path for one in reported.differences if one.kind == "absent"]
        always_null = {one.path for one in reported.differences if one.kind == "always-null"}
        fields = reported.fields or {}
        nulls = {path for path, shape in fields.items() if shape == "null" and path.startswith("data[]")}
        self.is_short = not nulls <= always_null

    def meets(self, method: str, path: str) -> bool:
        """Return whether a request is for this operation, and it has been called."""
        return self.status is not None and method == "GET" and self._path.fullmatch(path) is not None

    def reshaped(self, answer: Answer) -> Answer:
        """Return an answer in the shape of this operation's."""
        status = self.status or answer.status
        if self._shape is None:
            return self._without_shape(status)
        content = json.loads(answer.body)
        if self.reported.page is not None and _is_page(content):
            content = self._reshaped_page(content, self._shape)
        else:
            content = self._shape.applied(_enveloped(content, self.reported.form, is_error=status >= 400))
        return Answer(status, answer.headers, php_json(content))

    def chosen(self, rate_headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of the rate limit that this operation's answer had."""
        known = dict(rate_headers)
        return [(name.encode(), known.get(name.encode(), b"1000")) for name in self.reported.headers]

    def _without_shape(self, status: int) -> Answer:
        if status >= 400 and not any(one.kind == "type" for one in self.reported.differences):
            return Answer(status, list(JSON_HEADERS), php_json({"message": "The tenant answered so."}))
        if any(one.got == "nothing" for one in self.reported.differences):
            return Answer(status, [], b"")
        return Answer(status, [(b"content-type", b"text/html")], _HTML)

    def _reshaped_page(self, content: dict[str, Any], shape: Shape) -> Any:
        inner = shape.inner("data")
        records = inner.applied(content["data"]) if inner else content["data"]
        if self.reported.page == "list":
            return records
        shaped = {**content, "data": records}
        if self.reported.page == "pagination":
            shaped = {"data": shaped["data"], "meta": {"pagination": shaped.get("meta", {})}}
        for path in self._absent:
            _remove(shaped, path)
        shape.apply_outside("data", shaped)
        return shaped


def _switches_of(operations: list[_Operation], errors: dict[str, _Operation]) -> dict[str, Any]:
    """Return the switches that answer nearly as the operations did."""
    switches: dict[str, Any] = {}
    forms = Counter(one.reported.form for one in operations if one.reported.form is not None)
    if forms:
        switches["envelope"] = "data" if forms.most_common(1)[0][0] == "envelope" else "bare"
    for operation in operations:
        reported = operation.reported
        if reported.page in _METADATA:
            switches["metadata"] = reported.page
        if reported.page is not None and reported.is_empty:
            switches["clients"] = 0
        elif reported.page is not None and operation.is_short:
            switches["clients"] = _FEW
        if operation.is_refused_limit:
            switches["max_limit"] = _LARGEST_PAGE
        if reported.headers:
            switches["rate_limit"] = _MANY_CALLS
        for path, shape in (reported.fields or {}).items():
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


def _pattern_of(path: str) -> re.Pattern[str]:
    """Return the pattern of a path with `{name}` for a parameter.

    A parameter ends where the text behind it first stands (an atomic group). Other ends would be tried too otherwise,
    which takes exponential time where a path has many parameters.
    """
    before, *parts = [re.escape(part) for part in re.split(r"\{[^}]*\}", path)]
    if not parts:
        return re.compile(before)
    *middle, last = parts
    return re.compile("".join([before, *(f"(?>[^/]+?{part})" for part in middle), "[^/]+", last]))


def _enveloped(content: Any, form: str | None, *, is_error: bool) -> Any:
    """Return an answer's object in an envelope or bare, as the tenant answered."""
    if is_error:
        return content
    is_wrapped = isinstance(content, dict) and content.keys() == {"data"}
    if form == "envelope":
        return content if is_wrapped else {"data": content}
    return content["data"] if is_wrapped else content


def _is_page(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("data"), list)


def _remove(content: Any, path: str) -> None:
    *way, last = path.split(".")
    for name in way:
        content = content.get(name) if isinstance(content, dict) else None
    if isinstance(content, dict):
        content.pop(last, None)
