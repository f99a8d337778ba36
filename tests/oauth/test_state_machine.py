"""Anything that can happen, in any order: the store parses, and its refresh token lives or the login says otherwise."""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krebit import FileTokenStore
from krebit.config import UncheckedSettings, check_settings
from krebit.errors import KrebitError, LoginRequired, StoreBusy, StoreError
from krebit.http.deadline import Deadline
from krebit.oauth.grants import Grant
from krebit.oauth.session import TokenSession
from krebit.oauth.unsaved import UnsavedLogin, UnsavedLoginSlot
from krebit.redaction import Secret
from krebit.stores import Lease
from krebit.stores.record import Login
from tests.clocks import Clocks
from tests.oauth.support import LONG

CODE = "a-code"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if LONG else 300)]


class Crash(BaseException):
    """The process is gone."""


class Server(httpx.BaseTransport):
    """A token endpoint that rotates; with `revokes` it ends the session when a token is used twice."""

    def __init__(self) -> None:
        self.revokes = True
        self.live: set[str] = set()
        self.next = "ok"
        self.requests = 0
        # What another process does while a request is on its way.
        self.meanwhile: Callable[[], object] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        fields = json.loads(request.read())
        mode, self.next = self.next, "ok"
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if mode == "busy":
            return httpx.Response(503, headers={"Retry-After": "0"})
        if mode == "lost before":
            raise httpx.ReadError("reset")
        token = fields.get("refresh_token")
        if token is not None and token not in self.live:
            if self.revokes:
                self.live.clear()
            return httpx.Response(400, json={"error": "invalid_grant"})
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
        self.folder = Path(tempfile.mkdtemp(prefix="krebit-processes-"))
        self.server = Server()
        self.store = FileTokenStore(self.folder / "logins")
        self.patch = pytest.MonkeyPatch()
        self.clocks = Clocks(self.patch)
        self.settings = check_settings(UncheckedSettings("a.example", "client", Secret("secret")), plain_http=False)
        self.harnesses = [Harness(self.store), Harness(self.store)]
        self.sessions = [self.start(0), self.start(1)]
        # Why the stored token may be dead: what no client can prevent.
        self.excuse: str | None = None
        # Whether somebody is signed in; None where an error or a crash leaves it open.
        self.signed_in: bool | None = False

    def start(self, who: int) -> TokenSession:
        return TokenSession(
            self.settings, self.harnesses[who], lambda: self.server, user_agent="test", lock_patience=0.0
        )

    def unsaved(self, who: int) -> UnsavedLogin | None:
        """Return the login of a process that could not be stored."""
        return UnsavedLoginSlot(self.harnesses[who], self.sessions[who].key).get()

    def work(self, who: int, work: str, rejected: Secret | None = None) -> KrebitError | None:
        """Refresh, sign in or sign out. A refresh is for a token that is `rejected`: by default the one in use."""
        session = self.sessions[who]
        try:
            if work == "refresh":
                cached = session.cached()
                in_use = cached.value if cached else self.access_token()
                session.refresh(rejected or in_use).result(Deadline(20))
            elif work == "sign in":
                session.sign_in(Grant("authorization_code", Secret(CODE))).result()
            else:
                session.sign_out().result()
        except KrebitError as error:
            return error
        return None

    def run(self, who: int, work: str) -> KrebitError | None:
        harness = self.harnesses[who]
        before = set(self.server.live)
        error = self.work(who, work)
        crashed, full = harness.crash_at, harness.full_at
        if work != "refresh":
            self.signed_in = work == "sign in" if error is None and not (crashed or full) else None
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
            if self.unsaved(who) is not None:
                self.excuse = "crashed with a pair that could not be stored"
            self.harnesses[who] = Harness(self.store)  # another process has its own memory
            self.sessions[who] = self.start(who)
        return error

    def stored(self) -> Login | None:
        return self.store.load(self.sessions[0].key)

    def stored_token(self) -> str | None:
        stored = self.stored()
        return stored.refresh_token.reveal() if stored is not None and stored.refresh_token is not None else None

    def access_token(self) -> Secret | None:
        stored = self.stored()
        return stored.access_token if stored is not None else None

    @initialize(revokes=st.booleans())
    def first_login(self, revokes: bool) -> None:
        self.server.revokes = revokes
        assert self.run(0, "sign in") is None

    who = st.integers(0, 1)

    @rule(who=who, work=st.sampled_from(["refresh", "refresh", "refresh", "sign in", "sign out"]))
    def goes_well(self, who: int, work: str) -> None:
        """Without trouble a token that lives brings one that lives: the stored one, or one that could not be stored."""
        unsaved = self.unsaved(who)
        token = unsaved.login.refresh_token if unsaved is not None and self.stored_token() else None
        lives = work == "sign in" or {token and token.reveal(), self.stored_token()} & self.server.live
        error = self.run(who, work)
        if work == "sign out":
            assert error is None
        elif lives:
            assert error is None
            assert self.stored_token() in self.server.live

    @rule(
        who=who,
        work=st.sampled_from(["refresh", "sign in", "sign out"]),
        step=st.sampled_from(["load", "prepare", "save", "saved"]),
    )
    def crashes(self, who: int, work: str, step: str) -> None:
        self.harnesses[who].crash_at = step
        self.run(who, work)

    @rule(
        who=who,
        work=st.sampled_from(["refresh", "sign in", "sign out"]),
        step=st.sampled_from(["prepare", "save", "save"]),
    )
    def disk_is_full(self, who: int, work: str, step: str) -> None:
        """It is found before anything is sent; else the new pair is used from memory."""
        if work == "sign in" and self.unsaved(1 - who) is not None:
            # Of two sign-ins that could not be stored the one that finds room first counts; this server, harsher than
            # most, has ended it with the other.
            return
        self.harnesses[who].full_at = step
        requests = self.server.requests
        error = self.run(who, work)
        if step == "prepare":
            assert self.server.requests == requests
        elif work == "sign in":
            assert error is None

    @rule(who=who, trouble=st.sampled_from(["busy", "lost before", "lost after"]))
    def network_trouble(self, who: int, trouble: str) -> None:
        self.server.next = trouble
        had = self.stored()
        self.run(who, "refresh")
        if trouble == "lost after" and self.server.next == "ok" and had is not None:
            self.excuse = "an answer was lost"
        self.server.next = "ok"

    @rule(
        who=who,
        first=st.sampled_from(["refresh", "sign in"]),
        second=st.sampled_from(["refresh", "sign in", "sign out"]),
    )
    def both_at_once(self, who: int, first: str, second: str) -> None:
        """While a request is on its way, the other process is kept out: it sends nothing and changes nothing."""
        seen: list[tuple[KrebitError | None, int]] = []

        def meanwhile() -> None:
            requests = self.server.requests
            error = self.work(1 - who, second, rejected=self.access_token())
            seen.append((error, self.server.requests - requests))

        self.server.meanwhile = meanwhile
        self.run(who, first)
        self.server.meanwhile = None
        for error, requests in seen:
            assert requests == 0
            assert isinstance(error, StoreBusy) or second == "refresh"
            # A token that is good needs no lock, and a login that is known to be dead gets none.
            assert error is None or isinstance(error, StoreBusy | LoginRequired)

    @rule(seconds=st.sampled_from([-86_400.0, -60.0, 60.0, 3600.0, 86_400.0]))
    def wall_clock_jumps(self, seconds: float) -> None:
        self.clocks.jump(seconds)

    @rule(seconds=st.sampled_from([1.0, 10.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clocks.pass_by(seconds)

    @invariant()
    def the_stored_token_lives_or_the_login_says_otherwise(self) -> None:
        token = self.stored_token()  # the store parses, or this raises
        if self.unsaved(0) or self.unsaved(1):
            self.signed_in = None  # what could not be stored may be stored yet
        elif self.signed_in is None:
            self.signed_in = token is not None
        else:
            assert self.signed_in == (token is not None), "a login was wiped, or came back"
        if token is None:
            return
        if token in self.server.live:
            self.excuse = None  # the next loss needs one of its own
            return
        assert self.excuse is not None, "a login was lost for no reason"
        if not (self.unsaved(0) or self.unsaved(1)):
            alone = self.start(0)
            for requests in (1, 0):
                before = self.server.requests
                with pytest.raises(LoginRequired):
                    alone.refresh(self.access_token()).result(Deadline(20))
                assert self.server.requests - before <= requests, "a token that is known to be dead was sent again"

    @invariant()
    def there_are_no_temporary_files(self) -> None:
        assert not list(self.folder.rglob("*.tmp"))

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(
    max_examples=1000 if LONG else 120,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
