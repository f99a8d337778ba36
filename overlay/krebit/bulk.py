"""Call one operation for many arguments: results in order, rate limits waited for, an outcome for each argument."""

import operator
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing, closing
from typing import Any, Generic, NamedTuple, TypeVar, cast, overload

from krebit.bound_operation import client_of, on_view
from krebit.client import AsyncKrebit, Krebit
from krebit.errors import ClientClosed, ConfigurationError, KrebitError, LoginRequired, RateLimited
from krebit.pagination.ahead import TaskCalls, ThreadedCalls
from krebit.pagination.schedule import Schedule
from krebit.pagination.sequence import Progress
from krebit.raw_response import RawResponse

A = TypeVar("A")
T = TypeVar("T")
# Errors that a person must repair: most would occur in every further call.
_HOPELESS = (ClientClosed, ConfigurationError, LoginRequired)


class Outcome(Generic[A, T]):
    """The outcome of one call.

    `argument` is the argument of the call. `ok` is True after a success: `value` is then the operation's result, and
    `error` is None. After a failure `error` is the error, and `value` raises it.
    """

    __slots__ = ("_value", "argument", "error")

    def __init__(self, argument: A, value: T | None = None, error: KrebitError | None = None) -> None:
        self.argument = argument
        self.error = error
        self._value = value

    def __repr__(self) -> str:
        return f"<Outcome {'ok' if self.ok else type(self.error).__name__}>"

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return self.error is None

    @property
    def value(self) -> T:
        """The operation's result. Raises the error of the call, if there is one."""
        if self.error is not None:
            raise self.error
        return cast("T", self._value)


@overload
def each(  # type: ignore[overload-overlap]  # an awaitable is a T too
    operation: Callable[..., Awaitable[T]],
    arguments: Iterable[A] | AsyncIterable[A],
    *,
    concurrency: int = 16,
    stop_on: tuple[type[KrebitError], ...] = _HOPELESS,
    progress: Progress | None = None,
) -> AsyncGenerator[Outcome[A, T], None]: ...
@overload
def each(
    operation: Callable[..., T],
    arguments: Iterable[A],
    *,
    concurrency: int = 16,
    stop_on: tuple[type[KrebitError], ...] = _HOPELESS,
    progress: Progress | None = None,
) -> Generator[Outcome[A, T], None, None]: ...
def each(
    operation: Callable[..., Any],
    arguments: Any,
    *,
    concurrency: int = 16,
    stop_on: tuple[type[KrebitError], ...] = _HOPELESS,
    progress: Progress | None = None,
) -> Any:
    """Call an operation for each of many arguments: `for found in each(api.get_latest_act, ids)`, or `async for`.

    Yields an `Outcome` for each argument, in the order of the arguments. A tuple holds several positional arguments, a
    mapping holds keywords. Arguments are read as they are needed: they may come from `paginate`, or have no end. An
    AsyncKrebit takes an async iterable too.

    - `concurrency`: the most calls under way at the same time, 1 to 64.
    - `stop_on`: errors that end the iteration and are raised. Default: LoginRequired, ConfigurationError (also for a
      wrong argument) and ClientClosed.
    - `progress`: called after each outcome with the number of outcomes and of arguments, or None if unknown.

    A rate limit pauses all calls once. No more calls are under way at the same time than the server's
    `X-RateLimit-Remaining` allows, but always at least one. After you leave the loop, no further call is made.

    Raises RateLimited after ten waits for one call, or before a wait of more than 300 seconds, and
    ConfigurationError.
    """
    if type(concurrency) is not int or concurrency not in range(1, 65):
        raise ConfigurationError("concurrency: must be a whole number from 1 to 64")
    options = _Options(concurrency, stop_on, progress)
    owner = getattr(operation, "__self__", None)
    if isinstance(owner, AsyncKrebit):
        return _AsyncCalls(operation, owner, arguments, options).outcomes()
    return _Calls(operation, client_of(operation, Krebit), arguments, options).outcomes()


class _Options(NamedTuple):
    concurrency: int
    stop_on: tuple[type[KrebitError], ...]
    progress: Progress | None


