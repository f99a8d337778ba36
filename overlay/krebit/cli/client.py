"""`krebit client`."""

import click

from krebit.cli.columns import Column
from krebit.cli.options import WholeNumber, output_options
from krebit.cli.output import Output
from krebit.cli.session import Session

_COLUMNS = [
    Column("id"),
    Column("company_name"),
    Column("org_number"),
    Column("country"),
    Column("credit_limit", currency="currency"),
    Column("rating"),
    Column("contact_name"),
    Column("contact_email"),
    Column("contact_phone"),
    Column("created_at"),
    Column("updated_at"),
]


@click.command("client")
@click.argument("number", metavar="ID", type=WholeNumber())
@output_options
@click.pass_obj
def command(session: Session, number: int) -> None:
    """Show one client, with all its fields.

    ID is the id of a client. krebit clients shows the id.

    \b
      krebit client 12345
      krebit client 12345 --fields company_name,credit_limit
    """
    from krebit import NotFound

    with session.client() as api:
        try:
            client = api.get_client(number)
        except NotFound as error:
            text = f"there is no client {number}; krebit clients lists them; the server says: {error}"
            raise click.ClickException(text) from error
        Output(session).record(client.to_row(), _COLUMNS)
