"""Keep the session of a read for the refresh that follows it at once: connecting is the longest step."""

import os
import threading
from contextlib import suppress

from krebit.stores.postgres_session import Session

# Seconds for which a session is kept.
_KEPT = 1.0
# Sessions that a forked child found in its memory: they are its parent's, and must not even be closed there.
_inherited: list[Session] = []


class SpareSessions:
    """Sessions that nobody uses, each for a second. Threads may share it: each step on the list is atomic."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []

    def keep(self, session: Session) -> None:
        """Keep a session for a second, then close it unless somebody has taken it."""
        self._sessions.append(session)
        timer = threading.Timer(_KEPT, self._close, (session,))
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no thread can start at the end of the interpreter
            self._close(session)

    def take(self) -> Session | None:
        """Return a session of this process, which may have broken since it was kept, or None."""
        while True:
            try:
                session = self._sessions.pop()
            except IndexError:
                return None
            if session.process == os.getpid():
                return session
            _inherited.append(session)

    def _close(self, session: Session) -> None:
        with suppress(ValueError):  # somebody has taken it
            self._sessions.remove(session)
            session.close()
