"""Annotations can be read at run time: pydantic and frameworks that offer functions as tools do that."""

import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest

import krebit
import krebit.stores
import krebit.testing
import krebit.webhooks
from krebit_api import api

MODULES = (krebit, krebit.stores, krebit.testing, krebit.webhooks, api)


def _functions(owner: Any) -> Iterator[tuple[str, Any]]:
    for name, member in inspect.getmembers(owner):
        found = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if isinstance(found, FunctionType) and found.__module__.startswith("krebit"):
            yield f"{owner.__name__}.{name}", found


def _public() -> Iterator[tuple[str, Any]]:
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value):
                yield name, value
                yield from _functions(value)
            elif isinstance(value, FunctionType):
                yield name, value


PUBLIC = dict(_public())


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_annotation_of_a_public_name_can_be_read(name: str) -> None:
    typing.get_type_hints(PUBLIC[name])


def test_there_are_many_of_them() -> None:
    assert {"Krebit.get_client", "AsyncKrebit.login", "Krebit.from_env", "Krebit.create_webhook"} <= PUBLIC.keys()


def test_a_program_that_signs_nobody_in_loads_no_browser() -> None:
    program = "import sys, krebit.client; print({'webbrowser', 'http.server'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
