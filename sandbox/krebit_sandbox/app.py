"""The ASGI application that uvicorn serves: the tenant's endpoints behind the middleware, and those of control."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from krebit_sandbox.answers import not_routed, server_error
from krebit_sandbox.control import Control
from krebit_sandbox.middleware import Middleware
from krebit_sandbox.oauth import OAuth
from krebit_sandbox.rest import Rest
from krebit_sandbox.site import Site


def make_app(site: Site) -> ASGIApp:
    """Return the application of one site."""
    tenant_app = _application([*OAuth(site.tenant).routes(), *Rest(site.tenant).routes()])
    return Middleware(site, tenant_app, _application(Control(site).routes()))


def _application(routes: list[Route]) -> Starlette:
    app = Starlette(routes=routes, exception_handlers={404: not_routed, 405: not_routed, Exception: server_error})
    app.router.redirect_slashes = False
    return app
