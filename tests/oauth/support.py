"""What the login's tests share: a site to sign in at, clients of it, and programs that run beside the tests."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from krebit import AsyncKrebit, FileTokenStore, Krebit
from krebit.redaction import Secret
from krebit.stores import TokenStore
from krebit.stores.record import Login, LoginKey, TokenPair
from krebit_sandbox import Sandbox
from krebit_sandbox.request_log import Request

T = TypeVar("T")
LONG = os.environ.get("KREBIT_TESTS_LONG") == "1"
TOKEN = "/api/oauth/token"
ROOT = Path(__file__).resolve().parent.parent.parent
CALLBACK = "http://127.0.0.1:8765/callback"


@dataclass
class Site:
    """A sandbox, a store, and the application's settings."""

    sandbox: Sandbox
    store: TokenStore

    @property
    def settings(self) -> dict[str, Any]:
        """The application, without a grant from the environment."""
        application = self.sandbox.application
        return {
            "domain": self.sandbox.domain,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "redirect_uri": application.redirect_uris[0],
            "plain_http": True,
        }

    def client(self, **options: Any) -> Krebit:
        """A client on the store."""
        given: dict[str, Any] = {**self.settings, "store": self.store, "retries": 0, **options}
        return Krebit(**given)

    def call_anew(self, **options: Any) -> None:
        """Call with a client that has no token at hand, and so asks the store. It also stores what could not be."""
        with self.client(**options) as api:
            api.get_current_user()

    def async_client(self, **options: Any) -> AsyncKrebit:
        """A client for asyncio on the store."""
        given: dict[str, Any] = {**self.settings, "store": self.store, "retries": 0, **options}
        return AsyncKrebit(**given)

    def key(self, profile: str = "default") -> LoginKey:
        """Whose login it is."""
        return LoginKey(self.sandbox.domain, self.sandbox.application.client_id, profile)

    def login(self, *, expired: bool = True, profile: str = "default") -> Login:
        """Put a login into the store, its access token at its end or not; it is returned."""
        tokens = self.sandbox.issue_tokens()
        return self.put(tokens.access_token, tokens.refresh_token, expired=expired, profile=profile)

    def put(self, access_token: str, refresh_token: str | None, *, expired: bool, profile: str = "default") -> Login:
        """Put these tokens into the store."""
        with self.store.lease(self.key(profile), patience=10) as lease:
            refresh = Secret(refresh_token) if refresh_token is not None else None
            pair = TokenPair(Secret(access_token), refresh, 1.0 if expired else 3600.0)
            login = (lease.load() or Login.empty()).with_pair(pair, time.time() - (3600 if expired else 0))
            lease.save(login)
            return login

    def stored(self, profile: str = "default") -> Login:
        """What the store holds."""
        login = self.store.load(self.key(profile))
        assert login is not None
        return login

    def refresh_token(self, profile: str = "default") -> str:
        """The refresh token that is stored."""
        token = self.stored(profile).refresh_token
        assert token is not None
        return token.reveal()

    def file(self) -> Path:
        """Where the login is kept."""
        assert isinstance(self.store, FileTokenStore)
        return self.store.path(self.key())

    def state(self, profile: str = "default") -> str:
        """Of the stored refresh token, at the server."""
        return self.sandbox.token_state(self.refresh_token(profile))

    def token_requests(self) -> list[Request]:
        """What was sent to the token endpoint."""
        return [request for request in self.sandbox.requests if request.path == TOKEN]

    def hold(self, **more: Any) -> None:
        """Freeze the next token request until `sandbox.release()`."""
        self.sandbox.fault(kind="hold", path=TOKEN, **more)

    def program(self, mode: str, **more: Any) -> "Program":
        """Another process that works on the same store."""
        assert isinstance(self.store, FileTokenStore)
        return Program([mode], {"settings": self.settings, "folder": str(self.store.folder), **more})


class Program:
    """`tests.oauth.program` in a process of its own: told by its standard input, it answers a line of JSON each."""

    def __init__(self, arguments: Sequence[str], given: dict[str, Any], **options: Any) -> None:
        command = options.pop("command", [sys.executable, "-m", "tests.oauth.program"])
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        self.tell(given)

    def tell(self, what: Any) -> None:
        """Write a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """Read a line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the program ended with {self.process.wait(10)}"
        return json.loads(line)

    def end(self) -> int:
        """Wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(60)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None and exc[0] is not None:
            self.process.kill()
        self.end()


class Background(threading.Thread):
    """A call in a thread: `finish` returns what it returned, or raises what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._value: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by finish()
            self._error = error

    def finish(self) -> Any:
        self.join(60)
        assert not self.is_alive(), "the call hangs"
        if self._error is not None:
            raise self._error
        return self._value


def query(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
