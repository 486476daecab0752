"""A load balancer on loopback: each connection goes to the next server that takes it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


class LoadBalancer:
    """Spreads connections over servers, and passes over one that is gone."""

    def __init__(self, ports: Sequence[int]) -> None:
        """Listen on a free port of loopback, for servers on these ports."""
        self._ports = list(ports)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        far = self._reach()
        if far is None:
            near.close()
            return
        threading.Thread(target=_forward, args=(far, near), daemon=True).start()
        _forward(near, far)

    def _reach(self) -> socket.socket | None:
        for _ in self._ports:
            self._ports.append(self._ports.pop(0))
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", self._ports[-1]))
        return None


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def load_balancer(ports: Sequence[int]) -> Iterator[LoadBalancer]:
    """Run a load balancer for the servers on these ports."""
    balancer = LoadBalancer(ports)
    try:
        yield balancer
    finally:
        balancer.close()
