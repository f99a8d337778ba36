"""Anything that can happen, in any order: the store parses, and its refresh token lives or the login says otherwise."""

import json
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krebit import FileTokenStore
from krebit._deadline import Deadline
from krebit._secret import Secret
from krebit.config import settings as settings_of
from krebit.errors import KrebitError, LoginRequired, StoreError
from krebit.oauth.exchange import Grant
from krebit.oauth.manager import TokenManager
from krebit.oauth.record import Login
from krebit.stores import Lease
from tests.oauth.support import LONG

CODE = "a-code"


class Crash(BaseException):
    """The process is gone."""


class Server(httpx.BaseTransport):
    """A token endpoint that rotates and ends the session when a token is used twice."""

    def __init__(self) -> None:
        self.live: set[str] = set()
        self.next = "ok"
        self.reused = 0
        self.spent: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fields = json.loads(request.read())
        mode, self.next = self.next, "ok"
        if mode == "busy":
            return httpx.Response(503, headers={"Retry-After": "0"})
        if mode == "lost before":
            raise httpx.ReadError("reset")
        token = fields.get("refresh_token")
        if token is not None and token not in self.live:
            self.reused += token in self.spent
            self.live.clear()
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.spent |= self.live
        new = secrets.token_hex(8)
        self.live = {new}
        if mode == "lost after":
            raise httpx.ReadError("reset")
        return httpx.Response(200, json={"access_token": f"a-{new}", "refresh_token": new, "expires_in": 3600})


class Harness:
    """A store that crashes, or has no room, at a step that is chosen."""

    def __init__(self, store: FileTokenStore) -> None:
        self.store = store
        self.crash_at: str | None = None
        self.full_at: str | None = None

    def load(self, key: object) -> Login | None:
        return self.store.load(key)  # type: ignore[arg-type]

    def lease(self, key: object, *, patience: float) -> "HarnessLease":
        return HarnessLease(self, self.store.lease(key, patience=patience))  # type: ignore[arg-type]

    def step(self, name: str) -> None:
        if self.crash_at == name:
            raise Crash
        if self.full_at == name:
            raise StoreError("no room")


class HarnessLease:
    fence = 0

    def __init__(self, harness: Harness, inner: object) -> None:
        self.harness, self.inner = harness, inner
        self.lease: Lease

    def __enter__(self) -> "HarnessLease":
        self.lease = self.inner.__enter__()  # type: ignore[attr-defined]
        return self

    def __exit__(self, *exc: object) -> None:
        self.inner.__exit__(*exc)  # type: ignore[attr-defined]

    def load(self) -> Login | None:
        self.harness.step("load")
        return self.lease.load()

    def prepare(self) -> None:
        self.harness.step("prepare")
        self.lease.prepare()

    def save(self, login: Login) -> None:
        self.harness.step("save")
        self.lease.save(login)
        self.harness.step("saved")


class Processes(RuleBasedStateMachine):
    """Two processes on one store. A crash takes one; another is started in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="krebit-machine-"))
        self.server = Server()
        self.store = FileTokenStore(self.folder / "logins")
        self.wall, self.steady = time.time(), 1000.0
        fake = SimpleNamespace(time=lambda: self.wall, monotonic=lambda: self.steady, sleep=lambda seconds: None)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("krebit.oauth.manager.time", fake)
        self.settings = settings_of("a.example", "client", "secret")
        self.harnesses = [Harness(self.store), Harness(self.store)]
        self.managers = [self.start(0), self.start(1)]
        # Why the stored token may be dead: what no client can prevent.
        self.excuse: str | None = None
        self.reused = 0

    def start(self, who: int) -> TokenManager:
        return TokenManager(self.settings, self.harnesses[who], lambda: self.server, user_agent="test")

    def run(self, who: int, work: str) -> None:
        manager, harness = self.managers[who], self.harnesses[who]
        before = set(self.server.live)
        try:
            if work == "refresh":
                manager.get(manager.cached(), Deadline(20))
            elif work == "sign in":
                manager.complete(manager.sign_in(Grant("authorization_code", Secret(CODE))))
            else:
                manager.complete(manager.sign_out())
        except KrebitError:
            pass
        crashed, full = harness.crash_at, harness.full_at
        harness.crash_at = harness.full_at = None
        stored = self.stored()
        rotated = self.server.live != before
        if (
            rotated
            and stored is not None
            and stored.refresh_token
            and stored.refresh_token.reveal() in self.server.live
        ):
            self.excuse = None
        elif rotated and (crashed or full or self.server.next != "ok"):
            self.excuse = f"{work}: crash {crashed}, full {full}"
        if crashed:
            if manager._unsaved is not None:
                self.excuse = "crashed with a pair that could not be stored"
            self.managers[who] = self.start(who)

    def stored(self) -> Login | None:
        return self.store.load(self.managers[0].key)

    @initialize()
    def first_login(self) -> None:
        self.run(0, "sign in")

    who = st.integers(0, 1)

    @rule(who=who, work=st.sampled_from(["refresh", "refresh", "refresh", "sign in", "sign out"]))
    def goes_well(self, who: int, work: str) -> None:
        self.run(who, work)

    @rule(
        who=who,
        work=st.sampled_from(["refresh", "sign in", "sign out"]),
        step=st.sampled_from(["load", "prepare", "save", "saved"]),
    )
    def crashes(self, who: int, work: str, step: str) -> None:
        self.harnesses[who].crash_at = step
        self.run(who, work)

    @rule(who=who, work=st.sampled_from(["refresh", "sign in", "sign out"]), step=st.sampled_from(["prepare", "save"]))
    def disk_is_full(self, who: int, work: str, step: str) -> None:
        self.harnesses[who].full_at = step
        self.run(who, work)

    @rule(who=who, trouble=st.sampled_from(["busy", "lost before", "lost after"]))
    def network_trouble(self, who: int, trouble: str) -> None:
        self.server.next = trouble
        had = self.stored()
        self.run(who, "refresh")
        if trouble == "lost after" and self.server.next == "ok" and had is not None:
            self.excuse = "an answer was lost"
        self.server.next = "ok"

    @rule(seconds=st.sampled_from([-86_400.0, -60.0, 60.0, 3600.0, 86_400.0]))
    def wall_clock_jumps(self, seconds: float) -> None:
        self.wall += seconds

    @rule(seconds=st.sampled_from([1.0, 10.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    @invariant()
    def the_stored_token_lives_or_the_login_says_otherwise(self) -> None:
        stored = self.stored()  # it parses, or this raises
        if stored is None or stored.refresh_token is None or stored.refresh_token.reveal() in self.server.live:
            return
        assert self.excuse is not None, "a login was lost for no reason"
        alone = self.start(0)
        if not any(manager._unsaved for manager in self.managers):
            with pytest.raises(LoginRequired):
                alone.get(stored.access_token, Deadline(20))

    @invariant()
    def there_are_no_temporary_files(self) -> None:
        assert not list(self.folder.rglob("*.tmp"))

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(
    max_examples=2000 if LONG else 60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
