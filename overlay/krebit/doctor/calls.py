"""Call each documented operation that only reads, and compare what came.

Calls go through the client's own methods, so that whether a difference breaks anything is seen, not guessed.
"""

import inspect
import json
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from krebit.client import Krebit
from krebit.doctor.arguments import Known, largest_page, missing_record, refused_query
from krebit.doctor.comparison import Comparison, Difference
from krebit.doctor.document import Document, Pointer, ReadOperation
from krebit.doctor.report import OperationResult
from krebit.errors import ApiError, BadRequest, KrebitError, UnexpectedResponse, ValidationFailed

# How many answers of one operation are compared, and how many calls are made for them.
_ENOUGH = 3
_MOST_TRIES = 8
_RATE_LIMIT = re.compile("rate-?limit")


class _Answer(NamedTuple):
    """The JSON of an answer, and the names of its headers."""

    content: Any
    headers: list[str]


class ReadingCalls:
    """Calls the operations of one document over one client; None calls nothing."""

    def __init__(self, document: Document, api: Krebit | None) -> None:
        self._document = document
        self._api = api
        self._known = Known()
        self._operations = document.reading_operations()
        self._results: dict[str, OperationResult] = {}

    def call_all(self, progress: Callable[[str], object]) -> None:
        """Call each operation for which arguments can be found. Raises what ends the examination, such as no login."""
        waiting = list(self._operations)
        while waiting:
            ready = [operation for operation in waiting if next(self._known.arguments(operation), None) is not None]
            if not ready:
                break
            for operation in ready:
                progress(operation.id)
                self._results[operation.id] = self._call(operation)
            waiting = [operation for operation in waiting if operation not in ready]
        for operation in waiting:
            names = ", ".join(parameter.name for parameter in operation.path_parameters)
            self._results[operation.id] = _not_called(operation, f"no answer has a value for {names}")
        self._find_absent()

    def results(self, otherwise: str) -> list[OperationResult]:
        """Return a result for each operation, in the document's order. `otherwise` is why some were not called."""
        for result in self._results.values():
            if result.comparison is not None:
                result.comparison.finish()
                found = {*result.differences, *result.comparison.differences.values()}
                result.differences = sorted(found, key=lambda one: (one.path, one.kind))
        return [self._results.get(one.id) or _not_called(one, otherwise) for one in self._operations]

    def _call(self, operation: ReadOperation) -> OperationResult:
        result = OperationResult(operation.id, "GET", operation.path)
        comparison = Comparison(self._document)
        answers = 0
        for arguments in islice(self._known.arguments(operation), _MOST_TRIES):
            try:
                answers += self._call_once(operation, arguments, result, comparison)
            except ApiError as error:
                if error.status in (401, 429):
                    raise
                result.status = result.status or error.status
                result.reason = str(error)
                if error.status != 404:
                    break
            if answers >= _ENOUGH:
                break
        if answers:
            result.status = int(operation.status)
            result.reason = None
            result.comparison = comparison
        return result

    def _call_once(
        self, operation: ReadOperation, arguments: dict[str, Any], result: OperationResult, comparison: Comparison
    ) -> bool:
        """Make one call and compare its answer. Return whether there was one to compare. Raises ApiError."""
        widest = largest_page(operation)
        try:
            answer = self._answer(operation, {**widest, **arguments}, result)
        except (ValidationFailed, BadRequest):
            if not widest:
                raise
            answer = self._answer(operation, arguments, result)
            ((name, value),) = widest.items()
            difference = Difference("", "limit", f"{name} up to {value}", f"{name} {value} is refused")
            result.differences.append(difference)
        if answer is None:
            return False
        self._known.add(operation.path, answer.content)
        documented = self._document.documented_headers(operation)
        for header in sorted(answer.headers):
            if _RATE_LIMIT.search(header) and header not in result.headers:
                result.headers.append(header)
                if header not in documented:
                    result.differences.append(Difference("", "header", "no such header", header))
        if operation.answer is not None:
            comparison.add(operation.answer, answer.content, is_page=operation.is_page)
        return True

    def _answer(self, operation: ReadOperation, arguments: dict[str, Any], result: OperationResult) -> _Answer | None:
        """Return an answer, also one that breaks the call; None for one that is no JSON. Raises ApiError."""
        assert self._api is not None
        method = getattr(self._api, operation.id, None)
        try:
            if method is None:
                # A document that is newer than this package.
                path, query = operation.path_and_query(arguments)
                response = self._api.with_raw_response(self._api.request, "GET", path, params=query)
            else:
                response = self._api.with_raw_response(method, **_keywords(method, arguments))
        except UnexpectedResponse as error:
            result.status = error.status
            result.error = error.problem
            result.broken.add(re.sub(r"\[\d+\]", "[]", error.field or ""))
            try:
                return _Answer(json.loads(error.body, parse_float=Decimal), [])
            except (ValueError, RecursionError):
                return None
        return _Answer(response.content, list(response.headers))

    def _find_absent(self) -> None:
        """Find the optional keys that no answer has. A list may hold fewer than a single record: all count together."""
        seen: dict[Pointer, set[str]] = {}
        richest: dict[Pointer, OperationResult] = {}
        for result in self._results.values():
            comparison = result.comparison
            if comparison is None:
                continue
            for pointer, keys in comparison.keys.items():
                seen.setdefault(pointer, set()).update(keys)
                best = richest.get(pointer)
                if best is None or best.comparison is None or len(keys) > len(best.comparison.keys[pointer]):
                    richest[pointer] = result
        unseen = [one for one in self._results.values() if one.comparison is None]
        for pointer, keys in seen.items():
            if any(pointer in self._within(one) for one in unseen):
                continue  # an answer that did not come may have it
            comparison = richest[pointer].comparison
            assert comparison is not None
            _add_absent(comparison, self._document, pointer, keys)

    def _within(self, result: OperationResult) -> set[Pointer]:
        """Return the schemas that an operation's answer is made of."""
        operation = next(one for one in self._operations if one.id == result.operation)
        found: set[Pointer] = set()
        if operation.answer is not None:
            _collect(self._document, operation.answer, found)
        return found

    def not_found(self) -> OperationResult | None:
        """Ask for a record that does not exist, and compare the error. None where no operation takes one."""
        for operation in self._operations:
            path = missing_record(operation)
            if path is not None:
                return self._error(operation, 404, path, {})
        return None

    def refused(self) -> OperationResult | None:
        """Ask with a parameter that the document forbids, and compare the error. None where there is no such one."""
        for operation in self._operations:
            query = refused_query(operation)
            if query is not None:
                return self._error(operation, 422, operation.path, query)
        return None

    def _error(
        self, operation: ReadOperation, expected: int, path: str, query: dict[str, Any]
    ) -> OperationResult | None:
        result = OperationResult(operation.id, "GET", operation.path)
        assert self._api is not None
        try:
            self._api.request("GET", path, params=query)
        except ApiError as error:
            result.status = error.status
            if error.status in (401, 429) or error.status >= 500:
                return None
            pointer = self._document.error_schema(operation, error.status)
            compare_error(result, self._document, pointer, expected, error.body)
        except UnexpectedResponse as error:
            result.status = error.status
            result.reason = error.problem
        except KrebitError as error:
            result.reason = str(error)
        else:
            result.status = 200
            result.reason = "the server takes it"
        return result


