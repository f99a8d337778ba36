"""Fixtures of the tests of the examples."""

from tests.world import sandbox, served

__all__ = ["sandbox", "served"]