class _BaseCalls(Generic[A, T]):
    """The part that both kinds of calls share: the choice of arguments to draw, and the end of each call."""

    def __init__(self, arguments: object, options: _Options) -> None:
        self._total = _length(arguments)
        self._options = options
        self._schedule = Schedule(options.concurrency)
        self._drawn: dict[int, A] = {}
        self._last: int | None = None

    def _numbers_to_draw(self, number: int) -> Iterator[int]:
        """Yield the numbers of arguments that the schedule asks for, until `_last` is known."""
        for due in self._schedule.numbers(number, self._last):
            if due not in self._drawn and self._last is None:
                yield due

    def _has(self, number: int) -> bool:
        return self._last is None or number <= self._last

    def _pass_on(self, number: int, outcome: Outcome[A, T]) -> None:
        """Forget the argument, raise an error of `stop_on`, and report the progress."""
        del self._drawn[number]
        if isinstance(outcome.error, self._options.stop_on):
            raise outcome.error
        if self._options.progress is not None:
            self._options.progress(number + 1, self._total)

    def _note(self, response: RawResponse[Any]) -> None:
        self._schedule.note_headers(response.headers)


class _Calls(_BaseCalls[A, T]):
    """The calls of one `each` with a blocking client."""

    def __init__(self, operation: Callable[..., T], client: Krebit, arguments: Iterable[A], options: _Options) -> None:
        super().__init__(arguments, options)
        self._operation = operation
        self._left = threading.Event()
        self._client = client.with_options(wait_for_limits=False).with_hooks(
            on_response=self._note, keep_trying=lambda: not self._left.is_set()
        )
        self._arguments = iter(arguments)

    def outcomes(self) -> Generator[Outcome[A, T], None, None]:
        calls = ThreadedCalls(self._schedule, self._call)
        with closing(calls):
            try:
                number = 0
                while self._draw(number):
                    outcome = calls.get(number, max(self._drawn))
                    self._pass_on(number, outcome)
                    number += 1
                    yield outcome
            finally:
                self._left.set()

    def _draw(self, number: int) -> bool:
        """Draw the arguments that the schedule asks for. Return whether there is one with this number."""
        for due in self._numbers_to_draw(number):
            try:
                self._drawn[due] = next(self._arguments)
            except StopIteration:
                self._last = due - 1
        return self._has(number)

    def _call(self, number: int) -> Outcome[A, T]:
        argument = self._drawn[number]
        args, kwargs = _split(argument)
        try:
            return Outcome(argument, on_view(self._operation, self._client)(*args, **kwargs))
        except RateLimited:
            raise
        except KrebitError as error:
            return Outcome(argument, error=error.with_traceback(None))  # frames would hold much more


class _AsyncCalls(_BaseCalls[A, T]):
    """The calls of one `each` with an asynchronous client."""

    def __init__(
        self,
        operation: Callable[..., Awaitable[T]],
        client: AsyncKrebit,
        arguments: Iterable[A] | AsyncIterable[A],
        options: _Options,
    ) -> None:
        super().__init__(arguments, options)
        self._operation = operation
        self._client = client.with_options(wait_for_limits=False).with_hooks(on_response=self._note)
        self._arguments = arguments

    async def outcomes(self) -> AsyncGenerator[Outcome[A, T], None]:
        calls = TaskCalls(self._schedule, self._call)
        async with aclosing(_as_async(self._arguments)) as arguments, aclosing(calls):
            number = 0
            while await self._draw(number, arguments):
                outcome = await calls.get(number, max(self._drawn))
                self._pass_on(number, outcome)
                number += 1
                yield outcome

    async def _draw(self, number: int, arguments: AsyncIterator[A]) -> bool:
        """Draw the arguments that the schedule asks for. Return whether there is one with this number."""
        for due in self._numbers_to_draw(number):
            try:
                self._drawn[due] = await anext(arguments)
            except StopAsyncIteration:
                self._last = due - 1
        return self._has(number)

    async def _call(self, number: int) -> Outcome[A, T]:
        argument = self._drawn[number]
        args, kwargs = _split(argument)
        try:
            return Outcome(argument, await on_view(self._operation, self._client)(*args, **kwargs))
        except RateLimited:
            raise
        except KrebitError as error:
            return Outcome(argument, error=error.with_traceback(None))  # frames would hold much more


def _split(argument: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional arguments and the keywords that one argument stands for."""
    if isinstance(argument, tuple):
        return argument, {}
    if isinstance(argument, Mapping):
        return (), dict(argument)
    return (argument,), {}


def _length(arguments: object) -> int | None:
    length = operator.length_hint(arguments, -1)
    return length if length >= 0 else None


async def _as_async(arguments: Iterable[A] | AsyncIterable[A]) -> AsyncGenerator[A, None]:
    """Yield the arguments. Closing this generator closes the given one, or that of a walk, at once."""
    if not isinstance(arguments, AsyncIterable):
        for argument in arguments:
            yield argument
        return
    iterator = aiter(arguments)
    try:
        async for argument in iterator:
            yield argument
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
