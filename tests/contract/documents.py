"""Small documents, and the checks of `make regenerate` that refuse some of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import ROOT

Document = dict[str, Any]
Refused = Callable[[Document], list[str]]
TEXT = {"type": "string"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Return the checks of `make regenerate`, which are called on a document."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    module = importlib.import_module("refusals")
    return lambda document: list(module.refused(document))


def document(paths: Document | None = None, **schemas: Document) -> Document:
    info = {"title": "A document", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths or {}, "components": {"schemas": schemas}}


def operation(name: str = "do_it", tag: str = "things", **more: Any) -> Document:
    answers = {"204": {"description": "Done."}}
    return {"operationId": name, "tags": [tag], "security": [], "responses": answers, **more}


def record(*names: str) -> Document:
    return {"type": "object", "properties": dict.fromkeys(names, TEXT)}


def called(name: str = "do_it", tag: str = "things") -> Document:
    return document({"/a": {"get": operation(name, tag)}})


def asked(*parameters: Document, path: str = "/a") -> Document:
    return document({path: {"get": operation(parameters=list(parameters))}})


def parameter(name: str, place: str = "query", **more: Any) -> Document:
    return {"name": name, "in": place, "schema": TEXT, **more}


def sent(*media_types: str, schema: Document = TEXT, **more: Any) -> Document:
    body = {"content": {name: {"schema": schema, **more} for name in media_types}}
    return document({"/a": {"post": operation(requestBody=body)}})


def answered(**schemas: Document) -> Document:
    content = {name.replace("_", "/", 1): {"schema": schema} for name, schema in schemas.items()}
    return document({"/a": {"get": operation(responses={"200": {"description": "x", "content": content}})}})


def check_refusal(lines: list[str], place: str, remedy: str) -> None:
    """Fail unless a line names the place and says what to write instead."""
    assert any(line.startswith(place) and remedy in line for line in lines), lines
