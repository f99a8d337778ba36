"""Save the answer of an operation to a file: streamed, whole or not at all."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, cast, overload

import anyio
import anyio.to_thread

from krebit.bound_operation import client_of, on_view
from krebit.client import AsyncKrebit, Krebit
from krebit.errors import ConfigurationError
from krebit.http.download import FileSink, Progress

P = ParamSpec("P")


class DownloadedFile:
    """A file that was saved: its absolute `path`, its `size` in bytes, and `status` and `headers` of the answer."""

    __slots__ = ("headers", "path", "size", "status")

    def __init__(self, sink: FileSink) -> None:
        if sink.reply is None:
            raise ConfigurationError("operation: made no call whose answer could be saved")
        self.path = sink.path
        self.size = sink.received
        self.status = sink.reply.status
        self.headers: Mapping[str, str] = dict(sink.reply.headers)

    def __repr__(self) -> str:
        return f"DownloadedFile({str(self.path)!r}, size={self.size})"


class Download:
    """A call whose answer is saved. Nothing is asked for before `to`."""

    def __init__(self, operation: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._client = client_of(operation, Krebit)
        self._call = operation, args, kwargs

    def to(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> DownloadedFile:
        """Save the answer at `path`, in place of what is there.

        The bytes go to a file beside `path`. That file takes its place when it is complete. After a failure the place
        is as it was. The call's timeout counts for the whole download. `progress` is called with the number of bytes so
        far and the number of all bytes, or None if the server does not say. A new attempt begins at zero. An exception
        of `progress` ends the download.

        Raises DownloadFailed for a file that cannot be written, if possible before the call; UnexpectedResponse for a
        success that is no file; and the errors of the operation.
        """
        operation, args, kwargs = self._call
        sink = FileSink(path, progress)
        try:
            sink.open()
            on_view(operation, self._client.with_sink(sink))(*args, **kwargs)
            saved = DownloadedFile(sink)
            sink.commit()
            return saved
        finally:
            sink.discard()


class AsyncDownload:
    """The same for an asynchronous client."""

    def __init__(
        self, operation: Callable[..., Awaitable[object]], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self._client = client_of(operation, AsyncKrebit)
        self._call = operation, args, kwargs

    async def to(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> DownloadedFile:
        """Do the same as `Download.to`. The file is written in threads; `progress` is called on the event loop."""
        operation, args, kwargs = self._call
        sink = FileSink(path, progress)
        try:
            sink.open()
            await on_view(operation, self._client.with_sink(sink))(*args, **kwargs)
            saved = DownloadedFile(sink)
            await anyio.to_thread.run_sync(sink.commit, limiter=anyio.CapacityLimiter(1))
            return saved
        finally:
            sink.discard()


@overload
def download(  # type: ignore[overload-overlap]  # an awaitable is an object too
    operation: Callable[P, Awaitable[object]], /, *args: P.args, **kwargs: P.kwargs
) -> AsyncDownload: ...
@overload
def download(operation: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Download: ...
def download(operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Download | AsyncDownload:
    """Return a download of an operation's answer: `download(api.request, "GET", "/exports/5").to("clients.csv")`.

    `operation` is a method of a client or of a view of one, called with the arguments that follow. Raises
    ConfigurationError for anything else.
    """
    owner = getattr(operation, "__self__", None)
    if isinstance(owner, AsyncKrebit):
        return AsyncDownload(cast("Callable[..., Awaitable[object]]", operation), args, kwargs)
    return Download(operation, args, kwargs)
