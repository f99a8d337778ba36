"""`Krebit` and `AsyncKrebit`: the operations of the document over one login.

What a call decides stands in modules without I/O; here are the two drivers that do what those say.
"""

import os
import threading
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, ParamSpec, Self, TypeVar, Unpack

import anyio
import httpx

from krebit._body import parse
from krebit._call import Driver, Options, attempts, unsuspended
from krebit._core import ClientOptions, Core
from krebit._deadline import Deadline
from krebit._mask import mask_path
from krebit._secret import Secret
from krebit._wire import Failure, Reply, atransmit, transmit
from krebit.config import API_PREFIX, Settings, settings, variables
from krebit.errors import ConfigurationError
from krebit.oauth.flight import Flight
from krebit.oauth.login import LoginAttempt
from krebit_api.api import RAW, AsyncOperations, Operation, Operations, Result

if TYPE_CHECKING:
    from krebit.cli.loopback import Terminal

P = ParamSpec("P")
T = TypeVar("T")


class RawResponse(NamedTuple, Generic[T]):
    """A success with what it came in: `value` as the operation returns it, `status`, `headers` (names in lower case;
    rate limits are among them), `body` in raw bytes, and the body's JSON as `content` (fractions as `Decimal`)."""

    value: T
    status: int
    headers: Mapping[str, str]
    body: bytes
    content: Any

    def __repr__(self) -> str:
        return f"RawResponse(status={self.status})"


class Call:
    """One call that is watched: what came back, and the deadline that can be brought forward to end it."""

    deadline: Deadline
    response: RawResponse[Any] | None = None
    answered: Callable[[], object] | None = None

    def told(self) -> RawResponse[Any]:
        """What came back. Raises ConfigurationError if the operation did not send anything."""
        if self.response is None:
            raise ConfigurationError("operation: is not one that sends a request")
        return self.response


