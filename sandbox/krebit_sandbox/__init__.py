"""A stateful local Krebit tenant: OAuth, REST, webhooks, and every fault on demand. For tests and trials.

>>> from krebit_sandbox import Sandbox
>>> with Sandbox(tls=False) as sandbox:
...     sandbox.url.startswith("http://localhost:")
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krebit_sandbox.deliveries import Delivery
    from krebit_sandbox.faults import Fault
    from krebit_sandbox.grants import Application, Tokens
    from krebit_sandbox.request_log import Request
    from krebit_sandbox.sandbox import Sandbox
    from krebit_sandbox.switches import Switches

__all__ = ["Application", "Delivery", "Fault", "Request", "Sandbox", "Switches", "Tokens"]

_HOMES = {
    "Application": "grants",
    "Delivery": "deliveries",
    "Fault": "faults",
    "Request": "request_log",
    "Sandbox": "sandbox",
    "Switches": "switches",
    "Tokens": "grants",
}


def __getattr__(name: str) -> Any:
    """Import on first use: every pytest run finds the plugin, which must cost it nothing."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"starlette", "uvicorn", "trustme", "jinja2", "python_multipart"}:
            raise ModuleNotFoundError(
                f"the sandbox needs {error.name}: pip install 'krebit[sandbox]'", name=error.name
            ) from None
        raise
    return getattr(module, name)
