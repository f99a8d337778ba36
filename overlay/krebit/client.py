"""`Krebit` and `AsyncKrebit`: the operations of the document over one login.

All that decides stands in modules without I/O; here are the two drivers that do what those say.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeAlias, TypeVar, Unpack

import anyio

from krebit._body import parse
from krebit._call import GetToken, Options, Send, Step, steps
from krebit._core import ClientOptions, Core
from krebit._deadline import Deadline
from krebit._mask import mask_path
from krebit._wire import Reply, atransmit, transmit
from krebit.config import API_PREFIX, Settings, settings, settings_from_env
from krebit.errors import ConfigurationError
from krebit.oauth.login import LoginAttempt
from krebit_api.api import RAW, AsyncOperations, Operation, Operations, Result

if TYPE_CHECKING:
    from krebit.cli.loopback import Terminal

P = ParamSpec("P")
T = TypeVar("T")
_Doing: TypeAlias = Generator[Step | Reply, Any, None]

__all__ = ["AsyncKrebit", "ClientOptions", "Krebit", "RawResponse"]


@dataclass(frozen=True, slots=True)
class RawResponse(Generic[T]):
    """A success with what it came in: `value` as the operation returns it, `status`, `headers` (names in lower case;
    rate limits are among them), `body` in raw bytes, and the body's JSON as `content` (fractions as `Decimal`)."""

    value: T = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    content: Any = field(repr=False)


class Call:
    """One call that is watched: what came back, and a way to end it before its time."""

    def __init__(self) -> None:
        self.response: RawResponse[Any] | None = None
        self.deadline = Deadline(0)

    def end(self) -> None:
        """End the call at once. From any thread."""
        self.deadline.end()

    def told(self) -> "RawResponse[Any]":
        """What came back. Raises ConfigurationError if the operation did not send anything."""
        if self.response is None:
            raise ConfigurationError("operation: is not one that sends a request")
        return self.response


