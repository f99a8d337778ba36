"""What it costs to begin: importing, and a cold program's first call; also with a document of 100 resources more."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.clients import signed_in
from bench.server import Server
from bench.timing import Measure, Row, paired, program

ROOT = Path(__file__).resolve().parents[1]

OURS = """
from krebit import FileTokenStore, Krebit
api = Krebit("{domain}", "application", "secret", refresh_token="refresh-0", plain_http=True,
             store=FileTokenStore("{folder}"))
print(api.get_current_user().name)
"""
HTTPX = """
import httpx
client = httpx.Client(base_url="http://{domain}", headers={{"Authorization": "Bearer access-token"}})
print(client.get("/api/1.0/me").json()["data"]["name"])
"""
PEERS = ("requests", "authlib.integrations.httpx_client", "stripe", "openai")


def measure(*, rounds: int) -> Iterator[Row]:
    """Import, cold program, cold program with a large document."""
    with Server() as server, TemporaryDirectory() as folder:
        cache = f"{folder}/cache"
        alone = program("import httpx", cache)
        pair = paired(program("import krebit", cache), alone, rounds=rounds)
        peers = _imports(alone, cache, rounds)
        yield Row("`import krebit` alone", "`import httpx`", pair.ratio, 0.05, detail=pair.detail, peers=peers)

        signed_in(server, f"{folder}/logins")
        names = {"domain": server.domain, "folder": f"{folder}/logins"}
        bare = program(HTTPX.format(**names), cache)
        pair = paired(program(OURS.format(**names), cache), bare, rounds=rounds)
        name = "cold program: import, client, first call"
        yield Row(name, "bare httpx doing the same", pair.ratio, 1.25, detail=pair.detail)

        with _large_package(Path(folder)) as package:
            ours = program(OURS.format(**names), cache, PYTHONPATH=str(package))
            pair = paired(ours, bare, rounds=rounds)
        yield Row("the same, 100 more resources in the document", "the same", pair.ratio, 1.25, detail=pair.detail)


def _imports(alone: Measure, cache: str, rounds: int) -> str:
    found = []
    for name in PEERS:
        if find_spec(name.partition(".")[0]) is not None:
            pair = paired(program(f"import {name}", cache), alone, rounds=max(3, rounds // 3))
            found.append(f"{name.partition('.')[0]} {pair.ratio:.2f}")
    return ", ".join(found)


@contextmanager
def _large_package(folder: Path) -> Iterator[Path]:
    """A generated package, made as the committed one is, from the document with 100 resources of ten fields more."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    root = folder / "large"
    root.mkdir()
    for name in ("openapi.yaml", "generator-config.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    document: dict[str, Any] = yaml.load(root / "openapi.yaml")
    for number in range(100):
        schema = f"Resource{number}"
        document["components"]["schemas"][schema] = {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer"}}
            | {f"field_{field}": {"type": ["string", "null"]} for field in range(8)}
            | {"changed_at": {"type": ["string", "null"], "format": "date-time"}},
        }
        answer = {"description": "It.", "content": {"application/json": {"schema": _reference(schema)}}}
        document["paths"][f"/api/1.0/resources-{number}/{{id}}"] = {
            "get": {
                "operationId": f"get_resource_{number}",
                "tags": [f"resources{number}"],
                "summary": "Get it",
                "security": [{"oauth2": []}],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": answer},
            }
        }
    yaml.dump(document, root / "openapi.yaml")
    subprocess.run([sys.executable, str(root / "tools" / "regenerate.py")], check=True, capture_output=True, cwd=root)
    yield root / "generated"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
