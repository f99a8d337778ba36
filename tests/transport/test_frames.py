"""Error trackers walk the local variables of each frame, element by element. None of them finds a secret in ours."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

from krebit import ConfigurationError, DeadlineExceeded, Krebit, ServerError, UnexpectedResponse, ValidationFailed
from krebit_api.models import WebhookStoreRequest
from krebit_sandbox import Sandbox
from tests.frames import frames_of
from tests.transport.support import ACCESS_TOKEN, CLIENT_SECRET, Place, Way, answering, arrived

WEBHOOK_SECRET = "webhook-secret-0123456789-0123456789"
CANARY = "canary-0123"


def assert_clean(error: BaseException, *secrets: str) -> None:
    texts = frames_of(error).splitlines()
    for secret in secrets:
        assert [text[:200] for text in texts if secret in text] == []


def subscribe(api: Any) -> Any:
    return api.create_webhook(body=WebhookStoreRequest(event="EVENT_TYPE", target="https://a.example/"))


def test_a_created_record_that_is_not_as_documented(sandbox: Sandbox, way: Way) -> None:
    body = {"data": {"id": [5], "secret": WEBHOOK_SECRET}}
    sandbox.fault(kind="status", status=201, path="/api/1.0/webhooks", body=body)

    error = Place.sandbox(sandbox).error(way, subscribe)

    assert isinstance(error, UnexpectedResponse)
    assert_clean(error, WEBHOOK_SECRET, CLIENT_SECRET)


@pytest.mark.parametrize("kind", ["status", "stall"])
def test_errors_of_calls(sandbox: Sandbox, way: Way, kind: str) -> None:
    sandbox.fault(kind=kind, status=500, path="/api/1.0/me", times=None, body={"secret": WEBHOOK_SECRET})
    place = Place.sandbox(sandbox, retries=0, timeout=2.0)

    error = place.error(way, lambda api: api.get_current_user())

    assert isinstance(error, ServerError | DeadlineExceeded)
    assert_clean(error, WEBHOOK_SECRET, _bearer(sandbox), sandbox.application.client_secret)


def test_a_hook_that_raises(sandbox: Sandbox, way: Way) -> None:
    body = {"data": {"id": 1, "secret": WEBHOOK_SECRET, "event": "EVENT_TYPE", "target": "https://a.example/"}}
    sandbox.fault(kind="status", status=201, path="/api/1.0/webhooks", body=body)

    def fail(response: Any) -> None:
        raise ZeroDivisionError

    error = Place.sandbox(sandbox).error(way, lambda api: subscribe(api.with_hooks(on_response=fail)))

    assert isinstance(error, ZeroDivisionError)
    assert_clean(error, WEBHOOK_SECRET)


@pytest.mark.parametrize("path", ["/webhooks", "/%2e%2e/oauth/token"])
def test_a_body_of_ones_own(sandbox: Sandbox, way: Way, path: str) -> None:
    error = Place.sandbox(sandbox).error(way, lambda api: api.request("POST", path, json={"x": WEBHOOK_SECRET}))

    assert isinstance(error, ValidationFailed | ConfigurationError)
    assert_clean(error, WEBHOOK_SECRET)


def _bearer(sandbox: Sandbox) -> str:
    return sandbox.requests[-1].headers["authorization"].removeprefix("Bearer ")


class _Stopped(BaseException):
    """An exception of a signal handler."""


@pytest.mark.parametrize("kind", ["stall", "stall_body"])
@pytest.mark.parametrize("exception", [KeyboardInterrupt, _Stopped])
def test_an_exception_of_a_signal_handler(sandbox: Sandbox, kind: str, exception: type[BaseException]) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        raise exception

    def interrupt() -> None:
        arrived(sandbox, 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    sandbox.fault(kind=kind, path="/api/1.0/me", times=None)
    before = signal.signal(signal.SIGUSR1, handle)
    thread = threading.Thread(target=interrupt)
    try:
        with Place.sandbox(sandbox).client() as api:
            thread.start()
            with pytest.raises(exception) as stopped:
                api.get_current_user()
            assert_clean(stopped.value, _bearer(sandbox), sandbox.application.client_secret)
            sandbox.clear_faults()
            assert api.get_current_user().id is not None
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("way", ["asyncio", "aiohttp"])
@pytest.mark.parametrize("kind", ["stall", "stall_body"])
def test_a_cancelled_call(sandbox: Sandbox, way: Way, kind: str) -> None:
    async def main() -> None:
        async with Place.sandbox(sandbox).async_client(way) as api:
            sandbox.fault(kind=kind, path="/api/1.0/me", times=None)
            task = asyncio.ensure_future(api.get_current_user())
            await asyncio.to_thread(arrived, sandbox, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            assert_clean(cancelled.value, _bearer(sandbox), sandbox.application.client_secret)

    asyncio.run(main())


class _Raising(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise _Stopped


def test_the_frames_of_an_error_that_the_caller_handles_stay(sandbox: Sandbox) -> None:
    def call(api: Any) -> None:
        try:
            raise ValueError("the caller's own")
        except ValueError:
            api.get_current_user()

    with Place.sandbox(sandbox).client(transport=_Raising()) as api, pytest.raises(_Stopped) as stopped:
        call(api)

    assert isinstance(stopped.value.__context__, ValueError)
    assert stopped.value.__context__.__traceback__ is not None


def test_no_frame_shows_the_headers_of_ones_own(way: Way) -> None:
    with answering({}, "500 Internal Server Error") as server:
        place = Place.raw(server, retries=0)
        error = place.error(way, lambda api: api.with_options(headers={"X-Api-Key": CANARY}).get_current_user())
    assert CANARY not in frames_of(error)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"id": 1, "secret": "{CANARY}", "event": ',
        f'{{"id": [5], "secret": "{CANARY}"}}',
        f'["{CANARY}"]',
        f'{{"data": {{"secret": "{CANARY}", "id": [5]}}}}',
    ],
)
def test_no_frame_shows_a_body(way: Way, body: str) -> None:
    with answering(body.encode()) as server:
        request = WebhookStoreRequest(event="EVENT_TYPE", target="https://a.example/")
        error = Place.raw(server).error(way, lambda api: api.create_webhook(body=request))

    assert isinstance(error, UnexpectedResponse)
    for secret in (CANARY, ACCESS_TOKEN, CLIENT_SECRET):
        assert secret not in frames_of(error)


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("not a domain", {}),
        ("a.example", {"profile": ""}),
        ("a.example", {"timeout": -1}),
        ("a.example", {"refresh_token": f"two words {CANARY}"}),
        ("a.example", {"auth_code": f"two words {CANARY}"}),
        ("a.example", {"ca_file": "/nowhere.pem"}),
        ("a.example", {"proxy": f"ftp://user:{CANARY}@proxy.example"}),
        ("a.example", {"proxy": f"http://user:{CANARY}/@proxy.example"}),
        ("a.example", {"proxy": f"http://user:12/{CANARY}@proxy.example"}),
        ("a.example", {"proxy": f"http://user:{CANARY}@proxy.example", "transport": 5}),
        ("not a domain", {"proxy": f"http://user:{CANARY}@proxy.example"}),
    ],
    ids=str,
)
def test_no_frame_shows_what_a_client_is_made_with(domain: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Krebit(domain, "id", f"secret-{CANARY}", **options)

    assert CANARY not in frames_of(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KREBIT_DOMAIN", "not a domain"),
        ("KREBIT_TIMEOUT", "soon"),
        ("KREBIT_RETRIES", "many"),
        ("KREBIT_CONFIG", "/dev/null/none"),
    ],
)
def test_no_frame_shows_the_environment(
    given: bool, name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = {"KREBIT_DOMAIN": "a.example", "KREBIT_CLIENT_ID": "id", "KREBIT_CLIENT_SECRET": CANARY, name: value}
    if name == "KREBIT_CONFIG":
        given = False  # a mapping reads no file
        file = tmp_path / "config.toml"
        file.write_text("domain = 5\n")
        environ[name] = str(file)
    for variable, text in environ.items():
        monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as caught:
        Krebit.from_env(environ if given else None, proxy=f"http://user:{CANARY}@proxy.example")

    assert CANARY not in frames_of(caught.value)
    assert os.environ["KREBIT_CLIENT_SECRET"] == CANARY
