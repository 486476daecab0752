"""The page about Prefect with PostgreSQL and Redis, on real ones."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import make_url

from tests.checkout import ROOT
from tests.e2e.conftest import wait_until
from tests.processes.terminal import SERVING, Terminal, find_port, split_at_servers
from tests.reading.documentation import TEXTS, code_blocks
from tests.samples.schemas import POSTGRES

PAGE: Final = TEXTS["docs/how-to/run-prefect-with-postgresql-and-redis.md"]


@pytest.mark.chaos
@pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="on Debian: apt install redis-server")
@pytest.mark.parametrize("section", ["PostgreSQL alone", "With Redis"])
def test_prefect_runs_on_postgresql_and_on_redis_as_the_page_says(section: str, tmp_path: Path) -> None:
    pytest.importorskip("prefect_redis", reason="run `make docs` once")
    server, name = make_url(POSTGRES), uuid4().hex[:8]
    names = {each: f"{each}_{name}" for each in ("prefect", "drills")}
    port, redis = find_port(), find_port()
    for each in (".venv", "constraints.txt"):
        (tmp_path / each).symlink_to(ROOT / each)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "DRILLS_"))}
    environ = {
        **kept,
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": str(server.host),
        "PGPORT": str(server.port or 5432),
        "PGUSER": str(server.username),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_REDIS_MESSAGING_PORT": str(redis),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    text = text.replace("127.0.0.1:4200", f"127.0.0.1:{port}").replace("--host 0.0.0.0", "--host 127.0.0.1")
    text = text.replace("redis:6379", f"127.0.0.1:{redis}").replace("_HOST=redis", "_HOST=127.0.0.1")
    text = text.replace("user@db", f"{server.username}@{server.host}:{server.port or 5432}")
    text = re.sub(r"(createdb |:\d+/)(prefect|drills)\b", lambda found: found[1] + names[found[2]], text)
    terminal = Terminal(tmp_path, environ, tmp_path / "terminal")
    started: list[str] = []
    with ExitStack() as running:
        listen = ("--port", str(redis), "--bind", "127.0.0.1")
        command = ["redis-server", *listen, "--save", "", "--dir", str(tmp_path)]
        broker = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        running.callback(broker.terminate)
        if section == "With Redis":
            terminal.run(f"createdb {names['prefect']}")
        running.callback(terminal.run, f"dropdb --force {names['prefect']}; dropdb --force {names['drills']}")
        for number, part in enumerate(
            part for block in code_blocks(text, "sh") for part in split_at_servers(block) if part.strip()
        ):
            sign = next((sign for begin, sign in SERVING.items() if part.startswith(begin)), "")
            if not sign:
                done = terminal.run(part)
                assert done.returncode == 0, part + done.stdout
                continue
            place = Terminal(tmp_path, environ, tmp_path / f"server-{number}")
            place.adopt(terminal)
            running.enter_context(place.running(part, sign))
            wait_until(partial(answers, f"http://127.0.0.1:{port}/api/health"), within_seconds=120)
            started.append(" ".join(part.split()[:3]))
        assert answers(f"http://127.0.0.1:{port}/api/admin/version")
    assert started[0] == "prefect server start"
    assert ("prefect server services" in started) == (section == "With Redis")


def answers(address: str) -> bool | None:
    """Whether a server answers; None if not, or not yet."""
    with suppress(httpx.HTTPError):
        return httpx.get(address, timeout=10).status_code == 200 or None
    return None
