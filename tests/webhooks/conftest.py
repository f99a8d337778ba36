"""The database server, for the tests here that need it."""

from tests.postgres import postgres

__all__ = ["postgres"]
