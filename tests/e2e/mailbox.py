"""A mail server on loopback that keeps what it took."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message


class Mailbox(Message):
    """Keeps the mails that a server took."""

    def __init__(self, port: int) -> None:
        """Take mail on a port of this machine."""
        super().__init__()
        self.port = port
        self.mails: list[EmailMessage] = []

    def handle_message(self, message: object) -> None:
        """Keep one mail."""
        self.mails.append(message_from_bytes(bytes(message), policy=default))  # type: ignore[call-overload]  # aiosmtpd does not type it

    @property
    def subjects(self) -> list[str]:
        """The subjects of all mails."""
        return [str(each["subject"]) for each in self.mails]


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """Take mail on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # aiosmtpd cannot say which port it got
        port: int = listener.getsockname()[1]
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port, server_hostname="localhost")
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
