"""Writes the database of a commit as a text dump, for `tests/unit/database/test_formats.py`.

    python tests/formats/write_format.py COMMIT NAME

It runs the code of the commit: three checks of the documents in `documents/`, with an embedded Prefect server
and a receiver on loopback. It writes `NAME.sql` beside itself, with the key of the ledger in the first line.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from blocks.ledger_key import block_name
from rollback_drills.evidence.ledger.keys import PublicKey
from tests.checkout import ROOT
from tests.processes.loopback_receiver import running_receiver

HERE: Final = Path(__file__).parent
CHECKS: Final = ("2026-11-01T09:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T15:00:00Z")
"""Payments is due soon in one cycle, its drill is performed, and then everything is due soon or overdue."""
_PRINT_SECRET: Final = (
    "import sys; from prefect.blocks.system import Secret; print(Secret.load(sys.argv[1]).get())"
)
_DRILLS: Final = "from rollback_drills_cli.main import main; main()"


def write_format(commit: str, name: str) -> Path:
    """Write the dump of a commit, and return its file."""
    with TemporaryDirectory() as text:
        folder = Path(text)
        code = folder / "code"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", code, commit], cwd=ROOT, check=True)
        try:
            with running_receiver() as receiver:
                environ = _run_checks(code, folder, receiver.url)
            return _dump(folder / "evidence.db", HERE / f"{name}.sql", environ)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", code], cwd=ROOT, check=True)


def _run_checks(code: Path, folder: Path, url: str) -> dict[str, str]:
    connectors = folder / "connectors.json"
    connectors.write_text(json.dumps({"connectors": {"webhook": {"url_env": "RECEIVER_URL"}}}))
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DRILLS_"))
    }
    environ |= {
        "PYTHONPATH": str(code),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "DRILLS_DATABASE_URL": f"sqlite:///{folder / 'evidence.db'}",
        # the evidence names the paths
        "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": "documents/*-schedule.json",
        "CAVRA_GO_ROLLBACK_DRILL_HISTORY": "documents/*-history.json",
        "RECEIVER_URL": url,
    }

    def drills(*words: str) -> None:
        subprocess.run([sys.executable, "-c", _DRILLS, *words], cwd=folder, env=environ, check=False)

    drills("connectors", "import", str(connectors))
    for number, at in enumerate(CHECKS):
        documents = HERE / "documents" / ("before" if number == 0 else "after")
        shutil.copytree(documents, folder / "documents", dirs_exist_ok=True)
        drills("deliver", "--now", at)
    return environ


def _dump(database: Path, file: Path, environ: dict[str, str]) -> Path:
    with closing(sqlite3.connect(database)) as connection:
        statements = list(connection.iterdump())
        key = _find_key(connection, environ)
    file.write_text("\n".join([f"-- {key}", *statements, ""]))
    return file


def _find_key(connection: sqlite3.Connection, environ: dict[str, str]) -> str:
    """Return the private key of the ledger; empty if there is no ledger."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger_heads'").fetchone():
        return ""
    newest = "SELECT public_key FROM ledger_heads ORDER BY tree_size DESC LIMIT 1"
    name = block_name(PublicKey.parse(connection.execute(newest).fetchone()[0]))
    ran = subprocess.run(
        [sys.executable, "-c", _PRINT_SECRET, name],
        env=environ,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.stdout.write(f"wrote {write_format(sys.argv[1], sys.argv[2])}\n")
