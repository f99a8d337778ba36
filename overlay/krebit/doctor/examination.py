"""The whole examination, step by step. A step that fails ends those that depend on it, and no others."""

import hashlib
import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from krebit._version import __version__
from krebit.client import Krebit
from krebit.config import domain_problem, host_of
from krebit.doctor.calls import ReadingCalls, compare_error
from krebit.doctor.connection import Answer, WatchedTransport, offline_steps, reach, unknown_tenant_steps
from krebit.doctor.document import Document, document_text
from krebit.doctor.login import SIGN_IN, FoundLogin, find_login
from krebit.doctor.report import OperationResult, Report, Step
from krebit.doctor.settings import FoundSettings, find_settings
from krebit.errors import ConfigurationError, KrebitError, LoginFailed, LoginRequired, StoreError
from krebit.stores import TokenStore

_TIMEOUT = 20.0
_RENEWED = "had ended and was renewed, as by any command; the new one is stored"
_TAKEN = "the login of the environment was taken, as by any command; it is stored now"


def examine(
    environ: Mapping[str, str] | None = None,
    *,
    profile: str | None = None,
    domain: str | None = None,
    plain_http: bool = False,
    offline: bool = False,
    store: TokenStore | None = None,
    document: str | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Report:
    """Examine settings, connection, login and the API. Broken settings and a missing network are part of the result.

    The settings are those of `Krebit.from_env`, of the process's environment or given as a mapping. `offline` opens no
    connection. `document` is the text of an `openapi.yaml` to compare with; by default that of this package. `progress`
    is called with the name of what comes next. Raises ConfigurationError where the document cannot be read.
    """
    described = Document(document_text() if document is None else document)
    found = find_settings(environ, profile=profile, domain=domain, plain_http=plain_http)
    is_plain = plain_http or found.given.plain_http
    host = host_of(found.given.domain).lower()
    report = Report(_origin(host, described))
    report.settings = found.shown
    report.steps.append(found.step)
    answer = None
    if offline:
        report.steps += offline_steps()
    elif domain_problem(host, plain_http=is_plain):
        report.steps += unknown_tenant_steps()
    else:
        progress("connection")
        # Of a mapping the authority counts too, as in `Krebit.from_env`.
        ca_file = None if environ is None else environ.get("SSL_CERT_FILE")
        reached = reach(host, described.first_path(), plain_http=is_plain, ca_file=ca_file)
        report.steps += reached.steps
        answer = reached.answer
    login = find_login(found.checked, store, address=found.store_address, offline=offline)
    report.steps += login.steps
    report.needs_sign_in = login.steps[-1].repair == SIGN_IN
    if answer is not None:
        unauthenticated = _unauthenticated(described, answer)
        if unauthenticated is not None:
            report.errors["unauthenticated"] = unauthenticated
    reason = _reason_not_to_call(offline=offline, found=found, answer=answer, login=login)
    if reason is not None:
        report.steps.append(Step("API", "skip", f"not called: {reason}"))
        report.operations = _not_called(described, reason)
        return report
    watched: list[WatchedTransport] = []

    def watch(ours: httpx.BaseTransport) -> httpx.BaseTransport:
        watched.append(WatchedTransport(ours))
        return watched[-1]

    def make_client() -> Krebit:
        options: dict[str, Any] = {"transport": watch, "store": login.store, "timeout": _TIMEOUT}
        return Krebit.from_env(environ, profile=profile, domain=domain, plain_http=plain_http, **options)

    _call(report, described, make_client, progress)
    if watched and watched[0].has_renewed:
        text = _TAKEN if login.login is None else _RENEWED
        _replace(report, "token", lambda _: Step("token", "pass", text))
    return report


def _reason_not_to_call(*, offline: bool, found: FoundSettings, answer: Answer | None, login: FoundLogin) -> str | None:
    if offline:
        return "--offline"
    if found.checked is None:
        return "the settings are broken"
    if answer is None:
        return "the tenant is not reached"
    return None if login.is_usable else "there is no login"


def _call(
    report: Report, document: Document, make_client: Callable[[], Krebit], progress: Callable[[str], object]
) -> None:
    """Call the operations, and add what came to the report."""
    try:
        with make_client() as api:
            calls = ReadingCalls(document, api)
            try:
                report.operations = calls.call_all(progress)
            finally:
                report.operations = report.operations or _not_called(document, "the examination ended before")
            progress("errors")
            for name, ask in (("not_found", calls.not_found), ("refused", calls.refused)):
                result = ask()
                if result is not None:
                    report.errors[name] = result
    except (LoginRequired, LoginFailed) as error:
        problem = str(error).partition("; sign in with")[0]
        _replace(report, "token", lambda _: Step("token", "fail", problem, SIGN_IN))
        report.needs_sign_in = True
        report.steps.append(Step("API", "skip", "not called: there is no login"))
    except StoreError as error:
        problem, _, repair = str(error).partition("; ")
        _replace(report, "store", lambda _: Step("store", "fail", problem, repair or "look at what it names"))
        report.steps.append(Step("API", "skip", "not called: the login cannot be kept"))
    except ConfigurationError as error:
        problem, _, repair = str(error).partition("; ")
        _replace(report, "settings", lambda _: Step("settings", "fail", problem, repair or "correct the settings"))
        report.steps.append(Step("API", "skip", "not called: the settings are refused"))
    except KrebitError as error:
        problem, _, repair = str(error).partition("; ")
        report.steps.append(Step("API", "fail", problem, repair or "try again in some minutes"))
    else:
        report.steps.append(_api_step(report))


def _api_step(report: Report) -> Step:
    broken = [one for one in report.operations if one.verdict == "breaks"]
    answered = [one for one in report.operations if one.verdict in ("as described", "handled")]
    count = f"{len(answered)} of {len(report.operations)} operations answered"
    if broken:
        repair = "attach the report of --report FILE to an issue; --patch shows what to change in openapi.yaml"
        return Step("API", "fail", f"{count}, and {_names(broken)} cannot be read", repair)
    failed = [one for one in report.operations if (one.status or 0) >= 400]
    if failed:
        reasons = "; ".join(f"{one.operation}: {one.reason}" for one in failed)
        return Step("API", "warn", f"{count}; {reasons}", "ask whoever runs the tenant, if these should answer")
    return Step("API", "pass", count)


def _names(results: list[OperationResult]) -> str:
    return ", ".join(result.operation for result in results)


def _replace(report: Report, name: str, change: Callable[[Step], Step]) -> None:
    report.steps = [change(step) if step.name == name else step for step in report.steps]


def _not_called(document: Document, reason: str) -> list[OperationResult]:
    results = []
    for operation in document.reading_operations():
        result = OperationResult(operation.id, "GET", operation.path)
        result.reason = reason
        results.append(result)
    return results


def _unauthenticated(document: Document, answer: Answer) -> OperationResult | None:
    """Compare the answer to the request without a token, which an operation of the document describes."""
    for operation in document.reading_operations():
        if operation.path == answer.path:
            result = OperationResult(operation.id, "GET", operation.path)
            result.status = answer.status
            pointer = document.error_schema(operation, 401)
            compare_error(result, document, pointer, 401, answer.body)
            return result
    return None


def _origin(host: str, document: Document) -> dict[str, Any]:
    """Return what differs between two reports of the same answers. The host itself would name a company."""
    name = urlsplit(f"//{host}").hostname if not domain_problem(host, plain_http=False) else None
    kind = "another domain"
    if name is None:
        kind = "not known"
    elif name == "localhost" or name.startswith("127.") or name == "::1":
        kind = "this machine"
    elif name.endswith(".krebit.se"):
        kind = "*.krebit.se"
    digest = hashlib.sha256(document.text.encode()).hexdigest()[:12]
    return {
        "host": kind,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "krebit": __version__,
            "document": f"{document.content['info']['version']} ({digest})",
            "python": platform.python_version(),
            "httpx": httpx.__version__,
            "system": os.name,
        },
    }
