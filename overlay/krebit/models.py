"""The records of requests and answers, for `from krebit.models import ClientRecord`; each is loaded when first used.

They are those of `krebit_api.models`, whatever the document holds: none is listed here.
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
