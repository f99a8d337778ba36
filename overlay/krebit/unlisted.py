"""An operation for a path that the document does not have, for `api.request`."""

from collections.abc import Mapping
from typing import Any

from krebit.config import API_PREFIX
from krebit.errors import ConfigurationError
from krebit.http.request import CallOptions, RequestArguments
from krebit.http.response import result_of_accept
from krebit.redaction import mask_path
from krebit_api.api import Operation, Result


def unlisted_operation(
    origin: str, options: CallOptions, method: str, path: str, headers: Mapping[str, str] | None, **arguments: Any
) -> tuple[Operation, RequestArguments, Result[Any]]:
    """Return the arguments of a client's `_send`. Raises ConfigurationError for a path beyond the tenant's API.

    `options` are those of the client's calls. `arguments` are the body and the query, as `httpx.Client.request` has
    them.
    """
    if not all(isinstance(part, str) for part in (method, path)):
        raise ConfigurationError("method and path: must be texts")
    if not method.isascii() or not method.isalpha():
        raise ConfigurationError("method: must be one such as GET or POST")
    method = method.upper()
    url = _url(origin, path)
    shown = mask_path(url.partition("?")[0])
    # CallOptions refuses the headers that the client sets itself, and has the names in lower case.
    own_headers = CallOptions(headers=headers).headers
    accept = {**options.headers, **own_headers}.get("accept")

    def request() -> dict[str, Any]:
        return {"method": method, "url": url, "headers": own_headers, **arguments}

    return Operation(f"{method} {shown}", method, shown), request, result_of_accept(accept)


def _url(origin: str, path: str) -> str:
    """Return the whole path. `path` may be relative to the API's prefix, begin with it, or be a whole URL."""
    base = f"{API_PREFIX}/"
    relative = path.removeprefix(origin + base).removeprefix(base)
    if "://" in relative.partition("?")[0] or relative.startswith("//"):
        raise ConfigurationError(f"path: is not on this tenant; write it relative to {API_PREFIX}, such as /acts")
    return base + relative.lstrip("/")
