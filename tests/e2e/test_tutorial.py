"""The tutorial, as somebody does it who has only the page: from nothing to an acknowledged notification."""

import os
import re
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.checkout import ROOT
from tests.processes.prefect_server import copy_migrated
from tests.processes.terminal import Terminal
from tests.reading.documentation import TEXTS, code_blocks
from tests.samples.repositories import copy_files

PAGE: Final = TEXTS["docs/tutorial.md"]
PORTS: Final = ("4200", "8099", "8000")
READY: Final = {"2": "View the API reference", "3": "Waiting for messages", "4": "listening on"}
"""What each terminal shows that goes on running."""
LINK: Final = re.compile(r"Acknowledge: (http://127\.0\.0\.1:\d+/acknowledge/\S+)")


def find_ports() -> dict[str, str]:
    """Return a free port in place of each of the page."""
    with ExitStack() as probes:
        free = [probes.enter_context(socket.socket()) for _ in PORTS]
        for each in free:
            each.bind(("127.0.0.1", 0))
        return {port: str(each.getsockname()[1]) for port, each in zip(PORTS, free, strict=True)}


def test_the_first_line_of_each_block_names_its_terminal() -> None:
    terminals = [
        re.match(r"# terminal ([1-4])(?:, in your copy of this repository)?\n", each)
        for each in code_blocks(PAGE, "sh")
    ]

    assert len(terminals) > 10
    assert all(terminals)
    assert {found[1] for found in terminals if found} == {"1", *READY}


@pytest.mark.chaos
def test_the_tutorial_leads_to_an_acknowledged_notification(tmp_path: Path) -> None:
    home, checkout, ports = tmp_path / "home", tmp_path / "checkout", find_ports()
    copy_files(checkout)
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    copy_migrated(home / ".prefect" / "prefect.db")
    receiver = checkout / "examples" / "receiver.py"
    receiver.write_text(receiver.read_text().replace("8099", ports["8099"]))
    text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports[found[1]]}", PAGE)
    text = text.replace("drills api ", f"drills api --port {ports['8000']} ")
    text = text.replace("make install\n", "")  # .ci/run does it in a fresh clone
    environ = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PREFECT_SERVER_API_PORT": ports["4200"],
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    first = Terminal(checkout, environ, tmp_path / "terminal-1")
    printed: list[str] = []
    logs: dict[str, Path] = {}
    with ExitStack() as running:
        for block in code_blocks(text, "sh"):
            terminal = block[len("# terminal ")]
            if terminal in READY:
                place = Terminal(checkout, environ, tmp_path / f"terminal-{terminal}")
                logs[terminal] = running.enter_context(place.running(block, READY[terminal]))
                if terminal == "4":
                    acknowledge(logs["3"].read_text())
                continue
            done = first.run(block)
            assert done.returncode == 0, block + done.stdout
            printed.append(done.stdout)
        home_page = httpx.get(f"http://127.0.0.1:{ports['8000']}/", follow_redirects=True)
    assert (home_page.status_code, "payments-team" in home_page.text) == (200, True)
    shown = "".join(printed)
    for said in (
        "exit code 1",
        "1 to notify, 0 suppressed",
        "slack: delivered",
        "outstanding: 0; too late: 0",
    ):
        assert said in shown, shown
    assert "Verified: everything is as it was signed." in shown
    assert re.search(r"Drill schedule payments: ready", printed[-1])
    (example,) = code_blocks(PAGE, "text")
    for line in example.splitlines():
        # what depends on today, and what the page leaves out; the ports are others here
        assert re.sub(r" \(.*|(:8000.*)?…$", "", line) in logs["3"].read_text(), line


def acknowledge(messages: str) -> None:
    """Open the link of the message, and press the button."""
    link = LINK.findall(messages)[-1]
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert "<button>Acknowledge</button>" in page.text
        answer = browser.post(link, data={"by": "anna"}, headers={"Origin": link.partition("/acknow")[0]})
    assert answer.status_code == 200, answer.text
    assert "anna" in answer.text


def test_make_install_says_in_one_line_that_the_module_venv_is_missing(tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError('as on Debian without python3-venv')")
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for each in ("pyproject.toml", "constraints.txt"):
        (tmp_path / each).touch()

    done = subprocess.run(
        ["make", "--no-print-directory", "install"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "The module venv of Python is missing: apt-get install python3-venv, then make install"
    ]
    assert not (tmp_path / ".venv").exists()
