"""`krebit me`."""

import click

from krebit.cli.columns import Column
from krebit.cli.options import output_options
from krebit.cli.output import Output
from krebit.cli.session import Session

_COLUMNS = [
    Column("id"),
    Column("name", is_personal=True),
    Column("email", is_personal=True),
    Column("organization.name", "organization"),
    Column("organization.id", "organization id"),
]


@click.command("me")
@output_options
@click.pass_obj
def command(session: Session) -> None:
    """Show who is signed in. This also tests the login.

    \b
      krebit me
      krebit me --fields name,organization.name --csv
    """
    with session.client() as api:
        Output(session).record(api.get_current_user().to_row(), _COLUMNS)
