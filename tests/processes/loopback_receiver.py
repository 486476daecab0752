"""A receiver on loopback in a process of its own, told by a script how to behave; it logs all it gets.

    python -m tests.processes.loopback_receiver LOG '{"statuses": [503, 200]}'

It prints its port, and writes a line of JSON for each request to LOG (`-` for none).
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.checkout import ROOT


class Receiver(asyncio.Protocol):
    """One connection; requests are answered one after the other."""

    script: dict[str, Any]
    log: str
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            body, line = self._data[end + 4 : end + 4 + length], self._data[: self._data.find(b"\r\n")]
            self._data = self._data[end + 4 + length :]
            self._take(line.decode(), head.decode(), body)

    def _take(self, line: str, head: str, body: bytes) -> None:
        statuses = self.script.get("statuses", [200])
        status = statuses[min(Receiver.count, len(statuses) - 1)]
        Receiver.count += 1
        if self.log != "-":
            received = {"at": time.time(), "line": line, "head": head, "status": status}
            with Path(self.log).open("a") as file:  # anew each time: a test may have taken it away
                file.write(json.dumps({**received, "body": body.decode(errors="replace")}) + "\n")
        delay = self.script.get("delay", 0.0)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._answer, status)
        else:
            self._answer(status)

    def _answer(self, status: int) -> None:
        body = self.script.get("body", "ok").encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in self.script.get("headers", {}).items())
        head = f"HTTP/1.1 {status} -\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        self._transport.write(head.encode() + body)


async def serve(log: str, script: dict[str, Any]) -> None:
    """Serve until killed, from a given port or any."""
    Receiver.script = script
    Receiver.log = log
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", script.get("port", 0), backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@dataclass(frozen=True)
class Running:
    """A receiver that runs."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def received(self) -> list[dict[str, Any]]:
        """Return every request so far, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def running_receiver(log: Path | None = None, **script: Any) -> Iterator[Running]:
    """Run a receiver with a script: `statuses`, `headers`, `body`, `delay` in seconds, `port`."""
    command = [sys.executable, "-m", "tests.processes.loopback_receiver", str(log or "-"), json.dumps(script)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Running(int(process.stdout.readline()), log or Path("-"))
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
