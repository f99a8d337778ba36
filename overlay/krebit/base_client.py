"""The part that `Krebit` and `AsyncKrebit` share: settings, views, sign-ins, and one call from start to end."""

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self, TypeVar, Unpack, cast

from krebit.config import (
    DEFAULT_PROFILE,
    Settings,
    UncheckedSettings,
    check_settings,
    seconds_of_variable,
    text_problems,
    variable,
    whole_number_of_variable,
)
from krebit.config_file import default_path, read_settings
from krebit.errors import ConfigurationError
from krebit.http.call import AccessToken, Call, Driver, make_call
from krebit.http.download import FileSink
from krebit.http.request import CallOptions, RequestArguments
from krebit.http.response import parse_success
from krebit.oauth.background import BackgroundWork
from krebit.oauth.console import Terminal
from krebit.oauth.session import TokenSession
from krebit.oauth.sign_in import LoginAttempt, SignIns
from krebit.raw_response import RawResponse
from krebit.redaction import Secret
from krebit.resources import ClientOptions, ClientResources, hide_proxy
from krebit.stores.address import STORE_VARIABLE, store_at
from krebit_api.api import Operation, Result

T = TypeVar("T")

_ONLY_OF_THE_CONSTRUCTOR = {"client_id", "client_secret", "redirect_uri", "refresh_token", "auth_code"}


