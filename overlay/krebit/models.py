"""The records of requests and answers: `from krebit.models import ClientRecord`. Each is loaded at its first use.

The names come from `krebit_api.models`, so that a new record needs no edit here.
"""

from typing import TYPE_CHECKING

from krebit_api import models as _generated

if TYPE_CHECKING:
    from krebit_api.models import *  # noqa: F403
else:
    __all__ = _generated.__all__

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(_generated, name)

    def __dir__() -> list[str]:
        return sorted(__all__)
