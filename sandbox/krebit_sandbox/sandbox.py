"""The sandbox as an object: a tenant, served by uvicorn in a thread with its own loop."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

import uvicorn

from krebit_sandbox.app import make_app
from krebit_sandbox.certificates import CA_FILE, prepare_folder, server_context
from krebit_sandbox.clock import Clock
from krebit_sandbox.connection import Connection
from krebit_sandbox.deliveries import Delivery
from krebit_sandbox.faults import Fault
from krebit_sandbox.grants import Application, ChallengeMethod, Tokens
from krebit_sandbox.likeness import Likeness
from krebit_sandbox.request_log import Request
from krebit_sandbox.server import Server, listen
from krebit_sandbox.site import Site
from krebit_sandbox.switches import Switches
from krebit_sandbox.tenant import REDIRECT_URIS, Tenant

_PATIENCE: Final = 30.0
CA_VARIABLES: Final = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
T = TypeVar("T")


class Sandbox:
    """A stateful local Krebit tenant, on loopback, with made-up data.

    Use it as a context manager, or call `start()` and `stop()`. All methods may be called from any thread but the
    server's own. `switches` are those that `reset()` returns to.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        tls: bool = True,
        port: int = 0,
        switches: Switches | None = None,
        state_dir: str | Path | None = None,
        redirect_uris: Sequence[str] = REDIRECT_URIS,
        like: str | Path | Likeness | None = None,
    ) -> None:
        """Take `like`, a report of `krebit doctor` or its file, to answer in the shapes of that tenant.

        `switches` takes precedence over it. Raises ValueError for a file that is no report.
        """
        likeness = Likeness.read(Path(like)) if isinstance(like, str | Path) else like
        if switches is None and likeness is not None:
            switches = Switches(**likeness.switches)
        self.seed = seed
        self._tenant = Tenant(seed, switches or Switches(), redirect_uris)
        self._tls = tls
        self._wanted_port = port
        self._state_dir = Path(state_dir).absolute() if state_dir is not None else None
        self._folder: Path | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._owner = 0
        self._site = Site(self._tenant, likeness)

    def __repr__(self) -> str:
        return f"<Sandbox {self.url if self._thread else 'stopped'}>"

    def start(self) -> Self:
        """Serve; return once requests are answered. OSError if the port is taken or the state folder is not private."""
        if self._thread is not None:
            raise RuntimeError("the sandbox is already running")
        sockets = listen(self._wanted_port)
        try:
            self._port = sockets[0].getsockname()[1]
            config = uvicorn.Config(
                make_app(self._site),
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
                timeout_keep_alive=75,
                backlog=2048,
            )
            config.load()
            if self._tls:
                config.ssl = server_context(self._make_folder())
            self._server = Server(config, self._site.open_requests.abort)
        except BaseException:
            for listener in sockets:
                listener.close()
            raise
        self._site.address = {"KREBIT_DOMAIN": self.domain, "KREBIT_API": f"{self.url}/api/1.0"}
        if self.ca_file is not None:
            self._site.address.update(dict.fromkeys(CA_VARIABLES, self.ca_file))
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), name="krebit-sandbox", daemon=True)
        self._thread.start()
        self._owner = os.getpid()
        if not self._server.ready.wait(_PATIENCE) or self._server.loop is None:
            raise RuntimeError("the sandbox did not start")
        return self

    def stop(self) -> None:
        """End all connections and the server; do nothing if it does not run, or runs in the parent of this process."""
        if self._thread is None or self._server is None:
            return
        if self._owner != os.getpid():
            self._thread = self._server = None
            return
        self._server.should_exit = True
        self._thread.join(_PATIENCE)
        self._thread = self._server = None
        if self._folder is not None and self._state_dir is None:
            shutil.rmtree(self._folder)
        self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether requests are answered."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def domain(self) -> str:
        """Host and port: the value of `KREBIT_DOMAIN`."""
        return f"localhost:{self._port}"

    @property
    def url(self) -> str:
        """The server's address."""
        return f"{'https' if self._tls else 'http'}://{self.domain}"

    @property
    def ca_file(self) -> str | None:
        """The certificate of the sandbox's authority as a PEM file; None without TLS."""
        return str(self._folder / CA_FILE) if self._tls and self._folder else None

    @property
    def environment(self) -> dict[str, str]:
        """The quickstart's variables, and the authority's file under the name that each tool reads.

        The code and the refresh token work once each.
        """
        return self._site.environment()

    @property
    def clock(self) -> Clock:
        """The clock by which tokens, codes and rate limits expire."""
        return self._tenant.clock

    @property
    def switches(self) -> Switches:
        """The switches as they are now."""
        return self._tenant.switches

    def switch(self, **changes: Any) -> None:
        """Change switches while running; TypeError for an unknown name, ValueError for an impossible value."""
        self._tenant.switch(**changes)

    def fault(self, fault: Fault | None = None, **fields: Any) -> None:
        """Set a fault, as an object or by its fields; TypeError for an unknown field, ValueError for a wrong value."""
        self._tenant.faults.add(fault if fault is not None else Fault.of(fields))

    @property
    def faults(self) -> list[Fault]:
        """The faults that can still occur."""
        return self._tenant.faults.pending()

    def clear_faults(self) -> None:
        """Remove the faults that can still occur."""
        self._tenant.faults.clear()

    def release(self) -> None:
        """Let the requests continue that a fault of the kind `hold` has stopped."""
        self._in_loop(self._site.open_requests.release)

    def wait_for_held(self, count: int = 1, timeout: float = 60.0) -> None:
        """Block until that many requests are held; TimeoutError after `timeout` seconds."""
        self._site.open_requests.wait_for_held(count, timeout)

    def reset(self) -> None:
        """Make everything new: tokens, code, switches, faults and log. Open requests are cut off."""
        if self._thread is not None:
            self._in_loop(self._site.reset)
        else:
            self._tenant.reset()

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order of arrival."""
        return self._tenant.log.records()

    @property
    def application(self) -> Application:
        """The application of `environment`."""
        return self._tenant.application

    def register(self, name: str = "Another", redirect_uris: Sequence[str] = REDIRECT_URIS) -> Application:
        """Register one more application."""
        return self._tenant.grants.register(name, redirect_uris)

    def issue_code(
        self,
        client: Application | None = None,
        redirect_uri: str | None = None,
        challenge: str | None = None,
        method: ChallengeMethod = "S256",
    ) -> str:
        """Return an authorization code, as if a person had just allowed it."""
        application = client or self.application
        uri = redirect_uri if redirect_uri is not None else application.redirect_uris[0]
        return self._tenant.grants.issue_code(application.client_id, uri, challenge, method)

    def issue_tokens(self, client: Application | None = None) -> Tokens:
        """Return the tokens of a new login."""
        return self._tenant.grants.issue_tokens((client or self.application).client_id, self.switches)

    def expire_access_tokens(self) -> None:
        """Let every access token expire now."""
        self._tenant.grants.expire_access_tokens()

    def revoke_refresh_token(self, token: str) -> None:
        """End the login that the token belongs to, also if a refresh has replaced it; KeyError if never issued."""
        self._tenant.grants.revoke_refresh_token(token)

    def token_state(self, refresh_token: str) -> Literal["live", "revoked", "unknown"]:
        """Return the state of a refresh token; one that has expired is "revoked" too."""
        return self._tenant.grants.state(refresh_token)

    def create_act(self, client_id: int) -> dict[str, Any]:
        """Return a new act, as the API shows it, and deliver it to its webhooks; KeyError for an unknown client."""
        return self._in_loop(lambda: self._site.create_act(client_id))

    def publish(self, event: str, data: dict[str, Any]) -> list[Delivery]:
        """Deliver any event, with any data, to its webhooks."""
        return self._in_loop(lambda: self._site.deliveries.publish(event, data))

    @property
    def deliveries(self) -> list[Delivery]:
        """The log of webhook deliveries, the oldest first."""
        return self._site.deliveries.log()

    def wait_for_deliveries(self, timeout: float = 60.0) -> list[Delivery]:
        """Return the log once no delivery is under way; TimeoutError after `timeout` seconds."""
        self._site.deliveries.wait(timeout)
        return self.deliveries

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send a delivery again, the same bytes; KeyError for an unknown id."""
        return self._in_loop(lambda: self._site.deliveries.redeliver(delivery_id))

    def _make_folder(self) -> Path:
        if self._state_dir is not None:
            prepare_folder(self._state_dir)
            self._folder = self._state_dir
        else:
            # No finalizer: in a forked child it would remove the parent's folder.
            self._folder = Path(tempfile.mkdtemp(prefix="krebit-sandbox-"))
        return self._folder

    def _in_loop(self, function: Callable[[], T]) -> T:
        if self._server is None or self._server.loop is None:
            raise RuntimeError("the sandbox is not running")

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._server.loop).result(_PATIENCE)
