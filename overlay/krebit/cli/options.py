"""Options that many commands share. Each sets a field of the `Session`, so that no command handles them itself."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from krebit.cli.session import Session

C = TypeVar("C", bound=Callable[..., Any])


class WholeNumber(click.ParamType):  # type: ignore[type-arg]
    """A whole number, within limits if there are any. Its messages need no mathematics."""

    name = "number"

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self._least = least
        self._most = most
        limits = [f"from {least}"] if least is not None else []
        limits += [f"to {most}"] if most is not None else []
        self._limits = "".join(f" {limit}" for limit in limits)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises BadParameter."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number{self._limits}", param, ctx)
        is_small = self._least is not None and number < self._least
        is_large = self._most is not None and number > self._most
        if is_small or is_large:
            self.fail(f"{value!r} is not a whole number{self._limits}", param, ctx)
        return number


def _set(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Set the session's field that has the option's name, if the option was given."""
    session = context.ensure_object(Session)
    if parameter.name and value not in (None, False):
        setattr(session, parameter.name, value)


def _set_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    session = context.ensure_object(Session)
    if value and not session.debug:
        session.debug = True
        session.start_logging()


def _set_form(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    session = context.ensure_object(Session)
    if value is None:
        return
    if session.form not in ("auto", value):
        raise click.UsageError("use only one of --json, --lines, --csv and --table", context)
    session.form = value  # type: ignore[assignment]


def _set_fields(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    fields = tuple(name.strip() for name in value.split(",") if name.strip())
    if not fields:
        raise click.UsageError("--fields needs names, such as --fields id,company_name", context)
    context.ensure_object(Session).fields = fields


def _common() -> list[click.Option]:
    def option(*names: str, callback: Any = _set, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=callback, **attributes)

    return [
        option("--profile", metavar="NAME", help="Use the login of this profile.  [default: KREBIT_PROFILE]"),
        option("--domain", metavar="HOST", help="Use this tenant, such as yourco.krebit.se.  [default: KREBIT_DOMAIN]"),
        option("--plain-http", is_flag=True, help="Use HTTP without TLS, for a sandbox on this machine."),
        option("--mask", "masked", is_flag=True, help="Hide organisation numbers and contacts."),
        option("--color", type=click.Choice(["auto", "always", "never"]), help="Use colours.  [default: auto]"),
        option("--debug", is_flag=True, callback=_set_debug, help="Show the log and the details of a failure."),
    ]


def add_common_options(command: click.Command) -> None:
    """Add the options of every command, once, also to the commands of a group."""
    own = {parameter.name for parameter in command.params}
    command.params += [option for option in _common() if option.name not in own]
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_common_options(each)


def output_options(function: C) -> C:
    """Add the options that choose the form of the output."""
    forms = (
        ("--table", "table", "Write a table, also in a pipe."),
        ("--csv", "csv", "Write CSV with a header."),
        ("--lines", "lines", "Write a line of JSON for each record, as in a pipe."),
        ("--json", "json", "Write one JSON document."),
    )
    fields = "Show these fields, such as id,company_name."
    add = click.option("--fields", "--columns", metavar="NAMES", expose_value=False, callback=_set_fields, help=fields)
    function = add(function)
    for name, form, text in forms:
        add = click.option(
            name, flag_value=form, default=None, type=str, expose_value=False, callback=_set_form, help=text
        )
        function = add(function)
    return function
