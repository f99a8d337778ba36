"""`krebit api`: any path, with the same login, retries and errors."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import click

from krebit import Krebit, paginate
from krebit.cli.options import output_options
from krebit.cli.output import Output
from krebit.cli.progress import progress
from krebit.cli.session import Session
from krebit.cli.values import json_text, read_json


class _Page(NamedTuple):
    """A page of any list."""

    data: list[Any]


class _Client(Krebit):
    """A client with one operation more: a page of any path."""

    def any_page(self, path: str, params: Mapping[str, Any], *, page: int = 1) -> _Page:
        """Return a page of the list at a path."""
        content = self.request("GET", path, params={**params, "page": page})
        records = content.get("data") if isinstance(content, Mapping) else content
        if not isinstance(records, list):
            raise click.ClickException(f"the answer to {path} is not a list; leave --paginate out")
        return _Page(records)


@click.command("api")
@click.argument("method")
@click.argument("path")
@click.option("-f", "--raw-field", "texts", metavar="KEY=TEXT", multiple=True, help="Send a parameter as text.")
@click.option(
    "-F", "--field", "typed", metavar="KEY=VALUE", multiple=True, help="Send a parameter as JSON, such as 5 or true."
)
@click.option("--input", "source", metavar="FILE", help="Send this JSON file as the body; - is standard input.")
@click.option("--paginate", "walks", is_flag=True, help="Fetch every page of a list.")
@output_options
@click.pass_obj
def command(
    session: Session,
    method: str,
    path: str,
    texts: tuple[str, ...],
    typed: tuple[str, ...],
    source: str | None,
    walks: bool,
) -> None:
    """Call any path of the API, relative to /api/1.0.

    GET, HEAD and DELETE send the parameters in the query. Other methods send them in a JSON body, or, beside `--input`,
    in the query.

    \b
      krebit api GET /clients -f limit=2
      krebit api GET /clients --paginate --fields id,company_name
      krebit api POST /webhooks -f event=act.created -f target=https://example.com/hook
    """
    values: dict[str, Any] = dict(_pair(text) for text in texts)
    values |= {name: _typed(value) for name, value in map(_pair, typed)}
    in_query = method.upper() in ("GET", "HEAD", "DELETE")
    body = None if source is None else _body(source)
    output = Output(session)
    with session.client_of(_Client) as api:
        if walks:
            if method.upper() != "GET":
                raise click.UsageError("--paginate works with GET only")
            rows = _walk(session, api, path, values)
            output.records(rows, [])
            return
        if in_query or body is not None:
            content = api.request(method, path, params=values, **_json_body(body))
        else:
            content = api.request(method, path, **_json_body(values or None))
    records = content.get("data", content) if isinstance(content, Mapping) else content
    wants_rows = bool(session.fields) or session.form in ("csv", "table")
    if wants_rows and isinstance(records, list) and _are_rows(records):
        output.records(records, [])
    elif wants_rows and isinstance(records, Mapping) and records:
        output.record(records, [])
    elif content is not None:
        output.document(content)


def _walk(session: Session, api: _Client, path: str, params: Mapping[str, Any]) -> Iterator[Any]:
    with progress(session, "records") as report:
        walked = paginate(api.any_page, path, params).options(prefetch=4, progress=report)
        with closing(iter(walked)) as records:
            for record in records:
                yield record if isinstance(record, Mapping) else {"value": record}


def _are_rows(records: list[Any]) -> bool:
    return all(isinstance(record, Mapping) for record in records)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not KEY=VALUE", click.get_current_context())
    return name, value


def _typed(text: str) -> Any:
    """Return the JSON value that a text is, or the text."""
    try:
        return read_json(text)
    except ValueError:
        return text


def _json_body(value: Any) -> dict[str, Any]:
    """Return the arguments of a request with a JSON body, none for None. Raises UsageError.

    A fraction is a number with all its digits. The client itself would send a `Decimal` as text.
    """
    if value is None:
        return {}
    try:
        content = json_text(value)
    except RecursionError:
        raise click.UsageError("the body nests too deeply", click.get_current_context()) from None
    # A lone surrogate is written as JSON writes it.
    return {"content": content.encode("utf-8", "backslashreplace"), "headers": {"Content-Type": "application/json"}}


def _body(source: str) -> Any:
    try:
        if source == "-":
            return read_json(sys.stdin.read())
        return read_json(Path(source).read_text("utf-8-sig"))
    except ValueError as error:
        raise click.UsageError(f"--input {source}: is not JSON ({error})", click.get_current_context()) from None
