"""What one call costs, a second client, a page's parsing, and a login that is kept in a file."""

import json
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory

import httpx

from bench.clients import make, plain, signed_in
from bench.server import Server, page
from bench.timing import Row, paired, repeated
from krebit import Krebit
from krebit_api.api import page_of
from krebit_api.models import ClientPage

PATH = "/api/1.0/clients/12345"
_CALLS = 200


def measure(*, rounds: int) -> Iterator[Row]:
    """Each figure of a program that is under way."""
    with Server() as server, TemporaryDirectory() as folder:
        store = signed_in(server, f"{folder}/logins")
        with make(Krebit, server):
            second = lambda: make(Krebit, server).close()  # noqa: E731
            pair = paired(repeated(second, 20), repeated(lambda: httpx.Client().close(), 5), rounds=rounds)
        yield Row("a second client in one process", "`httpx.Client()`", pair.ratio, 0.05, detail=pair.detail)

        with make(Krebit, server, store) as api, plain(server) as client:
            ours = repeated(lambda: api.get_client(12345), _CALLS)
            bare = repeated(lambda: client.get(PATH).json(), _CALLS)
            pair = paired(ours, bare, rounds=rounds)
            name = "one call, keep-alive, with auth, retries, typed errors, model"
            peers = _peers_calls(server, rounds)
            yield Row(name, "`httpx.Client.get(...).json()`", pair.ratio, 0.95, detail=pair.detail, peers=peers)

        yield _parse("amounts as numbers", page(1, 100), 2.3, rounds)
        yield _parse("amounts as texts", _with_amounts_as_texts(page(1, 100)), 3.0, rounds)

        with make(Krebit, server, store) as from_file, make(Krebit, server) as from_memory:
            ours = repeated(lambda: from_file.get_client(12345), _CALLS)
            pair = paired(ours, repeated(lambda: from_memory.get_client(12345), _CALLS), rounds=rounds)
            yield Row("auth with the token in a file", "the token in memory", pair.ratio, 1.05, detail=pair.detail)


def _with_amounts_as_texts(body: bytes) -> bytes:
    content = json.loads(body)
    for record in content["data"]:
        record["credit_limit"] = f"{record['credit_limit']:.2f}"
    return json.dumps(content).encode()


def _parse(kind: str, body: bytes, goal: float, rounds: int) -> Row:
    decoder, result = json.JSONDecoder(parse_float=Decimal), page_of(ClientPage)
    ours = repeated(lambda: result.read(decoder.decode(body.decode())), 100)
    pair = paired(ours, repeated(lambda: json.loads(body), 100), rounds=rounds * 2)
    return Row(f"parse of a page of 100, {kind}", "`json.loads` of it", pair.ratio, goal, detail=pair.detail)


def _peers_calls(server: Server, rounds: int) -> str:
    found = []
    with plain(server) as client:
        bare = repeated(lambda: client.get(PATH).json(), _CALLS)
        if find_spec("requests") is not None:
            with import_module("requests").Session() as session:
                session.headers["Authorization"] = "Bearer access-token"
                pair = paired(repeated(lambda: session.get(server.url + PATH).json(), _CALLS), bare, rounds=rounds)
            found.append(f"requests {pair.ratio:.2f}")
        if find_spec("authlib") is not None:
            oauth = import_module("authlib.integrations.httpx_client")
            token = {"access_token": "access-token", "token_type": "Bearer", "expires_in": 3600}
            with oauth.OAuth2Client("application", "secret", token=token, base_url=server.url) as session:
                pair = paired(repeated(lambda: session.get(PATH).json(), _CALLS), bare, rounds=rounds)
            found.append(f"authlib {pair.ratio:.2f}")
    return ", ".join(found)
