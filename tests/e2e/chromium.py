"""Drives a headless Chromium through its own protocol, and notes what a page asks for and complains about."""

import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

PROGRAM: Final = next(
    (found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None
)
_SWITCHES: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--lang=en-GB"),
    *("--remote-debugging-port=0", "--disable-dev-shm-usage"),
)
_START_WITHIN_SECONDS: Final = 30
_LOAD_WITHIN_SECONDS: Final = 60  # a busy machine loads a page slowly


class Browser:
    """One page of a browser."""

    def __init__(self, line: Connection) -> None:
        """Talk to a page through its line."""
        self._line = line
        self._number = 0
        self._loads = 0
        self.requests: list[str] = []
        """The address of everything that was asked for since the last `open`."""
        self.complaints: list[str] = []
        """What the console of the browser said since then: errors, and what the policy has blocked."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and give what the page answers."""
        self._number += 1
        self._line.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])

    def open(self, address: str) -> None:
        """Load a page, and wait until everything of it is there."""
        self.requests.clear()
        self.complaints.clear()
        before = self._loads
        answer = self.ask("Page.navigate", url=address)
        assert not answer.get("errorText"), answer
        self._wait_for_load(before)

    def follow(self, action: str) -> None:
        """Run a script that leads to another page, and wait until everything of that is there."""
        before = self._loads
        self.run(f"setTimeout(() => {{ {action} }}, 0); null")
        self._wait_for_load(before)

    def _wait_for_load(self, before: int) -> None:
        until = time.monotonic() + _LOAD_WITHIN_SECONDS
        while self._loads == before:
            self._receive(until - time.monotonic())

    def run(self, expression: str) -> Any:
        """Run a script in the page, and give its value."""
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def wait_for(self, expression: str) -> Any:
        """Run a script again and again until its value counts as true, and give that."""
        until = time.monotonic() + _LOAD_WITHIN_SECONDS
        while not (value := self.run(expression)):
            assert time.monotonic() < until, f"not within {_LOAD_WITHIN_SECONDS} s: {expression}"
            time.sleep(0.1)
        return value

    def click(self, element: str) -> None:
        """Click on the middle of an element, once the script that finds it does."""
        x, y = self.wait_for(
            f"(() => {{ const found = {element};"
            " found?.scrollIntoView({block: 'center'});"
            " const box = found?.getBoundingClientRect();"
            " return box?.width ? [box.x + box.width / 2, box.y + box.height / 2] : null; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, element: str, text: str) -> None:
        """Put a text in the place of what stands in a field."""
        self.click(element)
        self.run("document.activeElement.select?.()")
        self.ask("Input.insertText", text=text)

    def show(self, scheme: str, *, width: int = 1280, height: int = 900) -> None:
        """Prefer a colour scheme, light or dark, in a window of a size."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media="", features=features)
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def picture(self, height: int) -> bytes:
        """Take a picture of the page from its top, as PNG."""
        size = self.run("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], height), "scale": 1}
        taken = self.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return b64decode(taken["data"])

    def _receive(self, within_seconds: float = _LOAD_WITHIN_SECONDS) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._line.recv(timeout=max(within_seconds, 0)))
        told = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Page.loadEventFired":
                self._loads += 1
            case "Log.entryAdded":
                self.complaints.append(f"{told['entry']['level']}: {told['entry']['text']}")
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(told)[:500])
        return message


@contextmanager
def open_browser(home: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and give its page."""
    assert PROGRAM
    port_file = home / "profile" / "DevToolsActivePort"
    command = [PROGRAM, *_SWITCHES, f"--user-data-dir={home / 'profile'}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + _START_WITHIN_SECONDS
            while not port_file.exists() or not port_file.read_text().strip():
                assert process.poll() is None, "the browser has ended"
                assert time.monotonic() < until, "the browser does not start"
                time.sleep(0.05)
            port = port_file.read_text().split()[0]
            page = httpx.put(f"http://127.0.0.1:{port}/json/new?about:blank").raise_for_status().json()
            with connect(page["webSocketDebuggerUrl"], max_size=None) as line:
                yield Browser(line)
        finally:
            process.terminate()
            process.wait(timeout=60)
