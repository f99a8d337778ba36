"""Every case under every framework, over real sockets."""

import gzip
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from krebit.webhooks import MemoryInbox, Receiver, SqliteInbox, WebhookEvent
from tests.webhooks.cases import CASES, OLD_SECRET, SECRET, SECRETS, Case, act_created, signed
from tests.webhooks.client import open_request, read_answer, send
from tests.webhooks.servers import FRAMEWORKS, serving

LIMIT = 1024 * 1024


@dataclass
class Service:
    """A running receiver, and what its handler saw."""

    inbox: SqliteInbox
    port: int = 0
    events: list[WebhookEvent] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    may_handle: threading.Event = field(default_factory=threading.Event)

    def handle(self, event: WebhookEvent) -> None:
        self.may_handle.wait(30)
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def handled(self, body: bytes) -> int:
        return sum(event.body == body for event in self.events)

    def wait_for(self, body: bytes) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.handled(body) > 0, timeout=30)


@pytest.fixture(scope="module", params=FRAMEWORKS)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(SqliteInbox(Path(tmp_path_factory.mktemp("inbox")) / "inbox.db"))
    service.may_handle.set()
    with serving(request.param, Receiver(SECRETS, service.handle, inbox=service.inbox)) as service.port:
        yield service
    service.inbox.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case(service: Service, case: Case) -> None:
    status, text = send(service.port, case.body, case.headers)
    assert status == case.status
    assert len(text) < 100
    if status == 200:
        service.wait_for(case.body)
    assert service.handled(case.body) == (status == 200)


def test_a_delivery_sent_again_is_known_and_has_one_effect(service: Service) -> None:
    body = act_created("again")
    assert send(service.port, body, signed(body)) == (200, b"stored\n")
    service.wait_for(body)
    assert send(service.port, body, signed(body)) == (200, b"known\n")
    assert service.handled(body) == 1


def test_the_same_id_with_another_body_is_kept_and_not_handled(service: Service) -> None:
    first, second = act_created("conflict"), act_created("conflict", attempt=2)
    assert send(service.port, first, signed(first))[0] == 200
    assert send(service.port, second, signed(second)) == (200, b"kept\n")
    service.wait_for(first)
    assert service.handled(second) == 0
    assert second in [body for _, body in service.inbox.conflicts()]


def test_the_answer_comes_before_the_handler_runs(service: Service) -> None:
    body = act_created("patience")
    service.may_handle.clear()
    try:
        assert send(service.port, body, signed(body))[0] == 200
        assert service.handled(body) == 0
    finally:
        service.may_handle.set()
    service.wait_for(body)


def test_too_large_as_declared_is_refused_before_it_is_sent(service: Service) -> None:
    with open_request(service.port, [*signed(b"x"), (b"Content-Length", str(LIMIT + 1).encode())]) as connection:
        assert read_answer(connection)[0] == 413


def test_too_large_in_chunks_is_refused_when_it_is_too_much(service: Service) -> None:
    with open_request(service.port, [*signed(b"x"), (b"Transfer-Encoding", b"chunked")]) as connection:
        chunk = b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536)
        for _ in range(LIMIT // 65_536):
            connection.sendall(chunk)
        connection.sendall(b"1\r\nx\r\n")
        assert read_answer(connection)[0] == 413  # and the last chunk was never sent


def test_a_body_in_chunks_is_read_to_its_end(service: Service) -> None:
    body = act_created("chunks")
    with open_request(service.port, [*signed(body), (b"Transfer-Encoding", b"chunked")]) as connection:
        for piece in (body[:10], body[10:]):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection) == (200, b"stored\n")
    service.wait_for(body)


def test_the_largest_body_is_accepted(service: Service) -> None:
    body = act_created("large")
    body = act_created("large", padding="x" * (LIMIT - len(body) - len(',"padding":""')))
    assert len(body) == LIMIT
    assert send(service.port, body, signed(body))[0] == 200


