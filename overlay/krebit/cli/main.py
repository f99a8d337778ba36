"""The group of commands: each is loaded when it is called.

**A new command** is a module `cli/<name>.py` with one click command, or `Group`, named `command`, and a line in
`COMMANDS` below with its short help. The command takes the `Session` by `@click.pass_obj`: its client, its output, its
notes. The options of every command (`--profile`, `--debug` and so on) are added here; those of its output by
`@output_options` of `cli/options.py`. It raises the errors of `krebit.errors` or of click, and `cli/problems.py` shows
them. Its help has an example.
"""

import os
import sys
from importlib import import_module

import click

from krebit._version import __version__
from krebit.cli.groups import Group
from krebit.cli.options import add_common_options
from krebit.cli.problems import DONE, FAILED, exit_code_of
from krebit.cli.session import Session

COMMANDS = {
    "login": "Sign in with the browser.",
    "logout": "Delete the stored login.",
    "status": "Show the tenant, application and login.",
    "me": "Show who is signed in.",
    "clients": "List clients.",
    "client": "Show one client.",
    "act": "Show acts, the evaluations of clients.",
    "export": "Write clients, acts or their values into a file.",
    "webhook": "Subscribe to events, receive or verify deliveries.",
    "api": "Call any path of the API, for programmers.",
    "doctor": "Check the settings, the connection and the API.",
    "completion": "Print the completion script of a shell.",
}

# The variable by which a shell asks for completions.
_COMPLETION = "_KREBIT_COMPLETE"

_HELP = """Krebit Finance at the command line.

\b
  krebit login                       sign in
  krebit clients --limit 5           look at some clients
  krebit export clients --to c.csv   write all of them into a file

A terminal shows tables. A pipe gets JSON: a line for each record.
"""


class CommandGroup(Group):
    """Loads a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, loaded, with the options that all have; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"krebit.cli.{cmd_name}").command
        add_common_options(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=CommandGroup, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="krebit", message="%(prog)s %(version)s")
def group() -> None:
    """Hold the commands."""


add_common_options(group)


def run(arguments: list[str]) -> int:
    """Run one command line. Return its exit code."""
    session = Session()
    try:
        if _COMPLETION in os.environ:
            group.main(arguments, prog_name="krebit", complete_var=_COMPLETION)
        # Not by `main`: click hides a closed pipe behind an exit code of its own.
        with group.make_context("krebit", arguments, obj=session) as context:
            group.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - each becomes one line and an exit code
        return exit_code_of(error, session)
    return FAILED if session.list_has_changed else DONE
