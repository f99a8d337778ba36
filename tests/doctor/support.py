"""What the doctor's tests share."""

from typing import Any

from krebit import MemoryTokenStore
from krebit.doctor import Report, Step, examine
from krebit_sandbox import Sandbox


def examined(sandbox: Sandbox, **options: Any) -> Report:
    """Return the report on a sandbox, with a login of its own."""
    options.setdefault("store", MemoryTokenStore())
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