class _Client:
    """What both clients have: settings, views, sign-ins."""

    _core: Core
    _options: Options
    _observer: "Call | None"

    def __init__(
        self,
        domain: str,
        client_id: str,
        client_secret: str,
        *,
        redirect_uri: str | None = None,
        refresh_token: str | None = None,
        auth_code: str | None = None,
        profile: str = "default",
        plain_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        """A client of the tenant at `domain` for an application registered there.

        `refresh_token` and `auth_code` begin a login that was granted elsewhere; each is used once. `profile` tells
        several people's logins apart. `plain_http` is for a sandbox on this machine. Opens no socket. Raises
        ConfigurationError.
        """
        found = settings(
            domain,
            client_id,
            client_secret,
            redirect_uri=redirect_uri,
            refresh_token=refresh_token,
            auth_code=auth_code,
            profile=profile,
            plain_http=plain_http,
        )
        self._begin(found, options)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        profile: str = "default",
        plain_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """A client from the quickstart's variables (`KREBIT_DOMAIN` and so on), of the process or given.

        Raises ConfigurationError naming each variable that is missing or malformed.
        """
        client = cls.__new__(cls)
        client._begin(settings_from_env(environ, profile=profile, plain_http=plain_http), options)
        return client

    def _begin(self, found: Settings, given: ClientOptions) -> None:
        self._options = Options(given.get("timeout", 30.0), given.get("retries", 2))
        self._core = Core(found, given)
        self._observer = None

    def __repr__(self) -> str:
        found = self._core.settings
        return f"<{type(self).__name__} {found.tenant.domain}, profile {found.profile!r}>"

    def with_options(
        self, *, timeout: float | None = None, retries: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Self:
        """A view of this client, on the same connections and login, whose calls have these settings.

        `timeout` in seconds for a whole call, `retries` beyond the first attempt, `headers` added to each request.
        Raises ConfigurationError.
        """
        now = self._options
        options = Options(
            now.timeout if timeout is None else timeout,
            now.retries if retries is None else retries,
            {**now.headers, **(headers or {})},
        )
        return self._view(options, self._observer)

    def _view(self, options: Options, observer: "Call | None") -> Self:
        view = object.__new__(type(self))
        view._core, view._options, view._observer = self._core, options, observer
        return view

    def observed(self, call: "Call") -> Self:
        """A view for one call, which `call` then tells of, and can end. Its time runs from here on."""
        call.deadline = Deadline(self._options.timeout)
        return self._view(self._options, call)

    def start_login(self, *, redirect_uri: str | None = None) -> LoginAttempt:
        """Begin a sign-in: send the person to the `url` of what comes back. No socket is opened.

        The client keeps state and PKCE verifier for `finish_login`; where another process will get the callback, keep
        the attempt (`to_dict`) in the person's session. Raises ConfigurationError without a redirect URI.
        """
        return self._core.logins.start(redirect_uri=redirect_uri)

    def _at_terminal(
        self,
        redirect_uri: str | None,
        timeout: float,
        paste: bool | None,
        terminal: "Terminal | None",
        wake: threading.Event,
    ) -> None:
        from krebit.cli.loopback import Terminal, sign_in

        core = self._core
        core.check_open()
        attempt = self.start_login(redirect_uri=redirect_uri)

        def finish(callback: str) -> None:
            core.tokens.complete(core.tokens.sign_in(core.logins.finish(callback, attempt=attempt)))

        sign_in(attempt, finish, timeout=timeout, paste=paste, terminal=terminal or Terminal(), wake=wake)

    def _begin_call(self, operation: Operation, request: dict[str, Any]) -> "tuple[Core, Deadline, _Doing]":
        core, options = self._core, self._options
        core.check_open()
        deadline = Deadline(options.timeout) if self._observer is None else self._observer.deadline
        token = core.tokens.cached()
        doing = steps(operation, core.build, request, token, options=options, deadline=deadline, budget=core.budget)
        core.calls.add(doing)
        return core, deadline, doing

    def _result(self, operation: Operation, reply: Reply, result: Result[T]) -> T:
        value, content = parse(operation, reply, result)
        if self._observer is not None:
            headers = {name.lower(): text for name, text in reply.headers.items()}
            self._observer.response = RawResponse(value, reply.status, headers, reply.body, content)
        return value

    def _observe(self, operation: Callable[..., Any]) -> "tuple[Callable[..., Any], Call]":
        """The same operation on a view that keeps what comes back."""
        owner = getattr(operation, "__self__", None)
        if not isinstance(owner, type(self)):
            raise ConfigurationError("operation: must be a method of a client, such as krebit.list_clients")
        call = Call()
        return getattr(owner.observed(call), operation.__name__), call

    def _plan(self, method: str, path: str, given: dict[str, Any]) -> tuple[Operation, dict[str, Any]]:
        relative = path.removeprefix(self._core.settings.tenant.api + "/").removeprefix(API_PREFIX + "/")
        if "://" in relative.partition("?")[0] or relative.startswith("//"):
            raise ConfigurationError(f"path: is not on this tenant; write it relative to {API_PREFIX}, such as /acts")
        if not method.isascii() or not method.isalpha():
            raise ConfigurationError("method: must be one such as GET or POST")
        where = API_PREFIX + "/" + relative.lstrip("/")
        shown = where.partition("?")[0]
        return (
            Operation(f"{method.upper()} {mask_path(shown)}", method.upper(), shown),
            {"method": method, "url": where, **{name: value for name, value in given.items() if value is not None}},
        )


class Krebit(_Client, Operations):
    """A client that blocks. Safe to share between threads.

    Its methods are the operations of the document. They raise the types of `krebit.errors`, nothing else.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, after a refresh under way has been stored. The stored login stays.

        Calls of other threads that are under way end as they would; the last of them closes the connections.
        """
        self._core.closed = True
        if not self._core.calls:
            self._core.end()

    def _send(self, operation: Operation, request: dict[str, Any], result: Result[T]) -> T:
        core, deadline, doing = self._begin_call(operation, request)
        try:
            step = next(doing)
            while not isinstance(step, Reply):
                if isinstance(step, Send):
                    step = doing.send(transmit(core.transport, step.request, deadline))
                elif isinstance(step, GetToken):
                    step = doing.send(core.tokens.get(step.rejected, deadline))
                else:
                    time.sleep(step.seconds)
                    step = doing.send(None)
        finally:
            core.calls.discard(doing)
            if core.closed and not core.calls:
                core.end()
        return self._result(operation, step, result)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """Call a path that the document does not know, relative to `/api/1.0`, with the same login, retries and errors.

        Returns the answer's JSON as it is (fractions as `Decimal`), or None for an empty one. Raises as every
        operation does.
        """
        operation, request = self._plan(method, path, {"params": params, "json": json})
        return self._send(operation, request, RAW)

    def with_raw_response(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        """Call an operation of this client and get status, headers and body beside its value:
        `krebit.with_raw_response(krebit.get_client, 12345).headers["x-ratelimit-remaining"]`."""
        observed, call = self._observe(operation)
        observed(*args, **kwargs)
        return call.told()

    def finish_login(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> None:
        """End a sign-in with the callback's whole URL, or its code and state; the login is stored.

        `attempt` is what `start_login` gave, where it was kept elsewhere. Raises LoginFailed for a state that is
        wrong, missing or used, for a refusal, and for a dead code; ConfigurationError where the server refuses the
        application.
        """
        self._core.check_open()
        grant = self._core.logins.finish(callback, code=code, state=state, attempt=attempt)
        self._core.tokens.complete(self._core.tokens.sign_in(grant))

    def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,
        paste: bool | None = None,
        terminal: "Terminal | None" = None,
    ) -> None:
        """Sign somebody in at this terminal; the login is stored.

        With a redirect URI such as `http://127.0.0.1:8765/callback` the browser is opened and its way back listened
        for, once, at that port. With one registered elsewhere, without a browser, or with `paste=True`, the address is
        shown and the callback's address asked for. Raises LoginFailed after `timeout` seconds, and as `finish_login`.
        """
        self._at_terminal(redirect_uri, timeout, paste, terminal, threading.Event())

    def logout(self) -> None:
        """Forget the login. The API has no revocation: at the server the tokens live until they end. Raises
        StoreError."""
        self._core.tokens.complete(self._core.tokens.sign_out())

    def signed_in(self) -> bool:
        """Whether there is a login that is not known to be dead. Asks the store, not the server. Raises StoreError."""
        return self._core.tokens.signed_in()


class AsyncKrebit(_Client, AsyncOperations):
    """A client for asyncio. Safe to share between the tasks of one event loop.

    Token requests go over a blocking transport in a thread, so that no cancellation can lose a login.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, after a refresh under way has been stored. The stored login stays.

        Calls of other tasks that are under way end as they would; the last of them closes the connections.
        """
        self._core.closed = True
        if not self._core.calls:
            await self._end()

    async def _end(self) -> None:
        import asyncio  # only where it is needed: it takes as long to import as attrs, and blocking programs never do

        await asyncio.to_thread(self._core.end)
        await self._core.async_transport.aclose()

    async def _send(self, operation: Operation, request: dict[str, Any], result: Result[T]) -> T:
        core, deadline, doing = self._begin_call(operation, request)
        try:
            step = next(doing)
            while not isinstance(step, Reply):
                if isinstance(step, Send):
                    step = doing.send(await atransmit(core.async_transport, step.request, deadline))
                elif isinstance(step, GetToken):
                    step = doing.send(await core.tokens.aget(step.rejected, deadline))
                else:
                    await anyio.sleep(step.seconds)
                    step = doing.send(None)
        finally:
            core.calls.discard(doing)
            if core.closed and not core.calls:
                await self._end()
        return self._result(operation, step, result)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """As `Krebit.request`."""
        operation, request = self._plan(method, path, {"params": params, "json": json})
        return await self._send(operation, request, RAW)

    async def with_raw_response(
        self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> RawResponse[T]:
        """As `Krebit.with_raw_response`."""
        observed, call = self._observe(operation)
        await observed(*args, **kwargs)
        return call.told()

    async def finish_login(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> None:
        """As `Krebit.finish_login`."""
        self._core.check_open()
        grant = self._core.logins.finish(callback, code=code, state=state, attempt=attempt)
        await self._core.tokens.acomplete(self._core.tokens.sign_in(grant))

    async def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,  # noqa: ASYNC109 - the same as the blocking client's
        paste: bool | None = None,
        terminal: "Terminal | None" = None,
    ) -> None:
        """As `Krebit.login`. Cancelled, it stops listening; a prompt stays until it is answered."""
        import asyncio

        wake = threading.Event()
        try:
            await asyncio.to_thread(self._at_terminal, redirect_uri, timeout, paste, terminal, wake)
        finally:
            wake.set()

    async def logout(self) -> None:
        """As `Krebit.logout`."""
        await self._core.tokens.acomplete(self._core.tokens.sign_out())

    async def signed_in(self) -> bool:
        """As `Krebit.signed_in`."""
        import asyncio

        return await asyncio.to_thread(self._core.tokens.signed_in)
