"""`Krebit` and `AsyncKrebit`: the operations of the document over one login.

Both are thin: decisions stand in modules without I/O, and one code path serves both. Here are the two drivers that wait
and send.
"""

import os
import re
import threading
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, NoReturn, ParamSpec, Self, TypeVar, Unpack

import anyio
import httpx

from krebit.config import API_PREFIX, DEFAULT_PROFILE, Given, Settings, check_settings
from krebit.config_file import default_path, read_settings
from krebit.core import ClientOptions, Core
from krebit.errors import ConfigurationError
from krebit.http.call import AccessToken, Driver, make_call, run_blocking
from krebit.http.deadline import Deadline
from krebit.http.request import CallOptions, RequestArguments
from krebit.http.response import parse_success
from krebit.http.send import Failure, Reply, send, send_async
from krebit.oauth.background import BackgroundWork
from krebit.oauth.console import Terminal
from krebit.oauth.session import TokenSession
from krebit.oauth.sign_in import LoginAttempt, SignIns
from krebit.redaction import Secret, mask_path
from krebit_api.api import RAW, AsyncOperations, Operation, Operations, Result

P = ParamSpec("P")
T = TypeVar("T")


class RawResponse(Generic[T]):
    """A success and the answer that it came in.

    `value` is what the operation returns, `status` a number, `headers` have names in lower case (rate limits are among
    them), `body` is raw bytes, and `content` is the body's JSON with fractions as `Decimal`.
    """

    __slots__ = ("body", "content", "headers", "status", "value")

    def __init__(self, value: T, status: int, headers: Mapping[str, str], body: bytes, content: Any) -> None:
        self.value = value
        self.status = status
        self.headers = headers
        self.body = body
        self.content = content

    def __repr__(self) -> str:
        return f"RawResponse(status={self.status})"


