# Copied from templates/runtime by `make regenerate`; edit it there.
"""The clients with which the endpoint functions send their requests. Their repr shows no header, cookie or token."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Any, Self

import httpx


class Client:
    """A server, and the settings of the httpx clients that talk to it, which are made when first needed.

    `timeout` in seconds, or as httpx takes it; `httpx_args` are further arguments of `httpx.Client` and
    `httpx.AsyncClient`. With `raise_on_unexpected_status` a status that the document does not describe raises
    `errors.UnexpectedStatus`; without, the endpoint returns None.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        timeout: float | httpx.Timeout | None = 30.0,
        verify_ssl: str | bool | ssl.SSLContext = True,
        follow_redirects: bool = False,
        raise_on_unexpected_status: bool = False,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        self.base_url = base_url
        self.raise_on_unexpected_status = raise_on_unexpected_status
        self._settings: dict[str, Any] = {
            "base_url": base_url,
            "headers": headers or {},
            "cookies": cookies or {},
            "timeout": timeout,
            "verify": verify_ssl,
            "follow_redirects": follow_redirects,
            **(httpx_args or {}),
        }
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def get_httpx_client(self) -> httpx.Client:
        """Return the blocking httpx client."""
        if self._client is None:
            self._client = httpx.Client(**self._settings)
        return self._client

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this blocking httpx client, with its own headers and settings instead of those given here."""
        self._client = client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the asynchronous httpx client."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._settings)
        return self._async_client

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Use this asynchronous httpx client, with its own headers and settings instead of those given here."""
        self._async_client = async_client
        return self

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.get_httpx_client().__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.get_async_httpx_client().__aexit__(kind, error, traceback)


class AuthenticatedClient(Client):
    """A client that sends a token with each request, as `Authorization: Bearer …` unless told otherwise."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        prefix: str = "Bearer",
        auth_header_name: str = "Authorization",
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        timeout: float | httpx.Timeout | None = 30.0,
        verify_ssl: str | bool | ssl.SSLContext = True,
        follow_redirects: bool = False,
        raise_on_unexpected_status: bool = False,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        authorization = f"{prefix} {token}" if prefix else token
        super().__init__(
            base_url,
            headers={**(headers or {}), auth_header_name: authorization},
            cookies=cookies,
            timeout=timeout,
            verify_ssl=verify_ssl,
            follow_redirects=follow_redirects,
            raise_on_unexpected_status=raise_on_unexpected_status,
            httpx_args=httpx_args,
        )


__all__ = ("AuthenticatedClient", "Client")