def _not_called(operation: ReadOperation, reason: str) -> OperationResult:
    result = OperationResult(operation.id, "GET", operation.path)
    result.reason = reason
    return result


def compare_error(
    result: OperationResult, document: Document, pointer: Pointer | None, expected: int, body: bytes
) -> None:
    """Compare the body of an error with its schema, and its status with the expected one."""
    if result.status != expected:
        result.differences.append(Difference("", "status", str(expected), str(result.status)))
    if pointer is None:
        return
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        result.differences.append(Difference("", "type", "JSON", _kind_of_text(body)))
        return
    comparison = Comparison(document)
    comparison.add(pointer, content)
    if isinstance(content, dict) and "trace" in content:
        # The document leaves the keys of an error open; these should not reach anybody.
        result.differences.append(Difference("trace", "extra", "no such key", "the server's own source: debug mode"))
    result.comparison = comparison
    result.differences += sorted(comparison.differences.values(), key=lambda one: (one.path, one.kind))


def _kind_of_text(body: bytes) -> str:
    """Return words for a body that is not JSON, without a word of it."""
    if not body:
        return "nothing"
    return "HTML" if body.lstrip().startswith(b"<") else "another text"


def _add_absent(comparison: Comparison, document: Document, pointer: Pointer, keys: set[str]) -> None:
    schema = document.at(pointer)
    if comparison.page_form is not None and not comparison.paths[pointer].startswith("data"):
        return  # the form of the metadata has been compared as a whole
    for name in schema.get("properties", {}):
        if name not in keys and name not in schema.get("required", []):
            path = ".".join(filter(None, (comparison.paths[pointer], name)))
            comparison.differences[path, "absent", ""] = Difference(
                path, "absent", "a key that may be there", "in no answer", (*pointer, "properties", name)
            )


def _collect(document: Document, pointer: Pointer, found: set[Pointer]) -> None:
    pointer, schema = document.resolved(pointer)
    if pointer in found or not isinstance(schema, dict):
        return
    found.add(pointer)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for index in range(len(schema.get(keyword, []))):
            _collect(document, (*pointer, keyword, str(index)), found)
    for name in schema.get("properties", {}):
        _collect(document, (*pointer, "properties", name), found)
    if "items" in schema:
        _collect(document, (*pointer, "items"), found)


def _keywords(method: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments under the names that the method gives them: `from` is `from_`, `perPage` is `per_page`."""
    known = {_plain(name): name for name in inspect.signature(method).parameters}
    return {known.get(_plain(name), name): value for name, value in arguments.items()}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
