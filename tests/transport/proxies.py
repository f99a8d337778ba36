"""A small forward proxy: CONNECT for TLS, absolute addresses for plain HTTP."""

import contextlib
import socket
import ssl
import threading
from typing import Self


class Proxy:
    """Listens on loopback, notes where it is sent, and passes bytes on. `refuse` is an answer to give instead."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, refuse: bytes | None = None) -> None:
        self._tls = tls
        self._refuse = refuse
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.targets: list[str] = []
        self.heads: list[bytes] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        self._servers: set[int] = set()

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._sockets:
            sock.close()

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._spawn(self._serve, self._listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            self._sockets.append(client)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = client.recv(65536)
                if not piece:
                    return
                data += piece
            self.heads.append(data)
            method, target, _ = data.split(b" ", 2)
            self.targets.append(target.decode())
            if self._refuse is not None:
                client.sendall(self._refuse)
                client.close()
                return
            address = target.decode().removeprefix("http://").partition("/")[0]
            host, _, port = address.partition(":")
            server = socket.create_connection((host, int(port)), 10)
            server.settimeout(None)
            self._sockets.append(server)
            self._servers.add(int(port))
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(data.replace(b"http://" + address.encode(), b"", 1))
            self._spawn(self._pass, server, client)
            self._pass(client, server)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            socket.socket.shutdown(target, socket.SHUT_RDWR)


class DrippingProxy(Proxy):
    """After so many bytes, what the server sends comes a byte at a time."""

    def __init__(self, after: int, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._after = after

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        if source.getpeername()[1] not in self._servers:
            super()._pass(source, target)
            return
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 if passed >= self._after else self._after - passed):
                target.sendall(data)
                passed += len(data)
                if passed >= self._after and self._ended.wait(0.1):
                    return
