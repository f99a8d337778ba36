"""A receiver mounted in each framework, behind a real server on a real socket."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

import uvicorn

from krebit.webhooks import AsgiReceiver, Receiver, WsgiReceiver

PATH = "/webhooks/krebit"


@contextmanager
def serving_asgi(app: Any, **settings: Any) -> Iterator[int]:
    """The port of a uvicorn that serves `app` in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", **settings))
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


def starlette_app(receiver: Receiver) -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Route

    return Starlette(routes=[Route(PATH, AsgiReceiver(receiver))])


def fastapi_app(receiver: Receiver) -> Any:
    from fastapi import FastAPI
    from starlette.routing import Route

    app = FastAPI()
    app.router.routes.append(Route(PATH, AsgiReceiver(receiver)))
    return app


def flask_app(receiver: Receiver) -> WSGIApplication:
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(Flask(__name__), {PATH: WsgiReceiver(receiver)})


def django_app(receiver: Receiver) -> WSGIApplication:
    from django.core.wsgi import get_wsgi_application

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.webhooks.django_project"
    django: Callable[..., Any] = get_wsgi_application()
    webhooks = WsgiReceiver(receiver)

    def application(environ: Any, start_response: Any) -> Any:
        return (webhooks if environ["PATH_INFO"] == PATH else django)(environ, start_response)

    return application


ASGI: dict[str, Callable[[Receiver], Any]] = {"starlette": starlette_app, "fastapi": fastapi_app}
WSGI: dict[str, Callable[[Receiver], WSGIApplication]] = {"flask": flask_app, "django": django_app}
FRAMEWORKS = (*ASGI, *WSGI)


@contextmanager
def serving(framework: str, receiver: Receiver) -> Iterator[int]:
    """The port of `receiver` in that framework, at `PATH`."""
    if framework in ASGI:
        with serving_asgi(ASGI[framework](receiver)) as port:
            yield port
    else:
        with serving_wsgi(WSGI[framework](receiver)) as port:
            yield port
