"""A line to a server that can be frozen, as when a host or a network is gone, and cut, and that can lose an answer."""

import socket
import threading
from contextlib import suppress
from pathlib import Path


class Line:
    """Passes bytes on between a socket in a folder and a server's socket, until it is frozen or cut."""

    def __init__(self, server: Path, place: Path) -> None:
        self._server = server
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(place))
        place.chmod(0o777)
        self.listening.listen(64)
        self._passes = threading.Event()
        self._passes.set()
        self._loses_answer = False
        self.connections = 0
        self._changing = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Let no byte through from now on. Connections stay, and new ones are taken."""
        self._passes.clear()

    def thaw(self) -> None:
        """Let everything through again."""
        self._passes.set()

    def lose_next_answer(self) -> None:
        """Break the connection on which the server's next answer comes, in place of passing it on."""
        self._loses_answer = True

    def cut(self) -> None:
        """Break every connection that there is."""
        with self._changing:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        """Break everything, and take no more."""
        self._passes.set()
        with self._changing:
            self._is_closed = True
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)  # which ends the thread that accepts
        self.listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._server))
            except OSError:
                near.close()
                far.close()
                continue
            with self._changing:
                if self._is_closed:  # accepted when nobody cuts it any more
                    near.close()
                    far.close()
                    return
                self._sockets += [near, far]
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near), kwargs={"answers": True}, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, *, answers: bool = False) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                self._passes.wait()
                if answers and self._loses_answer:
                    self._loses_answer = False
                    break
                target.sendall(content)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
