"""Write the docstrings of generated functions and records: the document's own words, wrapped."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from openapi_python_client.strings import safe_for_docstring
from operation_views import OperationView

ENDPOINT_ERRORS = [
    "errors.UnexpectedStatus: The status is not described, and `client.raise_on_unexpected_status` is True.",
    "httpx.HTTPError: The request could not be sent, or took longer than `client` allows.",
    "ValueError: An argument cannot be sent, or the body is not what the document says for this status.",
]


def documentation(operation: OperationView, parameters: Sequence[tuple[str, str]], *, detailed: bool = False) -> str:
    """Return the docstring of an operation's function; a detailed one says what comes back and what is raised."""
    paragraphs = [operation.summary.rstrip(".") + ".", operation.description]
    if detailed:
        parameters = [("client", "Sends the request."), *parameters]
    paragraphs.append(_section("Args", [f"{name}: {words}" for name, words in parameters]))
    if detailed:
        paragraphs.append(_section("Returns", ["Status, headers and body, with what was read from it in `parsed`."]))
        paragraphs.append(_section("Raises", ENDPOINT_ERRORS))
    elif operation.returns:
        paragraphs.append(_section("Returns", [operation.returns]))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _section(title: str, entries: Sequence[str]) -> str:
    lines = [
        textwrap.fill(" ".join(entry.split()), 96, initial_indent="    ", subsequent_indent=" " * 8)
        for entry in entries
    ]
    return "\n".join([f"{title}:", *lines]) if lines else ""


def docstring(text: str, spaces: int) -> str:
    """Return a text of the document as a docstring: wrapped anew, paragraphs and sections kept."""
    paragraphs = re.split(r"\n\n+", safe_for_docstring(text).strip())
    wrapped = [part if ":\n    " in part else textwrap.fill(" ".join(part.split()), 100) for part in paragraphs]
    body = textwrap.indent("\n\n".join(wrapped), " " * spaces).lstrip()
    # A quotation mark at the end must not touch the closing ones.
    needs_break = "\n" in body or body.endswith('"')
    return f'"""{body}\n{" " * spaces}"""' if needs_break else f'"""{body}"""'
