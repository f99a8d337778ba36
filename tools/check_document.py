"""Check `openapi.yaml` beside the rules of OpenAPI: provenance, true examples, marked secrets, names, errors.

Prints a line per fault, with the way to it, and ends with 1 if there is any. `--linters` runs the public linters too,
those from npm at their strict settings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from contract import DOCUMENT, ROOT, Problem, carriers, component_schemas, load, operations, resolve, schemas
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
from refusals import refused

NODE = ROOT / "tools" / "node"
SOURCES = ("quickstart", "guide", "inferred", "tenant")
SECRET_NAME = re.compile(r"secret|(access|refresh)_token|^code(_verifier)?$|password")
PASCAL_CASE = re.compile(r"([A-Z][a-z0-9]*)+")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CHECKER = FormatChecker()
# The errors that every call may meet, and those of signing in.
ERRORS = frozenset(("401", "403", "429", "5XX"))
SIGN_IN_ERRORS = frozenset(("400", "401", "429", "5XX"))


def provenance(document: dict[str, Any]) -> Iterator[str]:
    """Check that each statement about the API, and each shape of a body, has its source."""
    said: list[tuple[str, dict[str, Any]]] = []
    for _, where, node in carriers(document):
        said.append((where, node))
        for media, content in node.get("content", {}).items():
            shapes = [content["schema"].get(keyword, []) for keyword in ("anyOf", "oneOf")]
            said += [(f"{where} {media} shape {n}", shape) for n, shape in enumerate(chain(*shapes), 1)]
    for name, schema in component_schemas(document).items():
        said.append((f"schema {name}", schema))
        for where, inner in schemas(schema, name):
            said += [(f"{where}.{key}", node) for key, node in (inner.get("properties") or {}).items()]
    for where, node in said:
        if node.get("x-source") not in SOURCES:
            yield f"{where}: x-source is {node.get('x-source')!r}, not one of {', '.join(SOURCES)}"


def inferred(node: Any, where: str = "") -> Iterator[str]:
    """Check that `x-inferred` lists only keywords beside it, or the name or status that it stands under."""
    if isinstance(node, dict):
        for keyword in node.get("x-inferred", []):
            if keyword not in node and keyword not in ("name", "status"):
                yield f"{where.lstrip('.')}: x-inferred: there is no {keyword}"
    inside = node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ())
    for key, inner in inside:
        yield from inferred(inner, f"{where}.{key}")


def examples(document: dict[str, Any]) -> Iterator[str]:
    """Check that each example is valid by its schema, and that each JSON body has one."""
    pairs: list[tuple[str, Any, Any]] = []
    for name, schema in component_schemas(document).items():
        for where, inner in schemas(schema, name):
            pairs += [(f"{where} examples[{n}]", inner, value) for n, value in enumerate(inner.get("examples", []))]
    for kind, where, node in carriers(document):
        if kind in ("parameter", "header"):
            if "example" not in node:
                yield f"{where}: no example"
            else:
                pairs.append((where, node["schema"], node["example"]))
        for media, content in node.get("content", {}).items() if kind in ("body", "answer") else ():
            given = {name: resolve(document, one)["value"] for name, one in content.get("examples", {}).items()}
            if "example" in content:
                given["example"] = content["example"]
            if not given:
                yield f"{where} {media}: no example"
            pairs += [(f"{where} {media} {name}", content["schema"], value) for name, value in given.items()]
    for where, schema, value in pairs:
        # The components stand in the same root, so that references are found.
        validator = Draft202012Validator({**schema, "components": document["components"]}, format_checker=CHECKER)
        if error := best_match(validator.iter_errors(value)):
            yield f"{where}: {error.json_path}: {error.message}"


def descriptions(document: dict[str, Any]) -> Iterator[str]:
    """Check that each schema and property has a description: people read the document."""
    for name, schema in component_schemas(document).items():
        if not schema.get("description"):
            yield f"schema {name}: no description"
        for where, inner in schemas(schema, name):
            for key, node in (inner.get("properties") or {}).items():
                if not (node.get("description") or "$ref" in node):
                    yield f"{where}.{key}: no description"


def secrets(document: dict[str, Any]) -> Iterator[str]:
    """Check that secrets are marked, so that no repr shows them."""
    for name, schema in component_schemas(document).items():
        for where, inner in schemas(schema, name):
            for key, node in (inner.get("properties") or {}).items():
                if SECRET_NAME.search(key) and not node.get("x-secret"):
                    yield f"{where}.{key}: looks like a secret and has no x-secret: true"
                if node.get("x-secret") and node.get("format") != "password":
                    yield f"{where}.{key}: x-secret without format: password"


def names(document: dict[str, Any]) -> Iterator[str]:
    """Check that there is one server, that paths are whole, and that the generator keeps the names."""
    yield from refused(document)
    if [server.get("url") for server in document.get("servers", [])] != ["https://{domain}"]:
        yield "servers: exactly one, https://{domain}; the generator ignores all others"
    for operation in operations(document):
        expected = ("/oauth/", "/api/oauth/") if operation.tags == ["oauth"] else ("/api/1.0/",)
        if not operation.path.startswith(expected):
            yield f"{operation.where}: paths are whole and start with {' or '.join(expected)}"
        if "servers" in operation.body or "servers" in document["paths"][operation.path]:
            yield f"{operation.where}: a server of its own, which the generator ignores"
    for name, schema in component_schemas(document).items():
        if not PASCAL_CASE.fullmatch(name):
            yield f"schema {name}: not in PascalCase"
        for where, inner in schemas(schema, name):
            for key in inner.get("properties") or {}:
                if not NAME.fullmatch(key):
                    yield f"{where}.{key}: not in snake_case, so it would be renamed"
    for kind, where, node in carriers(document):
        if kind == "parameter" and node.get("in") in ("query", "path") and not NAME.fullmatch(node["name"]):
            yield f"{where}: {node['name']} is not in snake_case, so it would be renamed"


def calls(document: dict[str, Any]) -> Iterator[str]:
    """Check that each operation says who may call it, and has the errors that every call may meet."""
    for operation in operations(document):
        is_sign_in = operation.tags == ["oauth"]
        security: list[dict[str, list[str]]] = [] if is_sign_in else [{"oauth2": []}]
        if operation.body.get("security", security) != security:  # `names` reports one that is missing
            yield f"{operation.where}: security must be {'[]' if is_sign_in else '[{oauth2: []}]'}"
        errors = SIGN_IN_ERRORS if is_sign_in else ERRORS
        if "{" in operation.path:
            errors |= {"404"}
        if missing := errors - {str(status) for status in operation.body.get("responses", {})}:
            yield f"{operation.where}: answers without {', '.join(sorted(missing))}; copy them from another operation"


def faults(document: dict[str, Any]) -> list[str]:
    """Return all faults, a line each."""
    checks = (names, calls, provenance, inferred, descriptions, secrets, examples)
    return [fault for check in checks for fault in check(document)]


def linters(path: Path) -> int:
    """Run the public linters. Returns how many of them failed; each prints what it found."""
    tools = NODE / "node_modules" / ".bin"
    commands = [
        [f"{sysconfig.get_path('scripts')}/openapi-spec-validator", str(path)],
        [str(tools / "redocly"), "lint", str(path), "--config", str(NODE / "redocly.yaml")],
        [str(tools / "spectral"), "lint", str(path), "--ruleset", str(NODE / ".spectral.yaml"), "--fail-severity=hint"],
    ]
    failed = 0
    for command in commands:
        if not Path(command[0]).exists():
            raise Problem(f"{command[0]} is missing: call make document, or npm ci in {NODE}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            failed += 1
            print(f"{Path(command[0]).name} refuses {path.name}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="default: openapi.yaml")
    parser.add_argument("--linters", action="store_true", help="run the public linters too")
    options = parser.parse_args()
    try:
        found = faults(load(options.document))
        for fault in found:
            print(f"{options.document.name}: {fault}", file=sys.stderr)
        failed = linters(options.document) if options.linters else 0
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 1 if found or failed else 0


if __name__ == "__main__":
    sys.exit(main())
