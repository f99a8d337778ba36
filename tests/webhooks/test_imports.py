"""What `krebit.webhooks` exports, and what importing it must not cost."""

import json
import subprocess
import sys

import krebit.webhooks
import pytest

LOADED = "import json, sys; import {module}; print(json.dumps([name for name in sys.modules]))"


def loaded(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(module=module)]
    names: list[str] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return set(names)


def test_the_names_that_are_exported() -> None:
    assert krebit.webhooks.__all__ == [
        "ActCreated",
        "AsgiReceiver",
        "Inbox",
        "MemoryInbox",
        "Receiver",
        "SqliteInbox",
        "WebhookEvent",
        "WsgiReceiver",
        "sign",
        "verify",
    ]
    for name in krebit.webhooks.__all__:
        assert getattr(krebit.webhooks, name).__name__ == name
    with pytest.raises(AttributeError, match="Reciever"):
        krebit.webhooks.Reciever  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_loads_none_of_its_parts() -> None:
    assert not {name for name in loaded("krebit.webhooks") if name.startswith("krebit.webhooks.")}


@pytest.mark.parametrize("module", ["asgi", "wsgi", "receiver", "sqlite"])
def test_no_framework_is_needed(module: str) -> None:
    names = loaded(f"krebit.webhooks.{module}")
    assert not names & {"starlette", "fastapi", "flask", "werkzeug", "django", "uvicorn", "anyio", "httpx"}
