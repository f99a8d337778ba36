"""Real servers on real sockets: uvicorn and werkzeug in a thread, and each server that is named in a process."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import uvicorn

from tests.ports import unused_port
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
SERVED = "tests.webhooks.served"
PYTHON = [sys.executable, "-m"]
GUNICORN = [*PYTHON, "gunicorn", "--log-level=warning", "--bind=127.0.0.1:{port}"]
UVICORN = [*PYTHON, "uvicorn", "--log-level=warning", "--port={port}"]
GRANIAN = [*PYTHON, "granian", "--log-level=warning", "--port={port}"]
UWSGI = [str(Path(sys.executable).with_name("pyuwsgi")), "--http-socket=127.0.0.1:{port}", "--master", "--die-on-term"]

# What each is called with, and the attribute of the module of applications.
SERVERS: dict[str, list[str]] = {
    "uvicorn": [*UVICORN, f"{SERVED}:front"],
    "uvicorn-no-lifespan": [*UVICORN, "--lifespan=off", f"{SERVED}:front"],
    "uvicorn-alone": [*UVICORN, f"{SERVED}:alone"],
    "uvicorn-mounted": [*UVICORN, f"{SERVED}:mounted"],
    "uvicorn-WSGI-bridge": [*UVICORN, f"{SERVED}:bridged"],
    "uvicorn-two-workers": [*UVICORN, "--workers=2", f"{SERVED}:front"],
    "hypercorn": [*PYTHON, "hypercorn", "--bind=127.0.0.1:{port}", f"{SERVED}:front"],
    "granian-ASGI": [*GRANIAN, "--interface=asgi", f"{SERVED}:front"],
    "granian-WSGI": [*GRANIAN, "--interface=wsgi", f"{SERVED}:wsgi"],
    "gunicorn-sync": [*GUNICORN, "--workers=2", f"{SERVED}:wsgi"],
    "gunicorn-gthread": [*GUNICORN, "--workers=2", "--threads=4", f"{SERVED}:wsgi"],
    "gunicorn-preload": [*GUNICORN, "--workers=2", "--preload", f"{SERVED}:wsgi"],
    "waitress": [*PYTHON, "waitress", "--listen=127.0.0.1:{port}", f"{SERVED}:wsgi"],
    "waitress-generator": [*PYTHON, "waitress", "--listen=127.0.0.1:{port}", f"{SERVED}:generator"],
    "uWSGI": [*UWSGI, "--enable-threads", "--processes=2", f"--module={SERVED}:wsgi"],
}
QUICK = {"uvicorn", "gunicorn-preload", "waitress-generator"}
"""The servers of every run; the others are slow to start one after the other."""
READ_BODIES_FIRST = {"uvicorn-WSGI-bridge", "waitress", "waitress-generator"}
"""The servers that call the application when the whole body is there."""
WITHOUT_THREADS = [*UWSGI, f"--module={SERVED}:wsgi"]


class ServerProcess:
    """A server in a process group of its own, which answers at `port`."""

    def __init__(self, command: list[str], folder: Path, inbox: str) -> None:
        self.folder = folder
        self.port = unused_port()
        environment = {**os.environ, "KREBIT_TESTS_FOLDER": str(folder), "KREBIT_TESTS_INBOX": inbox}
        environment["PYTHONPATH"] = str(ROOT)
        with (folder / "output").open("ab") as output:
            self.popen = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_it_answers(self) -> None:
        def answers() -> bool:
            assert self.popen.poll() is None, self.output()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return True

        wait_for(answers, 60)

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def stop(self) -> int:
        """End it as an operator would, and return its status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(60)

    def kill(self) -> None:
        """End it and all its workers at once."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(60)


@contextmanager
def serving_in_a_process(command: list[str], folder: Path, inbox: str) -> Iterator[ServerProcess]:
    server = ServerProcess(command, folder, inbox)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        if server.popen.poll() is None:
            server.kill()


@contextmanager
def serving_asgi(app: Any, **settings: Any) -> Iterator[int]:
    """The port of a uvicorn that serves `app` in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", **{"lifespan": "off", **settings}))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def serving_wsgi(app: WSGIApplication) -> Iterator[int]:
    """The port of a threaded werkzeug server."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # chunked bodies are refused in 1.0

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Not in the tests' output."""

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
