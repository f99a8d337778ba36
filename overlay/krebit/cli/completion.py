"""`krebit completion`."""

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    Make the folder first if it is missing. Then open a new terminal.

    \b
      krebit completion bash > ~/.local/share/bash-completion/completions/krebit
      krebit completion zsh > "${fpath[1]}/_krebit"
      krebit completion fish > ~/.config/fish/completions/krebit.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"this version of click has no completion for {shell}; update it")
    group = context.find_root().command
    click.echo(script(group, {}, "krebit", "_KREBIT_COMPLETE").source())
