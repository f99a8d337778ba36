"""What `krebit.webhooks` exports, and what importing it must not cost."""

import json
import subprocess
import sys

import pytest

import krebit.webhooks

LOADED = "import json, sys; import {module}; print(json.dumps([name for name in sys.modules]))"


def loaded(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(module=module)]
    names: list[str] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return set(names)


def test_the_names_that_are_exported() -> None:
    assert krebit.webhooks.__all__ == [
        "ActCreated",
        "Answer",
        "AsgiReceiver",
        "FailedDelivery",
        "Inbox",
        "LeasedDelivery",
        "MemoryInbox",
        "NotifyingInbox",
        "Receiver",
        "SqliteInbox",
        "StoreOutcome",
        "WebhookEvent",
        "WsgiReceiver",
        "sign",
        "verify",
    ]
    for name in krebit.webhooks.__all__:
        found = getattr(krebit.webhooks, name)
        assert name == "StoreOutcome" or found.__name__ == name
    with pytest.raises(AttributeError, match="Reciever"):
        krebit.webhooks.Reciever  # noqa: B018


def test_no_framework_is_needed() -> None:
    names = loaded("krebit.webhooks")
    assert not names & {"starlette", "fastapi", "flask", "werkzeug", "django", "uvicorn", "anyio", "httpx", "psycopg"}


def test_what_lacks_its_extra_says_which() -> None:
    assert "PostgresInbox" in dir(krebit.webhooks)
    lines = [
        "import sys",
        "sys.modules['psycopg'] = None",
        "from krebit.webhooks import *",
        "print('the others are there')",
        "from krebit.webhooks import PostgresInbox",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "the others are there\n"
    advice = "call: pip install 'krebit[postgres]', and 'psycopg[binary]' where libpq is missing"
    assert advice in done.stderr.splitlines()[-1]
