"""The parts put together: routes, the gate before them, and what a reset means for each."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from krebit_sandbox.answers import not_routed, server_error
from krebit_sandbox.control import Control
from krebit_sandbox.deliveries import ACT_CREATED, Deliveries
from krebit_sandbox.gate import Gate
from krebit_sandbox.oauth import OAuth
from krebit_sandbox.rest import Rest
from krebit_sandbox.shapes import shaped
from krebit_sandbox.tenant import Tenant


class Site:
    """The application of one tenant. What changes requests or deliveries under way runs in the server's loop."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.deliveries = Deliveries(tenant)
        self.address: dict[str, str] = {}
        """The variables that say where the server is."""
        app = _application([*OAuth(tenant).routes(), *Rest(tenant).routes()])
        self.gate = Gate(tenant, app, _application(Control(self).routes()))

    def environment(self) -> dict[str, str]:
        """The variables that a program needs to use this tenant."""
        return {**self.address, **self.tenant.environment}

    def reset(self) -> None:
        """The tenant as new, and requests and deliveries under way cut off."""
        self.gate.abandon()
        self.deliveries.reset()
        self.tenant.reset()

    def create_act(self, client_id: int) -> dict[str, Any]:
        """A new act, as the API shows it, and its deliveries on their way; KeyError for an unknown client."""
        act = self.tenant.add_act(client_id)
        self.deliveries.publish(ACT_CREATED, act)
        shown: dict[str, Any] = shaped(act, self.tenant.switches)
        return shown


def _application(routes: list[Route]) -> Starlette:
    app = Starlette(routes=routes, exception_handlers={404: not_routed, 405: not_routed, Exception: server_error})
    app.router.redirect_slashes = False
    return app
