"""Progress of many calls, on stderr where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from krebit.cli.session import Session, is_terminal

Report = Callable[[int, int | None], None]


@contextmanager
def progress(session: Session, title: str) -> Iterator[Report]:
    """Show a bar for the `with` block. The function takes the records so far and the total, or None."""
    if not is_terminal(sys.stderr):
        yield lambda count, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from krebit.cli.tables import console_for

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console_for(session, sys.stderr), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda count, total: bar.update(task, completed=count, total=total)
