# Generated from openapi.yaml by `make regenerate`; do not edit.
"""Errors that the functions of the endpoints raise."""


class UnexpectedStatus(Exception):
    """The server answered a status that the document does not describe, and the client was asked to raise then.

    The body is in `content`; the message leaves it out, because it may hold secrets.
    """

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"Unexpected status code: {status_code}")


__all__ = ["UnexpectedStatus"]
