"""Documents that Hypothesis makes of the grown one's parts: served and called, or refused with a place."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import grown_document
from .conftest import Scratch

LONG = os.environ.get("KREBIT_TESTS_LONG") == "1"
OPERATIONS = grown_document.operations()
NAMES = (
    "class",
    "list",
    "match",
    "text",
    "models",
    "request",
    "getIt",
    "get_it",
    "record",
    "datetime",
    "run_2",
    "type",
)
STYLES = ("simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject")
VALUES = ("", "aaa", "AAA+", "é", "None", "class", "1", 1, True, None, "a b", "$")
KEYS = ("userId", "user_id", "to_dict", "class", "models", "1st", "+a", "id", "uuid", "self")

Change = tuple[str, Any]
change = st.one_of(
    st.tuples(st.just("operation"), st.sampled_from(NAMES)),
    st.tuples(st.just("tag"), st.sampled_from(NAMES)),
    st.tuples(st.just("parameter"), st.sampled_from(NAMES)),
    st.tuples(st.just("style"), st.sampled_from(STYLES)),
    st.tuples(st.just("required"), st.booleans()),
    st.tuples(st.just("nullable"), st.none()),
    st.tuples(st.just("enum"), st.lists(st.sampled_from(VALUES), min_size=1, max_size=4, unique_by=repr)),
    st.tuples(st.just("property"), st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)),
)
made = st.dictionaries(st.sampled_from(sorted(OPERATIONS)), st.lists(change, max_size=2), min_size=1, max_size=5)


def changed(operation: dict[str, Any], schemas: dict[str, Any], kind: str, value: Any) -> None:
    """Change an operation in one way, or a schema where the operation has nothing of the kind."""
    parameters = [one for one in operation.get("parameters", []) if "schema" in one]
    match kind:
        case "operation":
            operation["operationId"] = value
        case "tag":
            operation["tags"] = [value]
        case "parameter":
            operation.setdefault("parameters", []).append({"name": value, "in": "query", "schema": {"type": "string"}})
        case "style" if parameters:
            parameters[0]["style"] = value
        case "required" if parameters:
            parameters[-1]["required"] = value
        case "nullable" if parameters and isinstance(parameters[-1]["schema"].get("type"), str):
            parameters[-1]["schema"]["type"] = [parameters[-1]["schema"]["type"], "null"]
        case "enum":
            schemas["Status"]["enum"] = value
        case "property":
            schemas["Tagged"]["properties"] |= {name: {"type": "string"} for name in value}


def grow(scratch: Scratch, chosen: dict[str, list[Change]]) -> list[tuple[str, dict[str, Any]]]:
    """Add the chosen operations to the document; return a call of each that its changes leave as it was."""
    schemas = scratch.document["components"]["schemas"]
    schemas["Echo"] = copy.deepcopy(grown_document.ECHO)
    for part in grown_document.parts():
        schemas.update(part.get("schemas", {}))
    calls = []
    for name, changes in chosen.items():
        node = copy.deepcopy(OPERATIONS[name])
        method, path, operation = grown_document.described(name, node)
        for kind, value in changes:
            changed(operation, schemas, kind, value)
        scratch.document["paths"].setdefault(path, {})[method] = operation
        call = node["calls"][0]
        # The name of a class may follow that of the operation.
        if "models." not in call.get("arguments", "") and not {"required", "parameter"} & {kind for kind, _ in changes}:
            calls.append((operation["operationId"], {**call, "any": True} if changes else call))
    affected = any(kind in ("enum", "property") for changes in chosen.values() for kind, _ in changes)
    return [(name, {**call, "any": True} if affected else call) for name, call in calls]


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 600)
@settings(
    max_examples=200 if LONG else 10,
    deadline=None,
    database=None,
    derandomize=not LONG,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(chosen=made)
def test_it_is_served_or_refused_with_a_place(
    chosen: dict[str, list[Change]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = Scratch(tmp_path_factory.mktemp("made"))
    calls = grow(scratch, chosen)
    scratch.save()
    done = scratch.regenerate()
    if done.returncode != 0:
        assert not scratch.package.exists()
        assert "Traceback" not in done.stderr
        assert "does not work" not in done.stderr
        assert "the generator refused it" not in done.stderr
        assert all(line.startswith("openapi.yaml: ") for line in done.stderr.splitlines()), done.stderr
        return
    ran = scratch.run_calls("blocking", calls)
    assert ran.returncode == 0, ran.stdout + ran.stderr