class BaseClient:
    """The part that both clients share: settings, views, sign-ins."""

    _core: Core
    _settings: Settings
    _session: TokenSession
    _sign_ins: SignIns
    _options: CallOptions
    _driver: Driver
    # A traceback may show a client whose making failed.
    _shown = "not made"
    _response_hooks: tuple[Callable[[RawResponse[Any]], object], ...] = ()
    _retry_hooks: tuple[Callable[[], bool], ...] = ()

    def __init__(
        self,
        domain: str,
        client_id: str,
        client_secret: str,
        *,
        redirect_uri: str | None = None,
        refresh_token: str | None = None,
        auth_code: str | None = None,
        profile: str = DEFAULT_PROFILE,
        plain_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Make a client of the tenant at `domain`, for an application that is registered there. Opens no socket.

        `refresh_token` and `auth_code` start a login that was granted elsewhere; each is used once. `profile` tells the
        logins of several people apart. `plain_http` is for a sandbox on this machine. Raises ConfigurationError.
        """
        given = Given(
            domain,
            client_id,
            Secret(client_secret),
            redirect_uri,
            Secret(refresh_token),
            Secret(auth_code),
            profile,
        )
        del client_secret, refresh_token, auth_code  # a traceback that shows local variables must not show these
        if unknown := options.keys() - ClientOptions.__annotations__.keys():
            raise TypeError(
                f"there is no option {', '.join(sorted(unknown))}; krebit.ClientOptions lists those that there are"
            )
        settings = check_settings(given, plain_http=plain_http)
        self._options = CallOptions(
            options.get("timeout", 30.0),
            options.get("retries", 2),
            options.get("attempt_timeout", 10.0),
            options.get("queue_timeout"),
        )
        self._core = Core(settings, options)
        self._settings = settings
        self._shown = _shown(settings)
        self._sign_ins = SignIns(settings, pkce=options.get("pkce", True))
        self._session = self._core.session(settings)
        self._driver = self._make_driver(self._session)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        profile: str | None = None,
        domain: str | None = None,
        plain_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """Make a client from the quickstart's environment variables, of the process or given as a mapping.

        What the process's environment does not have comes from the settings file, which `krebit login --save` writes;
        `KREBIT_CONFIG` names another one. With a mapping no file is read.

        `KREBIT_DOMAIN`, `KREBIT_CLIENT_ID` and `KREBIT_CLIENT_SECRET` are needed. `KREBIT_REDIRECT_URI`,
        `KREBIT_REFRESH_TOKEN`, `KREBIT_AUTH_CODE`, `KREBIT_PROFILE`, `KREBIT_TIMEOUT` and `KREBIT_RETRIES` are read
        when set; an argument goes before its variable. `KREBIT_API`, when set, must belong to the
        domain. `KREBIT_STATE` is not read: each sign-in makes a state of its own (RFC 6749, 10.12).

        The token and the code of the environment belong to the profile that `KREBIT_PROFILE` names, or to `default`.
        Of a mapping, `SSL_CERT_FILE` counts too. Raises ConfigurationError that names each missing or malformed one.
        """
        if environ is not None and "SSL_CERT_FILE" in environ:
            options.setdefault("ca_file", environ["SSL_CERT_FILE"])
        variables = os.environ if environ is None else environ
        if "timeout" not in options and (timeout := variables.get("KREBIT_TIMEOUT")):
            options["timeout"] = _seconds("KREBIT_TIMEOUT", timeout)
        if "retries" not in options and (retries := variables.get("KREBIT_RETRIES")):
            options["retries"] = _whole_number("KREBIT_RETRIES", retries)
        path = default_path(variables) if environ is None else None
        given = read_settings(variables, profile, domain=domain, path=path)
        plain_http = plain_http or given.plain_http
        del variables
        del environ  # a traceback that shows local variables must not show it
        settings = check_settings(given, plain_http=plain_http, prefix="KREBIT_")
        return cls(
            settings.domain,
            settings.client_id,
            settings.client_secret.reveal(),
            redirect_uri=settings.redirect_uri,
            refresh_token=settings.refresh_token.reveal(),
            auth_code=settings.auth_code.reveal(),
            profile=settings.profile,
            plain_http=plain_http,
            **options,
        )

    @abstractmethod
    def _make_driver(self, session: TokenSession) -> Driver:
        """Return the driver of calls with the tokens of a session."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be pickled; make one in each process: they share the stored login")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shown}>"

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        attempt_timeout: float | None = None,
        queue_timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        wait_for_limits: bool | None = None,
    ) -> Self:
        """Return a view of this client, on the same connections and login, with other settings for its calls.

        `timeout`, `retries`, `attempt_timeout` and `queue_timeout` are as in `ClientOptions`; `headers` are added to
        each request. With `wait_for_limits=False` a rate limit raises RateLimited at once. Raises ConfigurationError.
        """
        own = self._options
        options = CallOptions(
            own.timeout if timeout is None else timeout,
            own.retries if retries is None else retries,
            own.attempt_timeout if attempt_timeout is None else attempt_timeout,
            own.queue_timeout if queue_timeout is None else queue_timeout,
            {**own.headers, **(headers or {})},
            own.wait_for_limits if wait_for_limits is None else wait_for_limits,
        )
        return self._view(_options=options)

    def with_profile(self, profile: str) -> Self:
        """Return a view of this client, on the same connections, with the login of another profile.

        A web application names the profile after its own id of the person. Grants from outside are not taken: they
        belong to this client's own profile. Raises ConfigurationError.
        """
        settings = self._settings.for_profile(profile)
        session = self._core.session(settings)
        return self._view(
            _settings=settings, _shown=_shown(settings), _session=session, _driver=self._make_driver(session)
        )

    def with_hooks(
        self,
        *,
        on_response: Callable[[RawResponse[Any]], object] | None = None,
        keep_trying: Callable[[], bool] | None = None,
    ) -> Self:
        """Return a view of this client that tells of its calls.

        `on_response` is called with each success, before the operation returns. `keep_trying` is asked before another
        attempt after one that failed: while it returns False there is none. Hooks of this client stay.
        """
        response_hooks, retry_hooks = self._response_hooks, self._retry_hooks
        if on_response is not None:
            response_hooks = (*response_hooks, on_response)
        if keep_trying is not None:
            retry_hooks = (*retry_hooks, keep_trying)
        return self._view(_response_hooks=response_hooks, _retry_hooks=retry_hooks)

    def _view(self, **changes: Any) -> Self:
        view = object.__new__(type(self))
        # A subclass may keep attributes of its own: a view has them too.
        for name, value in {**self.__dict__, **changes}.items():
            setattr(view, name, value)
        return view

    def start_login(self, *, redirect_uri: str | None = None) -> LoginAttempt:
        """Begin a sign-in: send the person to the `url` of the attempt. Opens no socket.

        The client keeps state and PKCE verifier for `finish_login`. Where another process gets the callback, keep the
        attempt (`to_dict`) in the person's session. Raises ConfigurationError without a redirect URI.
        """
        self._core.opened()
        return self._sign_ins.start(profile=self._settings.profile, redirect_uri=redirect_uri)

    def _login_at_terminal(
        self,
        redirect_uri: str | None,
        timeout: float,
        paste: bool | None,
        terminal: Terminal | None,
        stop: threading.Event,
    ) -> None:
        from krebit.oauth.terminal import sign_in_at_terminal

        attempt = self.start_login(redirect_uri=redirect_uri)
        sign_in_at_terminal(
            attempt,
            lambda callback: self._finish(callback, attempt=attempt).result(),
            timeout=timeout,
            paste=paste,
            terminal=terminal,
            stop=stop,
        )

    def _finish(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> BackgroundWork[AccessToken]:
        self._core.opened()
        grant = self._sign_ins.finish(callback, profile=self._settings.profile, code=code, state=state, attempt=attempt)
        return self._session.sign_in(grant)

    @abstractmethod
    async def _end(self) -> None:
        """Close the connections."""

    async def _call(self, operation: Operation, arguments: RequestArguments, result: Result[T]) -> T:
        core = self._core.opened()
        try:
            with core.call():
                reply = await make_call(
                    self._driver,
                    operation,
                    core.builder,
                    arguments,
                    options=self._options,
                    budget=core.budget,
                    keep_trying=self._keep_trying,
                )
        finally:
            if core.closed and core.is_idle:
                await self._end()
        value, content = parse_success(operation, reply, result, core.field_warnings)
        if self._response_hooks:
            response = RawResponse(value, reply.status, dict(reply.headers), reply.body, content)
            for hook in self._response_hooks:
                hook(response)
        return value

    def _keep_trying(self) -> bool:
        return all(hook() for hook in self._retry_hooks)

    def _plan(self, method: str, path: str, **arguments: Any) -> tuple[Operation, RequestArguments]:
        """Return an operation for a path that the document does not know. Raises ConfigurationError."""
        base = API_PREFIX + "/"
        relative = path.removeprefix(self._settings.origin + base).removeprefix(base)
        if "://" in relative.partition("?")[0] or relative.startswith("//"):
            raise ConfigurationError(f"path: is not on this tenant; write it relative to {API_PREFIX}, such as /acts")
        if not method.isascii() or not method.isalpha():
            raise ConfigurationError("method: must be one such as GET or POST")
        method = method.upper()
        url = f"{API_PREFIX}/{relative.lstrip('/')}"
        shown = url.partition("?")[0]
        operation = Operation(f"{method} {mask_path(shown)}", method, shown)
        return operation, lambda: {"method": method, "url": url, **arguments}


class _BlockingDriver(Driver):
    def __init__(self, core: Core, session: TokenSession) -> None:
        self._core = core
        self._session = session

    async def take_place(self, operation: str, longest: float | None) -> Callable[[], object]:
        return self._core.places.take(operation, longest)

    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        return send(self._core.transport, request, deadline, longest_silence)

    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        return self._session.cached(rejected) or self._session.refresh(rejected).result(deadline)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - no loop runs this


class _AsyncDriver(Driver):
    def __init__(self, core: Core, session: TokenSession) -> None:
        self._core = core
        self._session = session

    async def take_place(self, operation: str, longest: float | None) -> Callable[[], object]:
        return await self._core.async_places.take(operation, longest)

    async def send(self, request: httpx.Request, deadline: Deadline, longest_silence: float | None) -> Reply | Failure:
        return await send_async(self._core.async_transport, request, deadline, longest_silence)

    async def token(self, rejected: Secret | None, deadline: Deadline) -> AccessToken:
        return self._session.cached(rejected) or await self._session.refresh(rejected).result_async(deadline)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Krebit(BaseClient, Operations):
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
        if self._core.close():
            self._core.end()

    def _make_driver(self, session: TokenSession) -> Driver:
        return _BlockingDriver(self._core, session)

    def _send(self, operation: Operation, request: RequestArguments, result: Result[T]) -> T:
        return run_blocking(self._call(operation, request, result))

    async def _end(self) -> None:
        self._core.end()

    def request(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Call a path that the document does not know, relative to `/api/1.0`, with the same login, retries and errors.

        Returns the answer's JSON as it is (fractions as `Decimal`), or None for an empty one. Raises as every operation
        does.
        """
        return self._send(*self._plan(method, path, params=params, json=json), RAW)

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

        `attempt` is the one that `start_login` returned, where it was kept elsewhere. Raises LoginFailed for a state
        that is wrong, missing or used, for a refusal, and for a dead code; ConfigurationError where the server refuses
        the application.
        """
        self._finish(callback, code=code, state=state, attempt=attempt).result()

    def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,
        paste: bool | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        """Sign somebody in at this terminal, and say that it worked. The login is stored.

        With a redirect URI such as `http://127.0.0.1:8765/callback` a browser opens, and its way back is listened for
        at that port. With one registered elsewhere, without a browser, or with `paste=True`, the address is shown and
        the callback's address asked for; a wrong paste may be tried twice more. With `paste=False` it only listens.
        Raises LoginFailed after `timeout` seconds of listening, at once where neither a browser nor a person can be
        reached, and as `finish_login`.
        """
        self._login_at_terminal(redirect_uri, timeout, paste, terminal, threading.Event())

    def logout(self) -> None:
        """Forget the login. The API has no revocation: at the server the tokens live until they end.

        Raises StoreError.
        """
        self._core.opened()
        self._session.sign_out().result()

    def is_signed_in(self) -> bool:
        """Return whether there is a login that is not known to be dead. Asks the store, not the server.

        Raises StoreError.
        """
        self._core.opened()
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
        """Close the connections, after a refresh under way has been stored. The stored login stays.

        Calls of other tasks that are under way end as they would; the last of them closes the connections.
        """
        if self._core.close():
            await self._end()

    async def _end(self) -> None:
        # Shielded: in a cancelled scope neither would even begin. The thread is not of the loop's own, which may all be
        # waiting for something else.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._core.end, limiter=anyio.CapacityLimiter(1))
            await self._core.async_transport.aclose()

    def _make_driver(self, session: TokenSession) -> Driver:
        return _AsyncDriver(self._core, session)

    async def _send(self, operation: Operation, request: RequestArguments, result: Result[T]) -> T:
        return await self._call(operation, request, result)

    async def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> Any:
        """Do as `Krebit.request`."""
        return await self._send(*self._plan(method, path, params=params, json=json), RAW)

    async def with_raw_response(
        self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> RawResponse[T]:
        """Do as `Krebit.with_raw_response`."""
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
        """Do as `Krebit.finish_login`."""
        await self._finish(callback, code=code, state=state, attempt=attempt).result_async()

    async def login(
        self,
        *,
        redirect_uri: str | None = None,
        timeout: float = 300.0,  # noqa: ASYNC109 - the same as the blocking client's
        paste: bool | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        """Do as `Krebit.login`. Cancelled, it stops listening; a prompt stays until it is answered."""
        import asyncio  # the loop waits for its threads at its end, so that the port is free then

        stop = threading.Event()
        try:
            await asyncio.to_thread(self._login_at_terminal, redirect_uri, timeout, paste, terminal, stop)
        finally:
            stop.set()

    async def logout(self) -> None:
        """Do as `Krebit.logout`."""
        self._core.opened()
        await self._session.sign_out().result_async()

    async def is_signed_in(self) -> bool:
        """Do as `Krebit.is_signed_in`."""
        self._core.opened()
        return await self._session.is_signed_in().result_async()


C = TypeVar("C", bound=BaseClient)


def client_of(operation: Any, kind: type[C]) -> C:
    """Return the client whose method `operation` is. Raises ConfigurationError if it is not one of that kind."""
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, kind):
        raise ConfigurationError("operation: must be a method of a client, such as api.list_clients")
    return owner


def on_view(operation: Callable[P, T], view: Krebit | AsyncKrebit) -> Callable[P, T]:
    """Return the same operation on a view of its client."""
    bound: Callable[P, T] = operation.__func__.__get__(view)  # type: ignore[attr-defined]
    return bound


def _seconds(name: str, text: str) -> float:
    """Return the seconds of an environment variable. Raises ConfigurationError that names it."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise ConfigurationError(f"{name}: must be a number of seconds above 0, at most a day (it is {text[:20]!r})")
    return seconds


def _whole_number(name: str, text: str) -> int:
    """Return the number of an environment variable. Raises ConfigurationError that names it."""
    if not re.fullmatch("[0-9]{1,3}", text):
        raise ConfigurationError(f"{name}: must be a whole number from 0 to 100 (it is {text[:20]!r})")
    return int(text)


def _shown(settings: Settings) -> str:
    return f"{settings.domain}, profile {settings.profile!r}"


def _only(responses: list[RawResponse[T]]) -> RawResponse[T]:
    if not responses:
        raise ConfigurationError("operation: does not send a request")
    return responses[-1]
