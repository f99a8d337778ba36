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
from krebit.doctor.login import FoundLogin, after_calls, find_login, how_to_sign_in, open_store, unusable_store
from krebit.doctor.report import OperationResult, Report, Step, failed_step
from krebit.doctor.settings import find_settings, settings_step
from krebit.errors import ConfigurationError, KrebitError, LoginFailed, LoginRequired, StoreError
from krebit.redaction import Secret
from krebit.stores import TokenStore
from krebit.stores.memory import MemoryTokenStore

_TIMEOUT = 20.0


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
    found = find_settings(environ, profile=profile, domain=domain)
    is_plain = plain_http or found.given.plain_http
    host = host_of(found.given.domain).lower()
    report = Report(_origin(host, described))
    report.settings = found.shown
    used_store, store_error = _opened(store, found.store_address)
    watched: list[WatchedTransport] = []

    def watch(ours: httpx.BaseTransport) -> httpx.BaseTransport:
        watched.append(WatchedTransport(ours))
        return watched[-1]

    options = {"profile": profile, "domain": domain, "plain_http": plain_http, "store": used_store, "transport": watch}
    api, problems = _make_client(environ, options)
    report.steps.append(settings_step(problems, found.save_command))
    # Of a mapping the authority counts too, as in `Krebit.from_env`.
    ca_file = None if environ is None else environ.get("SSL_CERT_FILE")
    answer = _connect(report, host, described, plain_http=is_plain, offline=offline, ca_file=ca_file, progress=progress)
    checked = None if api is None else found.checked(plain_http=plain_http)
    login = find_login(checked, used_store, offline=offline) if store_error is None else unusable_store(store_error)
    report.steps += login.steps
    report.needs_sign_in = login.needs_sign_in
    if answer is not None:
        _add_unauthenticated(report, described, answer)
    reason = _reason_not_to_call(offline=offline, api=api, answer=answer, login=login)
    if reason is not None or api is None or checked is None:
        if api is not None:
            api.close()
        report.steps.append(Step("API", "skip", f"not called: {reason}"))
        report.operations = ReadingCalls(described, None).results(reason or "")
        return report
    with api:
        _call(report, ReadingCalls(described, api.with_options(timeout=_TIMEOUT)), checked.profile, progress)
    if watched[0].has_renewed and not report.needs_sign_in:
        after = find_login(checked, used_store, offline=False)
        if after.login is not None:
            _replace(report, "token", after_calls(login.login, after.login, profile=checked.profile))
    return report


def _opened(store: TokenStore | None, address: Secret) -> tuple[TokenStore, ConfigurationError | None]:
    """Return the store; or one in memory, and why the store cannot be used."""
    try:
        return open_store(store, address), None
    except ConfigurationError as error:
        return MemoryTokenStore(), error


def _make_client(environ: Mapping[str, str] | None, options: dict[str, Any]) -> tuple[Krebit | None, tuple[str, ...]]:
    """Return a client, or None and the problems with the settings.

    The only place where the secret is read: a command for it may ask the person for something.
    """
    try:
        return Krebit.from_env(environ, **options), ()
    except ConfigurationError as error:
        return None, error.problems
    except StoreError as error:
        return None, (str(error),)


def _connect(
    report: Report,
    host: str,
    document: Document,
    *,
    plain_http: bool,
    offline: bool,
    ca_file: str | None,
    progress: Callable[[str], object],
) -> Answer | None:
    """Add the steps of the way to the tenant. Return the answer to a request without a token, where one came."""
    if offline:
        report.steps += offline_steps()
        return None
    if domain_problem(host, plain_http=plain_http):
        report.steps += unknown_tenant_steps()
        return None
    progress("connection")
    reached = reach(host, document.first_path(), plain_http=plain_http, ca_file=ca_file)
    report.steps += reached.steps
    return reached.answer


def _reason_not_to_call(*, offline: bool, api: Krebit | None, answer: Answer | None, login: FoundLogin) -> str | None:
    if offline:
        return "--offline"
    if api is None:
        return "the settings are broken"
    if answer is None:
        return "the tenant is not reached"
    return None if login.is_usable else "there is no login"


def _call(report: Report, calls: ReadingCalls, profile: str, progress: Callable[[str], object]) -> None:
    """Call the operations, and add what came to the report."""
    step: Step | None = None
    try:
        calls.call_all(progress)
        progress("errors")
        for name, ask in (("not_found", calls.not_found), ("refused", calls.refused)):
            result = ask()
            if result is not None:
                report.errors[name] = result
    except (LoginRequired, LoginFailed) as error:
        problem = error.reason if isinstance(error, LoginRequired) else str(error)
        _replace(report, "token", Step("token", "fail", problem, how_to_sign_in(profile)))
        report.needs_sign_in = True
        step = Step("API", "skip", "not called: there is no login")
    except StoreError as error:
        _replace(report, "store", failed_step("store", error, otherwise="look at what the message names"))
        step = Step("API", "skip", "not called: the login cannot be kept")
    except ConfigurationError as error:
        _replace(report, "settings", failed_step("settings", error, otherwise="correct what the message names"))
        step = Step("API", "skip", "not called: the settings are refused")
    except KrebitError as error:
        step = failed_step("API", error, otherwise="try again in some minutes")
    report.operations = calls.results("the doctor stopped before this call")
    report.steps.append(step or _api_step(report))


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
        repair = "ask the tenant's administrator why these calls fail"
        if all(one.status == 404 for one in failed):
            repair = f"nothing to do if there is no such record yet, such as an act of a client; otherwise {repair}"
        return Step("API", "warn", f"{count}; {reasons}", repair)
    return Step("API", "pass", count)


def _names(results: list[OperationResult]) -> str:
    return ", ".join(result.operation for result in results)


def _replace(report: Report, name: str, by: Step) -> None:
    report.steps = [by if step.name == name else step for step in report.steps]


def _add_unauthenticated(report: Report, document: Document, answer: Answer) -> None:
    """Compare the answer to the request without a token, which an operation of the document describes."""
    for operation in document.reading_operations():
        if operation.path == answer.path:
            result = OperationResult(operation.id, "GET", operation.path)
            result.status = answer.status
            compare_error(result, document, document.error_schema(operation, 401), 401, answer.body)
            report.errors["unauthenticated"] = result
            return


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
