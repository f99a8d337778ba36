"""Fixtures of the tests of `each`."""

from tests.world import sandbox, served

__all__ = ["sandbox", "served"]
