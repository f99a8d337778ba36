"""Examine a sandbox, and look into the report."""

import re
from typing import Any

from krebit import MemoryTokenStore
from krebit.doctor import Report, Step, examine
from krebit.doctor.document import document_text
from krebit_sandbox import Sandbox

# The paths of the operations that the tests count.
_PATHS = {
    "/oauth/authorize",
    "/api/oauth/token",
    "/api/1.0/me",
    "/api/1.0/clients",
    "/api/1.0/clients/{id}",
    "/api/1.0/clients/{id}/acts/latest",
    "/api/1.0/acts/{uuid}/data",
    "/api/1.0/webhooks",
}


def quickstart_document() -> str:
    """Return openapi.yaml with the operations of the quickstart alone: the sandbox need not have those added later."""
    before, paths, after = re.split(r"(?m)^(?=paths:|webhooks:)", document_text())
    start, *items = re.split(r"(?m)^(?=  /)", paths)
    kept = [item for item in items if item.partition(":")[0].strip() in _PATHS]
    return "".join([before, start, *kept, after])


def examined(sandbox: Sandbox, **options: Any) -> Report:
    """Return the report on a sandbox by the quickstart's operations, with a login of its own."""
    options.setdefault("store", MemoryTokenStore())
    options.setdefault("document", quickstart_document())
    environ = {**sandbox.environment, **options.pop("environ", {})}
    report = examine(environ, plain_http=not sandbox.ca_file, **options)
    assert all(step.repair for step in report.steps if step.mark in ("warn", "fail"))
    return report


def step(report: Report, name: str) -> Step:
    """Return the step of this name."""
    (found,) = [one for one in report.steps if one.name == name]
    return found


def found(report: Report) -> set[tuple[str, str, str, str]]:
    """Return each difference as operation, path, kind and what came."""
    return {(one.operation, difference.path, difference.kind, difference.got) for one, difference in report.differences}


def comparable(report: Report) -> dict[str, Any]:
    """Return the shapes without host, times and versions."""
    shapes = report.shapes()
    del shapes["origin"]
    return shapes
