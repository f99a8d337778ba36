"""`krebit logout`."""

import click

from krebit.cli.session import Session


@click.command("logout")
@click.pass_obj
def command(session: Session) -> None:
    """Delete the stored login. The settings stay.

    The API cannot revoke tokens: they stay valid at the server until they expire.

    \b
      krebit logout
      krebit logout --profile anna
    """
    with session.client() as api:
        was_signed_in = api.is_signed_in()
        api.logout()
    session.note("Signed out." if was_signed_in else "Nobody was signed in.")