class _Client(Driver):
    """What both clients have: settings, views, sign-ins."""

    _observer: "Call | None" = None

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
        secret, token, code = Secret(client_secret), Secret(refresh_token), Secret(auth_code)
        # A traceback that shows local variables must not show these.
        del client_secret, refresh_token, auth_code
        self._begin(
            settings(
                domain,
                client_id,
                secret,
                redirect_uri=redirect_uri,
                refresh_token=token,
                auth_code=code,
                profile=profile,
                plain_http=plain_http,
            ),
            options,
        )

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        profile: str = "default",
        plain_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """A client from the quickstart's variables, of the process or given.

        `KREBIT_DOMAIN`, `KREBIT_CLIENT_ID` and `KREBIT_CLIENT_SECRET` are needed; `KREBIT_REDIRECT_URI`,
        `KREBIT_REFRESH_TOKEN` and `KREBIT_AUTH_CODE` are read when set. `KREBIT_API`, when set, must belong to the
        domain. `KREBIT_STATE` is not read: a state is made anew for each sign-in (RFC 6749, 10.12). Of variables that
        are given, `SSL_CERT_FILE` counts too. Raises ConfigurationError naming each that is missing or malformed.
        """
        if environ is not None and "SSL_CERT_FILE" in environ:
            options.setdefault("ca_file", environ["SSL_CERT_FILE"])
        found = variables(os.environ if environ is None else environ)
        del environ
        client = cls.__new__(cls)
        client._begin(found(profile=profile, plain_http=plain_http), options)
        return client

    def _begin(self, found: Settings, given: ClientOptions) -> None:
        if unknown := given.keys() - ClientOptions.__annotations__.keys():
            raise TypeError(f"no option here: {', '.join(sorted(unknown))}; krebit.ClientOptions lists what there is")
        self._options = Options(given.get("timeout", 30.0), given.get("retries", 2))
        self._core = Core(found, given)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled; make one in each process: they share the stored login")

    def __repr__(self) -> str:
        if "_core" not in vars(self):  # a traceback may show one that could not be made
            return f"<{type(self).__name__} unmade>"
        return f"<{type(self).__name__} {self._core.settings.domain}, profile {self._core.settings.profile!r}>"

    def with_options(
        self, *, timeout: float | None = None, retries: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Self:
        """A view of this client, on the same connections and login, whose calls have these settings.

        `timeout` in seconds for a whole call, `retries` beyond the first attempt, `headers` added to each request.
        Raises ConfigurationError.
        """
        return self._view(
            Options(
                self._options.timeout if timeout is None else timeout,
                self._options.retries if retries is None else retries,
                {**self._options.headers, **(headers or {})},
            ),
            self._observer,
        )

    def _view(self, options: Options, observer: "Call | None") -> Self:
        view = object.__new__(type(self))
        view._core, view._options, view._observer = self._core, options, observer
        return view

    def start_login(self, *, redirect_uri: str | None = None) -> LoginAttempt:
        """Begin a sign-in: send the person to the `url` of what comes back. No socket is opened.

        The client keeps state and PKCE verifier for `finish_login`; where another process will get the callback, keep
        the attempt (`to_dict`) in the person's session. Raises ConfigurationError without a redirect URI.
        """
        return self._core.opened().logins.start(redirect_uri=redirect_uri)

    def _at_terminal(
        self,
        redirect_uri: str | None,
        timeout: float,
        paste: bool | None,
        terminal: "Terminal | None",
        wake: threading.Event,
    ) -> None:
        from krebit.cli.loopback import sign_in

        attempt = self.start_login(redirect_uri=redirect_uri)
        sign_in(
            attempt,
            lambda callback: self._finishing(callback, attempt=attempt).join(),
            timeout=timeout,
            paste=paste,
            terminal=terminal,
            wake=wake,
        )

    def _finishing(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> Flight[Secret]:
        core = self._core.opened()
        return core.tokens.sign_in(core.logins.finish(callback, code=code, state=state, attempt=attempt))

    @abstractmethod
    async def _end(self) -> None:
        """Close the connections."""

    async def _call(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        core, options, observer = self._core.opened(), self._options, self._observer
        deadline = observer.deadline if observer else Deadline(options.timeout)
        core.calls.add(deadline)
        try:
            reply = await attempts(
                self, operation, core.build, request, options=options, deadline=deadline, budget=core.budget
            )
        finally:
            core.calls.discard(deadline)
            if core.closed and not core.calls:
                await self._end()
        if observer and observer.answered:
            observer.answered()
            await self._sleep(0)
        value, content = parse(operation, reply, result)
        if observer:
            observer.response = RawResponse(value, reply.status, dict(reply.headers), reply.body, content)
        return value

    def _plan(self, method: str, path: str, **given: Any) -> tuple[Operation, Callable[[], dict[str, Any]]]:
        base = API_PREFIX + "/"
        where = path.removeprefix(self._core.settings.origin + base).removeprefix(base)
        if "://" in where.partition("?")[0] or where.startswith("//"):
            raise ConfigurationError(f"path: is not on this tenant; write it relative to {API_PREFIX}, such as /acts")
        if not method.isascii() or not method.isalpha():
            raise ConfigurationError("method: must be one such as GET or POST")
        url, method = f"{API_PREFIX}/{where.lstrip('/')}", method.upper()
        shown = url.partition("?")[0]
        return Operation(f"{method} {mask_path(shown)}", method, shown), partial(dict, method=method, url=url, **given)


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

    def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        return unsuspended(self._call(operation, request, result))

    async def _transmit(self, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
        return transmit(self._core.transport, request, deadline)

    async def _token(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        return self._core.tokens.cached(rejected) or self._core.tokens.refreshed(rejected).join(deadline)

    async def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - no loop runs this

    async def _end(self) -> None:
        self._core.end()

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
        return self._send(*self._plan(method, path, params=params, json=json), RAW)

    def with_raw_response(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        """Call an operation of this client and get status, headers and body beside its value:
        `krebit.with_raw_response(krebit.get_client, 12345).headers["x-ratelimit-remaining"]`."""
        call = Call()
        observing(operation, call, Krebit)(*args, **kwargs)
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
        self._finishing(callback, code=code, state=state, attempt=attempt).join()

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
        shown and the callback's address asked for (never with `paste=False`). Raises LoginFailed after `timeout`
        seconds, and as `finish_login`.
        """
        self._at_terminal(redirect_uri, timeout, paste, terminal, threading.Event())

    def logout(self) -> None:
        """Forget the login. The API has no revocation: at the server the tokens live until they end. Raises
        StoreError."""
        self._core.opened().tokens.sign_out().join()

    def signed_in(self) -> bool:
        """Whether there is a login that is not known to be dead. Asks the store, not the server. Raises StoreError."""
        return self._core.opened().tokens.signed_in().join()


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
        # In a scope that is cancelled neither would even begin. A thread beyond the loop's own: those may be waiting.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._core.end, limiter=anyio.CapacityLimiter(1))
            await self._core.async_transport.aclose()

    async def _send(self, operation: Operation, request: Callable[[], dict[str, Any]], result: Result[T]) -> T:
        return await self._call(operation, request, result)

    async def _transmit(self, request: httpx.Request, deadline: Deadline) -> Reply | Failure:
        return await atransmit(self._core.async_transport, request, deadline)

    async def _token(self, rejected: Secret | None, deadline: Deadline) -> Secret:
        return self._core.tokens.cached(rejected) or await self._core.tokens.refreshed(rejected).ajoin(deadline)

    async def _sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """As `Krebit.request`."""
        return await self._send(*self._plan(method, path, params=params, json=json), RAW)

    async def with_raw_response(
        self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> RawResponse[T]:
        """As `Krebit.with_raw_response`."""
        call = Call()
        await observing(operation, call, AsyncKrebit)(*args, **kwargs)
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
        await self._finishing(callback, code=code, state=state, attempt=attempt).ajoin()

    async def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,  # noqa: ASYNC109 - the same as the blocking client's
        paste: bool | None = None,
        terminal: "Terminal | None" = None,
    ) -> None:
        """As `Krebit.login`. Cancelled, it stops listening; a prompt stays until it is answered."""
        import asyncio  # whose threads a loop waits for at its end, so that the port is free then

        wake = threading.Event()
        try:
            await asyncio.to_thread(self._at_terminal, redirect_uri, timeout, paste, terminal, wake)
        finally:
            wake.set()

    async def logout(self) -> None:
        """As `Krebit.logout`."""
        await self._core.opened().tokens.sign_out().ajoin()

    async def signed_in(self) -> bool:
        """As `Krebit.signed_in`."""
        return await self._core.opened().tokens.signed_in().ajoin()


def client_of(operation: Any, kind: type[_Client] = _Client) -> _Client:
    """Whose method it is. Raises ConfigurationError if it is no such client's."""
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, kind):
        raise ConfigurationError("operation: must be a method of a client, such as krebit.list_clients")
    return owner


def observing(operation: Any, call: Call, kind: type[_Client] = _Client) -> Callable[..., Any]:
    """The same operation, on a view for one call, which `call` tells of and can end. Its time runs from here on."""
    client = client_of(operation, kind)
    call.deadline = Deadline(client._options.timeout)
    return partial(operation.__func__, client._view(client._options, call))
