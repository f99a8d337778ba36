"""A group of commands that answers a mistyped one with a suggestion."""

import click


class Group(click.Group):
    """As click's, and a mistyped command is answered with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the rest of the arguments. Raises UsageError for an unknown command."""
        name = args[0]
        names = self.list_commands(ctx)
        if name in names or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        close = get_close_matches(name, names, 1)
        meant = f"did you mean {close[0]}?" if close else f"the commands are {', '.join(names)}"
        raise click.UsageError(f"there is no command {name!r}; {meant}", ctx)
