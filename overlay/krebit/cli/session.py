"""The settings of one run of the command line: its options, its client, and where its notes go."""

import logging
import os
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from typing import TypeVar

    from krebit import Krebit
    from krebit.config import UncheckedSettings

    K = TypeVar("K", bound=Krebit)

Form = Literal["auto", "table", "lines", "json", "csv"]


@dataclass
class Session:
    """The options of one run.

    `profile` and `domain` are None where the settings decide. `form` is that of the output, `fields` are those that
    were asked for, `masked` hides organisation numbers and contacts. `list_has_changed` says that a list changed while
    it was walked.
    """

    profile: str | None = None
    domain: str | None = None
    plain_http: bool = False
    debug: bool = False
    color: Literal["auto", "always", "never"] = "auto"
    masked: bool = False
    form: Form = "auto"
    fields: tuple[str, ...] = ()
    list_has_changed: bool = False

    def settings(self, *, with_secret: bool = True) -> "UncheckedSettings":
        """Return the settings, unchecked, and where each comes from. Raises ConfigurationError."""
        from krebit.config_file import default_path, read_settings  # the help of a command does without it

        return read_settings(
            os.environ, self.profile, domain=self.domain, path=default_path(os.environ), with_secret=with_secret
        )

    def client(self) -> "Krebit":
        """Return a client of the settings. Raises ConfigurationError."""
        from krebit import Krebit

        return self.client_of(Krebit)

    def client_of(self, kind: "type[K]") -> "K":
        """Return a client of the settings, of a class derived from `Krebit`. Raises ConfigurationError."""
        self._show_waits()
        self._show_changes_of_lists()
        return kind.from_env(profile=self.profile, domain=self.domain, plain_http=self.plain_http)

    def start_logging(self) -> None:
        """Show the client's log on stderr."""
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger = logging.getLogger("krebit")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)

    def _show_waits(self) -> None:
        """Show each wait of more than a second, where stderr is a terminal: a command that waits seems to hang."""
        if self.debug or not is_terminal(sys.stderr):
            return
        logger = logging.getLogger("krebit")
        logger.addHandler(_Notes(self))
        logger.setLevel(logging.INFO)

    def _show_changes_of_lists(self) -> None:
        """Note the warning that a list changed while it was walked, without a line of this program."""
        from krebit import ListDriftWarning

        show_other = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, ListDriftWarning):
                show_other(message, category, filename, lineno, file, line)
                return
            self.list_has_changed = True
            self.note(f"krebit: {message}: call the command again")

        warnings.simplefilter("always", ListDriftWarning)
        warnings.showwarning = show

    def note(self, text: str) -> None:
        """Show lines on stderr, beside the data. Where there is no stderr, nothing happens.

        A text may hold names of the server's: the terminal obeys none of their characters.
        """
        from krebit.cli.values import clean  # the help of a command does without it

        if sys.stderr is None:
            return
        text = "\n".join(map(clean, text.split("\n")))
        try:
            print(text, file=sys.stderr, flush=True)  # noqa: T201
        except (OSError, ValueError):  # it is closed
            return

    def is_colored(self, stream: object) -> bool:
        """Return whether output to a stream is coloured: --color, NO_COLOR, then whether it is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: object) -> bool:
    """Return whether a stream is a terminal."""
    isatty = getattr(stream, "isatty", None)
    try:
        return isatty is not None and bool(isatty())
    except ValueError:  # it is closed
        return False


class _Notes(logging.Handler):
    """Notes the lines of the client's log."""

    def __init__(self, session: Session) -> None:
        super().__init__(logging.INFO)
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        self._session.note(f"krebit: {record.getMessage()}")
