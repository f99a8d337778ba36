"""The network backend: whose exception is whose, and whose deadline."""

import errno
import os
from typing import Any

import httpcore
import httpx
import pytest

from krebit.http.deadline import Deadline, current_deadline
from krebit.http.network import DeadlineStream
from krebit.http.send import Reply, send


class Broken(httpcore.NetworkStream):
    """A stream whose reads raise, mapped as httpcore maps them."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        raise httpcore.ReadTimeout(str(self.cause)) from self.cause


def test_a_timeout_of_the_kernel_is_the_transports() -> None:
    kernels = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    with pytest.raises(httpcore.ReadTimeout):
        DeadlineStream(Broken(kernels)).read(1, 5.0)


def test_a_timeout_of_a_signal_handler_comes_out_as_it_is() -> None:
    with pytest.raises(TimeoutError, match="time limit"):
        DeadlineStream(Broken(TimeoutError("time limit"))).read(1, 5.0)


def test_a_call_inside_another_leaves_it_its_deadline() -> None:
    outer = Deadline(30)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/outer":
            inner = send(httpx.MockTransport(answer), httpx.Request("GET", "https://x.example/inner"), Deadline(1))
            assert isinstance(inner, Reply)
            assert current_deadline.get() is outer
        return httpx.Response(200)

    found: Any = send(httpx.MockTransport(answer), httpx.Request("GET", "https://x.example/outer"), outer)
    assert found.status == 200
    assert current_deadline.get() is None
