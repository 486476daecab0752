"""Receives messages for Slack on loopback, and prints them: for docs/tutorial.md."""

import json
import re
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8099


class Receiver(BaseHTTPRequestHandler):
    """Accepts every message."""

    def do_POST(self) -> None:
        """Print the texts of one message."""
        message = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        print("\n".join(["", *list_texts(message.get("blocks", message))]), flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Print nothing else."""


def list_texts(part: Any) -> list[str]:
    """Return the texts of a message in their order, one field or link on a line."""
    if isinstance(part, str):
        links = re.findall(r"<(http[^|>]+)\|([^>]+)>", part)
        return [f"{label}: {address}" for address, label in links] or [part.replace("*\n", "* ")]
    if isinstance(part, list):
        return [text for each in part for text in list_texts(each)]
    return [text for key in ("text", "fields", "elements") for text in list_texts(part.get(key, []))]


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    print(f"Waiting for messages at http://127.0.0.1:{PORT}/ (stop with Ctrl-C)", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