class BaseClient:
    """The part that both clients share: settings, views, sign-ins."""

    _resources: ClientResources
    _settings: Settings
    _session: TokenSession
    _sign_ins: SignIns
    _options: CallOptions
    _driver: Driver
    _response_hooks: tuple[Callable[[RawResponse[Any]], object], ...] = ()
    _sink: FileSink | None = None
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

        `refresh_token` and `auth_code` start a login that was granted elsewhere; each is used once. `profile` is the
        name of one login among several. `plain_http` is for a sandbox on this machine. Raises ConfigurationError.
        """
        hide_proxy(options)
        problems = text_problems(
            domain=domain,
            client_id=client_id,
            client_secret=client_secret,
            redirect_uri=redirect_uri,
            refresh_token=refresh_token,
            auth_code=auth_code,
            profile=profile,
        )
        if problems:
            del client_secret, refresh_token, auth_code
            raise ConfigurationError(*problems)
        given = UncheckedSettings(
            domain or "",
            client_id or "",
            Secret(client_secret),
            redirect_uri,
            Secret(refresh_token),
            Secret(auth_code),
            profile,
        )
        del client_secret, refresh_token, auth_code  # a traceback that shows local variables must not show these
        if unknown := options.keys() - ClientOptions.__annotations__.keys():
            raise TypeError(
                f"{type(self).__name__}() has no option {', '.join(sorted(unknown))}; see krebit.ClientOptions"
            )
        settings = check_settings(given, plain_http=plain_http)
        self._options = CallOptions(
            options.get("timeout", 30.0),
            options.get("retries", 2),
            options.get("attempt_timeout", 10.0),
            options.get("queue_timeout"),
        )
        self._resources = ClientResources(settings, options)
        self._settings = settings
        self._sign_ins = SignIns(settings, pkce=options.get("pkce", True))
        self._session = self._resources.session(settings)
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

        A domain, application or redirect URI that the process's environment lacks comes from the settings file, which
        `krebit login --save` writes; `KREBIT_CONFIG` names another file. No file is read for a mapping.

        `KREBIT_DOMAIN`, `KREBIT_CLIENT_ID` and `KREBIT_CLIENT_SECRET` are needed. `KREBIT_REDIRECT_URI`,
        `KREBIT_REFRESH_TOKEN`, `KREBIT_AUTH_CODE`, `KREBIT_PROFILE`, `KREBIT_TIMEOUT`, `KREBIT_RETRIES` and
        `KREBIT_TOKEN_STORE` are read when set. An argument takes precedence over its variable. `KREBIT_TOKEN_STORE` is
        the URL of a PostgreSQL or Redis, or the whole path of a folder. `KREBIT_API`, when set, must belong to the
        domain. `KREBIT_STATE` is not read: each sign-in makes a state of its own (RFC 6749, 10.12).

        The token and the code of the environment belong to the profile that `KREBIT_PROFILE` names, or to `default`.
        A mapping may hold `SSL_CERT_FILE` too. Raises ConfigurationError that names each missing or malformed variable.
        """
        hide_proxy(options)
        if unknown := sorted(options.keys() & _ONLY_OF_THE_CONSTRUCTOR):
            del options, environ  # a traceback that shows local variables must not show a secret
            variables_of = ", ".join(f"KREBIT_{name.upper()}" for name in unknown)
            raise TypeError(
                f"{cls.__name__}.from_env() has no argument {', '.join(unknown)}; set {variables_of}, or call "
                f"{cls.__name__}(domain, client_id, client_secret)"
            )
        if environ is not None and environ.get("SSL_CERT_FILE"):
            options.setdefault("ca_file", environ["SSL_CERT_FILE"])
        variables = os.environ if environ is None else environ
        try:
            timeout, retries = variable(variables, "KREBIT_TIMEOUT"), variable(variables, "KREBIT_RETRIES")
            address = Secret(variable(variables, STORE_VARIABLE))
            path = default_path(variables) if environ is None else None
            given = read_settings(variables, profile, domain=domain, path=path)
        finally:
            del variables, environ  # a traceback that shows local variables must not show them
        if timeout and "timeout" not in options:
            options["timeout"] = seconds_of_variable("KREBIT_TIMEOUT", timeout)
        if retries and "retries" not in options:
            options["retries"] = whole_number_of_variable("KREBIT_RETRIES", retries)
        if address and "store" not in options:
            options["store"] = store_at(address, STORE_VARIABLE)
        plain_http = plain_http or given.plain_http
        may_be_saved = path is not None
        settings = check_settings(given, plain_http=plain_http, prefix="KREBIT_", may_be_saved=may_be_saved)
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
        try:
            settings = self._settings
        except AttributeError:  # a traceback may show a client whose making failed
            return f"<{type(self).__name__} not made>"
        return f"<{type(self).__name__} {settings.domain}, profile {settings.profile!r}>"

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
        each request. With `wait_for_limits=False` a single call raises RateLimited at once; a walk and `each` still
        wait. Raises ConfigurationError.
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

        A web application names the profile after its own id of the person. The token and the code of the settings
        belong to this client's own profile: the view does not use them. Raises ConfigurationError.
        """
        settings = self._settings.for_profile(profile)
        session = self._resources.session(settings)
        return self._view(_settings=settings, _session=session, _driver=self._make_driver(session))

    def with_hooks(
        self,
        *,
        on_response: Callable[[RawResponse[Any]], object] | None = None,
        keep_trying: Callable[[], bool] | None = None,
    ) -> Self:
        """Return a view of this client that calls your functions during its calls. Hooks of this client stay.

        `on_response` gets each success before the operation returns. `keep_trying` is called after an attempt that
        failed: there is no further attempt when it returns False.
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
        self._resources.require_open()
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

        def finish(callback: str) -> None:
            exchange = self._finish(callback, attempt=attempt)
            del callback  # it holds the code
            exchange.result()

        sign_in_at_terminal(attempt, finish, timeout=timeout, paste=paste, terminal=terminal, stop=stop)

    def _finish(
        self,
        callback: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        attempt: LoginAttempt | None = None,
    ) -> BackgroundWork[AccessToken]:
        self._resources.require_open()
        grant = self._sign_ins.finish(callback, profile=self._settings.profile, code=code, state=state, attempt=attempt)
        return self._session.sign_in(grant)

    @abstractmethod
    async def _release(self) -> None:
        """Close the connections."""

    def with_sink(self, sink: FileSink) -> Self:
        """Return a view of this client that saves the success of its one call. Use `krebit.download`, which does it."""
        return self._view(_sink=sink)

    async def _call(self, operation: Operation, arguments: RequestArguments, result: Result[T]) -> T:
        resources = self._resources.require_open()
        if self._sink is not None:
            self._sink.result = result
        try:
            with resources.counted_call():
                call = Call(
                    operation,
                    resources.builder,
                    arguments,
                    self._options,
                    resources.budget,
                    self._keep_trying,
                    self._sink,
                )
                reply = await make_call(self._driver, call)
        finally:
            if resources.closed and resources.is_idle:
                await self._release()
        if self._sink is not None:
            self._sink.accept(operation, reply)
            return cast("T", None)
        value, content = parse_success(operation, reply, result, resources.field_warnings)
        if not self._response_hooks:
            return value
        response = RawResponse(value, reply.status, dict(reply.headers), reply.body, content)
        del value, content  # a hook may raise, and these may hold a secret that was just granted
        for hook in self._response_hooks:
            hook(response)
        return response.value

    def _keep_trying(self) -> bool:
        return all(hook() for hook in self._retry_hooks)
