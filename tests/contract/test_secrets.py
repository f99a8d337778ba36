"""What gives access is read and sent, and no repr, message or text of the generated package shows it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from krebit_api import AuthenticatedClient, models
from krebit_api.errors import UnexpectedStatus
from krebit_api.types import Response

from .conftest import Scratch
from .test_document import DOCUMENT

CANARY = "canary-7f3a"


def secret_fields() -> list[tuple[str, str]]:
    return [
        (name, key)
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for key, node in schema.get("properties", {}).items()
        if node.get("x-secret") or node.get("format") == "password"
    ]


def filled(name: str, **values: Any) -> Any:
    """A model with the document's own first examples, and some values of the test's."""
    schema = DOCUMENT["components"]["schemas"][name]["properties"]
    known = {key: node.get("const", node.get("examples", [None])[0]) for key, node in schema.items()}
    return getattr(models, name).from_dict({**known, **values})


def test_the_document_marks_the_secrets_that_there_are() -> None:
    assert set(secret_fields()) == {
        ("AuthorizationCodeGrant", "client_secret"),
        ("AuthorizationCodeGrant", "code"),
        ("AuthorizationCodeGrant", "code_verifier"),
        ("RefreshTokenGrant", "client_secret"),
        ("RefreshTokenGrant", "refresh_token"),
        ("TokenPair", "access_token"),
        ("TokenPair", "refresh_token"),
        ("WebhookSubscription", "secret"),
    }


@pytest.mark.parametrize(("name", "key"), secret_fields())
def test_a_secret_is_read_and_sent_but_never_shown(name: str, key: str) -> None:
    model = filled(name, **{key: CANARY}, id_token=f"{CANARY}-unknown")
    assert getattr(model, key) == CANARY
    assert model.to_dict()[key] == CANARY
    assert model["id_token"] == f"{CANARY}-unknown"
    assert CANARY not in f"{model!r} {model}"


def test_clients_answers_and_errors_do_not_show_what_they_carry() -> None:
    client = AuthenticatedClient(
        "https://yourco.krebit.se",
        token=CANARY,
        headers={"X-Key": CANARY},
        cookies={"session": CANARY},
        httpx_args={"auth": ("user", CANARY)},
    )
    assert CANARY not in repr(client)
    with client:
        # Building the httpx client puts the token among the headers.
        assert CANARY in client.get_httpx_client().headers["Authorization"]
        assert CANARY not in repr(client)
    answer = Response(HTTPStatus.OK, CANARY.encode(), {"Set-Cookie": CANARY}, filled("TokenPair", access_token=CANARY))
    assert CANARY not in repr(answer)
    error = UnexpectedStatus(418, CANARY.encode())
    assert error.content == CANARY.encode()
    assert CANARY not in f"{error!r} {error}"


@pytest.mark.slow
def test_a_secret_that_comes_from_another_schema_is_not_shown_either(scratch: Scratch) -> None:
    base, own = {"pin": {"type": "string", "format": "password"}}, {"key": {"type": "string", "x-secret": True}}
    scratch.document["components"]["schemas"] |= {
        "Base": {"type": "object", "properties": base},
        "Derived": {
            "allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "properties": own}],
        },
    }
    scratch.generated()
    body = {"pin": CANARY, "key": CANARY}
    program = f"from krebit_api.models import Derived; d = Derived.from_dict({body}); print(d, d.to_dict() == {body})"
    assert scratch.python(program) == "Derived() True\n"
