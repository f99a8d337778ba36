"""The lowest versions that are declared have no hole that was known when they were declared."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The first version without the advisories that pyproject.toml names beside it, or what breaks before.
FIRST_SOUND = {
    "aiohttp": "3.14.5",
    "anyio": "4.16",
    "h11": "0.16",
    "httpcore": "1.0.9",
    "httpx-aiohttp": "0.1.9",
    "jinja2": "3.1.6",
    "python-multipart": "0.0.31",
    "starlette": "1.3.1",
}


def test_no_floor_is_below_the_first_sound_version() -> None:
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    declared = [Requirement(text) for requirements in lists for text in requirements]
    floors = {
        requirement.name: Version(specifier.version)
        for requirement in declared
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    assert {name for name, version in FIRST_SOUND.items() if floors[name] < Version(version)} == set()
