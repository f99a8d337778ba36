"""The examples and the page on logs, traces and caches work as they are printed."""

import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples import caching_hishel, opentelemetry_tracing
from examples.caching_hishel import ClientCache
from krebit import NotFound, each, paginate
from krebit_sandbox import Sandbox
from tests.transport.support import Place

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logging.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def loggers() -> Iterator[None]:
    """Leave logging as it was."""
    logger = logging.getLogger("krebit")
    before = logger.level, list(logger.handlers)
    yield
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What was traced."""
    exporter = InMemorySpanExporter()
    yield exporter
    HTTPXClientInstrumentor().uninstrument()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[-1].strip())
@pytest.mark.usefixtures("krebit_environment", "loggers", "spans")
def test_the_code_of_the_page_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cache copied beside the program, as the page says."""
    shutil.copy(caching_hishel.__file__, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    exec(compile(block, "logging.md", "exec"), {"__name__": "page"})
    assert "Traceback" not in capsys.readouterr().err


def test_the_line_on_the_page_is_a_line_of_the_log(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "krebit"):
        Place.sandbox(sandbox).call("blocking", lambda api: api.get_client(12345))

    def shape(line: str) -> str:
        return re.sub(r"[0-9a-f-]{36}", "ID", re.sub(r"\d+ ms", "N ms", line))

    printed = next(line for line in PAGE.splitlines() if line.startswith("DEBUG:krebit:"))
    assert shape(printed.removeprefix("DEBUG:krebit:")) in [shape(record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_each_attempt_has_a_span_and_no_span_a_secret(sandbox: Sandbox, spans: Any, way: Any) -> None:
    opentelemetry_tracing.instrument(spans)
    sandbox.fault(kind="status", status=503, path="/api/1.0/me", times=2)

    Place.sandbox(sandbox, fresh=True).call(way, lambda api: api.get_current_user())

    found = spans.get_finished_spans()
    assert len(found) == len(sandbox.requests) == 4
    assert [span.attributes.get("http.status_code") for span in found] == [200, 503, 503, 200]
    secrets = [request.headers["authorization"].split()[1] for request in sandbox.requests[1:]]
    secrets += [sandbox.requests[0].json()[name] for name in ("client_secret", "refresh_token")]
    text = "".join(span.to_json() for span in found)
    assert not [secret for secret in secrets if secret in text]


def test_the_tracing_example_holds_attempts_together(sandbox: Sandbox, spans: Any) -> None:
    tracer = opentelemetry_tracing.instrument(spans).get_tracer("test")
    sandbox.fault(kind="reset", path="/api/1.0/me")
    with Place.sandbox(sandbox).client() as api:
        opentelemetry_tracing.show_user(api, tracer)

    parent = next(span for span in spans.get_finished_spans() if span.name == "who am I")
    parents = [span.parent.span_id for span in spans.get_finished_spans() if span.parent is not None]
    assert parents == [parent.context.span_id] * 2


@pytest.mark.parametrize("width", [1, 4])
def test_a_span_around_a_loop_holds_its_requests_together(sandbox: Sandbox, spans: Any, width: int) -> None:
    """Those of a walk and of `each`, which threads make where several are under way at once."""
    tracer = opentelemetry_tracing.instrument(spans).get_tracer("test")
    with Place.sandbox(sandbox).client() as api, tracer.start_as_current_span("job") as job:
        numbers = [client.id for client in paginate(api.list_clients, limit=20).options(prefetch=width)]
        outcomes = list(each(api.get_client, numbers[:10], concurrency=width))

    assert [outcome.error for outcome in outcomes] == [None] * 10
    parents = [span.parent and span.parent.span_id for span in spans.get_finished_spans() if span.name != "job"]
    assert parents == [job.get_span_context().span_id] * 13


@pytest.mark.usefixtures("spans")
def test_the_tracing_example_runs(krebit_environment: Sandbox) -> None:
    opentelemetry_tracing.main()
    assert krebit_environment.requests[-1].path == "/api/1.0/me"


def test_the_cache_answers_the_second_time(krebit_environment: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    caching_hishel.main()

    assert capsys.readouterr().out == "10 clients\n10 clients\n"
    assert [request.path for request in krebit_environment.requests] == ["/api/oauth/token", "/api/1.0/clients"]


def test_no_login_gets_what_another_was_given(sandbox: Sandbox) -> None:
    """Two people, one cache below both."""
    caches: list[ClientCache] = []

    def shared(ours: Any) -> ClientCache:
        caches.append(caches[0] if caches else ClientCache(ours))
        return caches[-1]

    first, second = Place.sandbox(sandbox, transport=shared), Place.sandbox(sandbox, transport=shared)
    with first.client() as anna, second.client() as bo:
        for api in (anna, bo, anna, bo):
            api.get_client(12345)
        assert len({request.headers["authorization"] for request in sandbox.requests}) == len(sandbox.requests) == 2
        sandbox.fault(kind="status", status=403, path="/api/1.0/clients/*", times=None)
        kept = caches[0].memory.serialize()

    assert b"Bearer" not in kept
    for request in sandbox.requests:
        assert request.headers["authorization"].split()[1].encode() not in kept


def test_what_is_kept_ends_and_errors_and_writes_are_never_kept(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Place.sandbox(sandbox, transport=ClientCache, retries=0).client() as api:
        sandbox.fault(kind="status", status=404, path="/api/1.0/clients/*")
        with pytest.raises(NotFound, match="404"):
            api.get_client(12345)
        api.get_client(12345)
        api.get_client(12345)
        api.get_current_user()
        api.get_current_user()
        assert [request.path for request in sandbox.requests] == ["/api/1.0/clients/12345"] * 2 + ["/api/1.0/me"] * 2
        before = api.get_latest_act(12345).uuid
        sandbox.create_act(12345)
        assert api.get_latest_act(12345).uuid != before  # a webhook's handler asks for the new one
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 601)
        api.get_client(12345)
        assert sandbox.requests[-1].path == "/api/1.0/clients/12345"


@pytest.mark.parametrize("minutes", [0, 4, 16, 60])
def test_the_guides_times_are_kept_to(sandbox: Sandbox, minutes: float) -> None:
    with pytest.raises(ValueError, match="5 to 15"):
        Place.sandbox(sandbox).client(transport=lambda ours: ClientCache(ours, minutes))
