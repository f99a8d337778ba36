"""A receiver in a process of its own, told when to die: `python -m tests.webhooks.process FRAMEWORK FOLDER [MOMENT]`.

It prints its port, and appends a line to `effects` in the folder for each event that it handles.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from krebit.webhooks import Receiver, SqliteInbox, WebhookEvent
from krebit.webhooks.inbox import Claim
from tests.webhooks.cases import SECRETS
from tests.webhooks.servers import ASGI, WSGI


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingInbox(SqliteInbox):
    """Kills the process before or after what it stores is on the disk: one delivery, or three that have to wait."""

    def __init__(self, path: Path, moment: str) -> None:
        super().__init__(path)
        self.moment = moment
        self.waiting: Sized = ()
        self.claiming = path.with_name("claiming")

    def claim(self, key: str, digest: str, body: bytes) -> Claim:
        if self.moment.startswith("several"):
            self.claiming.touch()
            while "first" in key and len(self.waiting) < 3:
                time.sleep(0.001)
        if self.moment == "storing":
            die()
        claim = super().claim(key, digest, body)
        if self.moment == "stored":
            die()
        return claim

    @contextmanager
    def together(self) -> Iterator[None]:
        with super().together():
            yield
            if self.moment == "several storing":
                die()
        if self.moment == "several stored":
            die()


def main(framework: str, folder: Path, moment: str) -> None:
    def handle(event: WebhookEvent) -> None:
        if moment == "answered":
            die()
        with (folder / "effects").open("a") as file:
            file.write(f"{event.id}\n")

    inbox = DyingInbox(folder / "inbox.db", moment)
    receiver = Receiver(SECRETS, handle, inbox=inbox)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the parent reads it
    if framework in ASGI:
        app = ASGI[framework](receiver)
        inbox.waiting = app.routes[-1].app._waiting
        config = uvicorn.Config(app, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])
    else:
        from werkzeug.serving import make_server

        make_server("127.0.0.1", 0, WSGI[framework](receiver), threaded=True, fd=listener.fileno()).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
