"""One tenant together with its deliveries and open requests: what a reset concerns."""

from __future__ import annotations

from typing import Any

from krebit_sandbox.deliveries import ACT_CREATED, Deliveries
from krebit_sandbox.likeness import Likeness
from krebit_sandbox.open_requests import OpenRequests
from krebit_sandbox.shapes import shaped
from krebit_sandbox.tenant import Tenant


class Site:
    """A tenant that is served. `reset` and `create_act` must be called in the server's loop."""

    def __init__(self, tenant: Tenant, likeness: Likeness | None = None) -> None:
        self.tenant = tenant
        self.likeness = likeness
        self.deliveries = Deliveries(tenant)
        self.open_requests = OpenRequests()
        self.address: dict[str, str] = {}
        """The variables that say where the server is."""

    def environment(self) -> dict[str, str]:
        """Return the variables that a program needs to use this tenant."""
        return {**self.address, **self.tenant.environment}

    def reset(self) -> None:
        """Abort open requests and deliveries, and make the tenant as new."""
        self.open_requests.abort()
        self.deliveries.reset()
        self.tenant.reset()

    def create_act(self, client_id: int) -> dict[str, Any]:
        """Return a new act, as the API shows it, and start its deliveries; KeyError for an unknown client."""
        act = self.tenant.add_act(client_id)
        self.deliveries.publish(ACT_CREATED, act)
        shown: dict[str, Any] = shaped(act, self.tenant.switches)
        return shown
