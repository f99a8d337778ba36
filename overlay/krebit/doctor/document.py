"""Read `openapi.yaml` and find in it the operations that only read. No network.

The document stands beside `krebit_api` in an installed package. In a clone, where the package is installed in place, it
stands in the clone's folder, two above `krebit_api`.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote

from krebit.errors import ConfigurationError

NAME = "openapi.yaml"
Pointer = tuple[str, ...]
_JSON = "application/json"


def document_text() -> str:
    """Return the document that this package was made from. Raises ConfigurationError where it is missing."""
    package = Path(str(files("krebit_api")))
    for folder in (package, package.parent.parent):
        if (folder / NAME).is_file():
            return (folder / NAME).read_text(encoding="utf-8")
    raise ConfigurationError(f"{package / NAME}: is missing; install krebit again")


class Parameter(NamedTuple):
    """A parameter of an operation. `schema` is resolved; `example` is the document's, or None."""

    name: str
    place: str
    is_required: bool
    schema: Mapping[str, Any]
    example: Any


class ReadOperation(NamedTuple):
    """An operation that only reads. `answer` points to the schema of its success; None where that is no JSON."""

    id: str
    path: str
    status: str
    answer: Pointer | None
    parameters: tuple[Parameter, ...]
    describes_not_found: bool

    @property
    def path_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that stand in the path."""
        return tuple(parameter for parameter in self.parameters if parameter.place == "path")

    @property
    def query_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that stand in the query."""
        return tuple(parameter for parameter in self.parameters if parameter.place == "query")

    def path_and_query(self, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the path with its arguments in it, and the arguments of the query."""
        path = self.path
        query = dict(arguments)
        for parameter in self.path_parameters:
            path = path.replace("{" + parameter.name + "}", quote(str(query.pop(parameter.name)), safe=""))
        return path, query

    @property
    def is_page(self) -> bool:
        """Whether it answers a list page by page: it takes `page`."""
        return any(parameter.name == "page" for parameter in self.query_parameters)


class Document:
    """The document, as text and as content. A pointer is the way from its root to a part of it."""

    def __init__(self, text: str) -> None:
        yaml = load_yaml()
        self.text = text
        # The loader in C is ten times as fast, and not everywhere.
        self.content: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def at(self, pointer: Pointer) -> Any:
        """Return the part that a pointer names."""
        found: Any = self.content
        for step in pointer:
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found

    def resolved(self, pointer: Pointer) -> tuple[Pointer, Any]:
        """Follow references. Return where they lead, and what stands there."""
        found = self.at(pointer)
        while isinstance(found, dict) and "$ref" in found:
            pointer = _pointer_of(found["$ref"])
            found = self.at(pointer)
        return pointer, found

    def reading_operations(self) -> list[ReadOperation]:
        """Return each GET that a login is for, in the document's order."""
        return list(self._reading_operations())

    def first_path(self) -> str:
        """Return the path of the first operation that reads without arguments."""
        return next((one.path for one in self.reading_operations() if not one.parameters), "/")

    def _reading_operations(self) -> Iterator[ReadOperation]:
        for path, item in self.content["paths"].items():
            operation = item.get("get")
            if operation is None or not operation.get("security"):
                continue
            where = ("paths", path, "get")
            status, answer = self._success(where)
            common = self._parameters(("paths", path))
            own = self._parameters(where)
            yield ReadOperation(
                operation["operationId"], path, status, answer, (*common, *own), "404" in operation["responses"]
            )

    def _success(self, where: Pointer) -> tuple[str, Pointer | None]:
        for status in self.at(where)["responses"]:
            if str(status).startswith("2"):
                pointer, response = self.resolved((*where, "responses", status))
                if _JSON in response.get("content", {}):
                    return str(status), (*pointer, "content", _JSON, "schema")
        return "200", None

    def error_schema(self, operation: ReadOperation, status: int) -> Pointer | None:
        """Return where the JSON of an error status is described, or None where it is not."""
        where = ("paths", operation.path, "get", "responses", str(status))
        try:
            pointer, response = self.resolved(where)
        except KeyError:
            return None
        return (*pointer, "content", _JSON, "schema") if _JSON in response.get("content", {}) else None

    def documented_headers(self, operation: ReadOperation) -> set[str]:
        """Return the names, in lower case, of the headers of a success."""
        where = ("paths", operation.path, "get", "responses", operation.status)
        _, response = self.resolved(where)
        return {name.lower() for name in response.get("headers", {})}

    def _parameters(self, where: Pointer) -> list[Parameter]:
        found = []
        for index in range(len(self.at(where).get("parameters", []))):
            pointer, parameter = self.resolved((*where, "parameters", str(index)))
            _, schema = self.resolved((*pointer, "schema"))
            found.append(
                Parameter(
                    parameter["name"],
                    parameter["in"],
                    bool(parameter.get("required")),
                    schema,
                    parameter.get("example"),
                )
            )
        return found


def _pointer_of(reference: str) -> Pointer:
    parts = reference.removeprefix("#/").split("/")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def load_yaml() -> ModuleType:
    """Return PyYAML. Raises ConfigurationError where the extra is missing."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise ConfigurationError("the doctor needs PyYAML; call pip install 'krebit[cli]'") from None
    return yaml
