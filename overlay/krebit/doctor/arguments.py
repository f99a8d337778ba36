"""Find the arguments of an operation in what other operations answered. No I/O.

The rules name no operation, so that a new one needs no edit. For `{uuid}` in `/acts/{uuid}/data` these count, in this
order: `uuid` in the records of `/acts`; `uuid` in the records of an operation that ends in acts, such as
`/clients/{id}/acts/latest`; `act_uuid` in any record.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from krebit.doctor.document import Parameter, ReadOperation

_MOST_RECORDS = 50
_PART = re.compile(r"[A-Za-z0-9_][\w.~:@+-]{0,199}")
_PLACE = re.compile(r"\{[^}]*\}")
# Never the id of a record: PHP's largest integer of four bytes, and the nil UUID (RFC 9562, 5.9).
_NO_NUMBER = 2_147_483_647
_NO_UUID = "00000000-0000-0000-0000-000000000000"


class Known:
    """The records that were answered so far. Their values never leave the process but as arguments."""

    def __init__(self) -> None:
        self._records: dict[str, list[dict[str, Any]]] = {}

    def add(self, path: str, content: Any) -> None:
        """Keep the records of an answer to an operation at `path`."""
        found = content.get("data", content) if isinstance(content, dict) else content
        records = found if isinstance(found, list) else [found]
        kept = self._records.setdefault(path, [])
        kept += [record for record in records if isinstance(record, dict)][: _MOST_RECORDS - len(kept)]

    def arguments(self, operation: ReadOperation) -> Iterator[dict[str, Any]]:
        """Yield each set of arguments that can be tried: the path's from records, the query's from the document."""
        query = {
            parameter.name: example_of(parameter) for parameter in operation.query_parameters if parameter.is_required
        }
        names = [parameter.name for parameter in operation.path_parameters]
        choices = [self._values(operation.path, name) for name in names]
        for values in itertools.product(*choices):
            yield {**query, **dict(zip(names, values, strict=True))}

    def _values(self, path: str, name: str) -> list[Any]:
        collection = path.partition("/{" + name + "}")[0]
        resource = collection.rpartition("/")[2]
        found = [record.get(name) for record in self._records.get(collection, [])]
        for other, records in self._records.items():
            ending = _PLACE.split(other)[-1].strip("/").split("/")
            if other != collection and resource in ending:
                found += [record.get(name) for record in records]
        key = f"{resource.removesuffix('s')}_{name}"
        for records in self._records.values():
            found += [record.get(key) for record in records]
        return list(dict.fromkeys(filter(_is_usable, found)))


def _is_usable(value: Any) -> bool:
    """Return whether a value can be a part of a path. One that leads elsewhere, such as `..`, is not called with."""
    if isinstance(value, str):
        return _PART.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def example_of(parameter: Parameter) -> Any:
    """Return a value that the document gives for a parameter, or None."""
    for value in (parameter.example, parameter.schema.get("default"), *parameter.schema.get("examples", ())):
        if value is not None:
            return value
    return parameter.schema.get("const")


def largest_page(operation: ReadOperation) -> dict[str, int]:
    """Return the argument that asks for as many records as the document allows, or none."""
    for parameter in operation.query_parameters:
        largest = parameter.schema.get("maximum")
        if parameter.name == "limit" and isinstance(largest, int):
            return {parameter.name: largest}
    return {}


def refused_query(operation: ReadOperation) -> dict[str, int] | None:
    """Return a query that the document forbids and that does no harm, or None where there is none."""
    if operation.path_parameters:
        return None
    for parameter in operation.query_parameters:
        smallest = parameter.schema.get("minimum")
        if parameter.schema.get("type") == "integer" and isinstance(smallest, int):
            return {parameter.name: smallest - 1}
    return None


def missing_record(operation: ReadOperation) -> str | None:
    """Return the path of a record that does not exist, or None for an operation that takes none."""
    if not operation.path_parameters or not operation.describes_not_found:
        return None
    path = operation.path
    for parameter in operation.path_parameters:
        is_number = parameter.schema.get("type") == "integer"
        path = path.replace("{" + parameter.name + "}", str(_NO_NUMBER if is_number else _NO_UUID))
    return path