def test_gzip_is_not_unpacked(service: Service) -> None:
    plain = act_created("gzip")
    packed = gzip.compress(plain)
    encoding = (b"Content-Encoding", b"gzip")
    assert send(service.port, packed, [*signed(plain), encoding])[0] == 401
    assert send(service.port, packed, [*signed(packed), encoding])[0] == 400


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_method_has_no_signature(service: Service, method: str) -> None:
    with open_request(service.port, [(b"Content-Length", b"0")], method=method) as connection:
        assert read_answer(connection)[0] == 401


def test_a_sender_that_hangs_up_in_mid_body_leaves_nothing(service: Service) -> None:
    body = act_created("hangs up")
    with open_request(service.port, [*signed(body), (b"Content-Length", str(len(body)).encode())]) as connection:
        connection.sendall(body[:20])
    assert send(service.port, body, signed(body)) == (200, b"stored\n")
    service.wait_for(body)


def test_the_same_delivery_many_times_at_once_has_one_effect(service: Service) -> None:
    body = act_created("at once")
    start = threading.Barrier(20)

    def deliver(_: int) -> tuple[int, bytes]:
        start.wait(30)
        return send(service.port, body, signed(body))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(deliver, range(20)))
    assert sorted(answers) == [(200, b"known\n")] * 19 + [(200, b"stored\n")]
    service.wait_for(body)
    assert service.handled(body) == 1


@pytest.mark.parametrize("chunked", [True, False])
def test_a_length_that_is_a_lie_or_a_text_in_pieces_is_no_other_answer(service: Service, chunked: bool) -> None:
    """What is beyond the announced length is not part of the body, and the signature does not fit."""
    body = act_created("a lie")
    length = (b"Transfer-Encoding", b"chunked") if chunked else (b"Content-Length", str(len(body) - 1).encode())
    with open_request(service.port, [*signed(body), length]) as connection:
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 1, body[:-1]) if chunked else body)
        assert read_answer(connection)[0] == 401
    assert service.handled(body) == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_secret_works_as_given_and_the_old_one_no_longer_afterwards(framework: str) -> None:
    for secret in ("line\n", "l\u00f6senord \U0001f511", b"\x00\xff"):
        with serving(framework, Receiver(secret, lambda event: None, inbox=MemoryInbox())) as port:
            body = act_created()
            assert send(port, body, signed(body, secret)) == (200, b"stored\n")
            assert send(port, body, signed(body, OLD_SECRET))[0] == 401
            assert send(port, body, signed(body, "line"))[0] == 401


class Noting(MemoryInbox):
    """Tells when a delivery was handled, or let go of."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = threading.Semaphore(0)

    def failed(self, key: str) -> None:
        super().failed(key)
        self.noted.release()

    def done(self, key: str) -> None:
        super().done(key)
        self.noted.release()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_handler_that_raises_is_no_other_answer_and_is_called_again(framework: str) -> None:
    attempts: list[WebhookEvent] = []
    inbox = Noting()

    def handle(event: WebhookEvent) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise ValueError(event.payload)

    with serving(framework, Receiver(SECRET, handle, inbox=inbox)) as port:
        body = act_created()
        for answer in (b"stored\n", b"known\n"):
            assert send(port, body, signed(body)) == (200, answer)
            assert inbox.noted.acquire(timeout=30)
        assert send(port, body, signed(body)) == (200, b"known\n")
    assert len(attempts) == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_too_large_takes_no_more_memory_than_twice_the_cap(framework: str) -> None:
    limit = 8 * 1024 * 1024
    chunk = b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536)
    with serving(framework, Receiver(SECRET, lambda event: None, inbox=MemoryInbox(), max_body=limit)) as port:
        send(port, b"{}", signed(b"{}"))  # whatever is loaded at first
        peaks = []
        for _ in range(3):  # the least counts: what other threads of the suite leave behind is measured too
            with open_request(port, [*signed(b"x"), (b"Transfer-Encoding", b"chunked")]) as connection:
                tracemalloc.start()
                try:
                    for _ in range(limit // 65_536 + 1):
                        connection.sendall(chunk)
                    assert read_answer(connection)[0] == 413
                    peaks.append(tracemalloc.get_traced_memory()[1])
                finally:
                    tracemalloc.stop()
    assert limit <= max(peaks)
    assert min(peaks) <= 2 * limit
