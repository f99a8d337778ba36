"""Makes the calls of a grown document on one of the three clients, against a server that echoes; prints what failed.

Run in a process of its own, whose PYTHONPATH has the package of that document. Its arguments: `blocking`,
`asynchronous` or `aiohttp`, and a file with the calls as JSON.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import sys
import traceback
import uuid
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

from krebit import AsyncKrebit, ConfigurationError, Krebit, KrebitError, MemoryTokenStore
from krebit_api import models
from krebit_api.types import UNSET, File

PREFIX = "/api/1.0/grown"
NAMES: dict[str, Any] = {
    **{name: getattr(models, name) for name in models.__all__},
    "models": models,
    "BytesIO": BytesIO,
    "Decimal": Decimal,
    "File": File,
    "UNSET": UNSET,
    "datetime": datetime,
    "uuid": uuid,
}


class Server(ThreadingHTTPServer):
    """Answers what `answer` says, or with what it was asked; `asked` is the last request."""

    answer: dict[str, Any] | None = None
    asked: dict[str, Any] | None = None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        if self.path == "/api/oauth/token":
            self._send({"json": {"access_token": "granted-access", "refresh_token": "granted-refresh"}})
            return
        self.server.asked = {
            "method": self.command,
            "target": self.path.removeprefix(PREFIX),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("utf-8", "backslashreplace"),
        }
        self._send(self.server.answer or {"json": self.server.asked})

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer["json"]).encode() if "json" in answer else answer.get("text", "").encode()
        self.send_response(answer.get("status", 200))
        kind = answer.get("type", "application/json")
        if kind:
            self.send_header("Content-Type", kind)
        if answer.get("status") != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer.get("status") != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of its base
        """Say nothing."""


def judge(server: Server, call: dict[str, Any], result: Any, error: KrebitError | None) -> str | None:
    """Return what is wrong with an outcome. A call with `any` may end in any result or KrebitError."""
    if "any" in call:
        return None
    if "refused" in call:
        told = str(error) if isinstance(error, ConfigurationError) else ""
        return None if call["refused"] in told and server.asked is None else f"not refused: {error!r}, {server.asked}"
    if "error" in call:
        return None if error is not None and eval(call["error"], {**NAMES, "error": error}) else f"{error!r}, {result}"
    if error is not None:
        return repr(error)
    asked = server.asked or {}
    for key in ("target", "body"):
        if key in call and asked[key] != call[key]:
            return f"{key} is {asked[key]!r}, not {call[key]!r}"
    for name, value in call.get("headers", {}).items():
        if asked["headers"].get(name) != value:
            return f"header {name} is {asked['headers'].get(name)!r}, not {value!r}"
    if "value" in call and not eval(call["value"], {**NAMES, "value": result}):
        return f"{call['value']} does not hold for {result!r}"
    return None


async def make_calls(kind: str, server: Server, calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    given: dict[str, Any] = {
        "domain": f"localhost:{server.server_port}",
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "seed",
        "plain_http": True,
        "store": MemoryTokenStore(),
        "retries": 0,
    }
    if kind == "aiohttp":
        given["async_transport"] = "aiohttp"
    client: Any = Krebit(**given) if kind == "blocking" else AsyncKrebit(**given)
    found: list[str] = []
    for name, call in calls:
        server.answer, server.asked = call.get("answer"), None
        result, error = None, None
        try:
            result = eval(f"client.{name}({call.get('arguments', '')})", {**NAMES, "client": client})
            if kind != "blocking":
                result = await result
        except KrebitError as raised:
            error = raised
        except Exception:  # noqa: BLE001 - whatever it is, it is shown with its call
            found.append(f"{name}({call.get('arguments', '')}): {traceback.format_exc()}")
            continue
        if problem := judge(server, call, result, error):
            found.append(f"{name}({call.get('arguments', '')}): {problem}")
    if kind == "blocking":
        client.close()
    else:
        await client.close()
    return found


def main() -> int:
    kind, file = sys.argv[1:]
    logging.disable(logging.WARNING)
    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    found = asyncio.run(make_calls(kind, server, json.loads(Path(file).read_text(encoding="utf-8"))))
    server.shutdown()
    server.server_close()
    sys.stdout.write("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
