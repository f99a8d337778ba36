"""`Krebit` and `AsyncKrebit`: the operations of the document over one login."""

import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, Self, TypeVar

import anyio

from krebit.base_client import BaseClient
from krebit.bound_operation import client_of, on_view
from krebit.drivers import AsyncDriver, BlockingDriver
from krebit.errors import ConfigurationError
from krebit.http.call import Driver, run_blocking
from krebit.http.request import RequestArguments
from krebit.http.upload import UploadedFiles
from krebit.oauth.console import Terminal
from krebit.oauth.session import TokenSession
from krebit.oauth.sign_in import LoginAttempt
from krebit.raw_response import RawResponse
from krebit.unlisted import unlisted_operation
from krebit_api.api import AsyncOperations, Operation, Operations, Result
from krebit_api.types import Payload

P = ParamSpec("P")
T = TypeVar("T")


class Krebit(BaseClient, Operations):
    """A blocking client. Threads may share it.

    Its methods are the operations of the document. They raise only the errors of `krebit.errors`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, when a refresh under way is stored. The stored login stays.

        Calls of other threads that are under way continue. The last of these calls closes the connections.
        """
        if self._resources.close():
            self._resources.release()

    def _make_driver(self, session: TokenSession) -> Driver:
        return BlockingDriver(self._resources, session)

    def _send(self, operation: Operation, request: RequestArguments, result: Result[T]) -> T:
        return run_blocking(self._call(operation, request, result))

    async def _release(self) -> None:
        self._resources.release()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: UploadedFiles | None = None,
        content: Payload | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call a path that the document does not know, relative to `/api/1.0`, with the same login, retries and errors.

        Returns the answer's JSON as it is (fractions as `Decimal`), or None for an empty one. Where `headers` ask for
        another type (`{"Accept": "text/csv"}`), text is a str, and anything else bytes. Raises as every operation does.

        The body is one of `json`, `data` (a form), `files` (a form with files; its other fields are in `data`) and
        `content` (bytes, a path, a binary file or an iterable of bytes, sent as it is).
        """
        unlisted = unlisted_operation(
            self._settings.origin,
            self._options,
            method,
            path,
            headers,
            params=params,
            json=json,
            data=data,
            files=files,
            content=content,
        )
        del params, json, data, files, content, headers  # a traceback that shows local variables must not show the body
        return self._send(*unlisted)

    def with_raw_response(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        """Call an operation of this client. Return status, headers and body beside its value.

        `api.with_raw_response(api.get_client, 12345).headers["x-ratelimit-remaining"]`
        """
        responses: list[RawResponse[T]] = []
        view = client_of(operation, Krebit).with_hooks(on_response=responses.append)
        on_view(operation, view)(*args, **kwargs)
        return _only(responses)

    def finish_login(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> None:
        """End a sign-in with the callback's whole URL, or with its code and state. The login is stored.

        `attempt` is the result of `start_login`, if you kept it in the person's session.

        Raises LoginFailed for a wrong, missing or used state, for a refusal, and for a used or expired code. Raises
        ConfigurationError if the server refuses the application.
        """
        exchange = self._finish(callback, code=code, state=state, attempt=attempt)
        del callback, code
        exchange.result()

    def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,
        paste: bool | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        """Sign somebody in at this terminal, and say that it worked. The login is stored.

        With a redirect URI such as `http://127.0.0.1:8765/callback` a browser opens, and this program listens at that
        port for the callback. Otherwise, or without a browser, or with `paste=True`, it shows the address to open and
        asks for the callback's address, at most three times. With `paste=False` it only listens.

        Raises LoginFailed after `timeout` seconds of listening, or at once if neither a browser nor a person can be
        reached, and the errors of `finish_login`.
        """
        self._login_at_terminal(redirect_uri, timeout, paste, terminal, threading.Event())

    def logout(self) -> None:
        """Delete the login from the store. The API cannot revoke tokens: they stay valid until they expire.

        Raises StoreError.
        """
        self._resources.require_open()
        self._session.sign_out().result()

    def is_signed_in(self) -> bool:
        """Return whether there is a login that the server has not refused. Asks the store, not the server.

        Raises StoreError.
        """
        self._resources.require_open()
        return self._session.is_signed_in().result()


class AsyncKrebit(BaseClient, AsyncOperations):
    """A client for asyncio. Safe to share between the tasks of one event loop.

    Token requests go over a blocking transport in a thread, so that no cancellation can lose a login.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, when a refresh under way is stored. The stored login stays.

        Calls of other tasks that are under way continue. The last of these calls closes the connections.
        """
        if self._resources.close():
            await self._release()

    async def _release(self) -> None:
        # Shielded, because in a cancelled scope neither step would begin. A limiter of its own, because all threads of
        # the common one may be busy.
        with anyio.CancelScope(shield=True):
            try:
                await anyio.to_thread.run_sync(self._resources.release, limiter=anyio.CapacityLimiter(1))
            finally:
                await self._resources.async_transport.aclose()

    def _make_driver(self, session: TokenSession) -> Driver:
        return AsyncDriver(self._resources, session)

    async def _send(self, operation: Operation, request: RequestArguments, result: Result[T]) -> T:
        return await self._call(operation, request, result)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: UploadedFiles | None = None,
        content: Payload | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Do the same as `Krebit.request`."""
        unlisted = unlisted_operation(
            self._settings.origin,
            self._options,
            method,
            path,
            headers,
            params=params,
            json=json,
            data=data,
            files=files,
            content=content,
        )
        del params, json, data, files, content, headers
        return await self._send(*unlisted)

    async def with_raw_response(
        self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> RawResponse[T]:
        """Do the same as `Krebit.with_raw_response`."""
        responses: list[RawResponse[T]] = []
        view = client_of(operation, AsyncKrebit).with_hooks(on_response=responses.append)
        await on_view(operation, view)(*args, **kwargs)
        return _only(responses)

    async def finish_login(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> None:
        """Do the same as `Krebit.finish_login`."""
        exchange = self._finish(callback, code=code, state=state, attempt=attempt)
        del callback, code
        await exchange.result_async()

    async def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,  # noqa: ASYNC109 - the same as the blocking client's
        paste: bool | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        """Do the same as `Krebit.login`.

        When the task is cancelled, it stops listening. A prompt stays until somebody answers it.
        """
        import asyncio  # the loop waits for its threads at its end, so that the port is free then

        stop = threading.Event()
        try:
            await asyncio.to_thread(self._login_at_terminal, redirect_uri, timeout, paste, terminal, stop)
        finally:
            stop.set()

    async def logout(self) -> None:
        """Do the same as `Krebit.logout`."""
        self._resources.require_open()
        await self._session.sign_out().result_async()

    async def is_signed_in(self) -> bool:
        """Do the same as `Krebit.is_signed_in`."""
        self._resources.require_open()
        return await self._session.is_signed_in().result_async()


def _only(responses: list[RawResponse[T]]) -> RawResponse[T]:
    if not responses:
        raise ConfigurationError("operation: does not send a request")
    return responses[-1]
