"""Every block of commands in the documentation is run, here or by the test that is named here."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import ROOT
from tests.e2e.documented_world import World, running_world, write, write_documents
from tests.processes.terminal import SERVING, Terminal, dedent, find_port, split_at_servers
from tests.reading.documentation import TEXTS, code_blocks

ELSEWHERE: Final[Mapping[str, str]] = {
    "CONTRIBUTING.md": ".ci/run",
    "README.md": "tests/unit/docs/test_docs_examples.py",
    "docs/how-to/answer-questions-about-other-times.md": "tests/unit/docs/test_docs_questions.py",
    "docs/how-to/back-up-and-restore.md": "tests/unit/docs/test_docs_databases.py",
    "docs/how-to/check-documents-in-ci.md": "tests/unit/docs/test_docs_ci.py",
    "docs/how-to/install.md": "tests/e2e/test_wheel.py",
    "docs/how-to/plan-the-size.md": "tests/unit/docs/test_docs_databases.py",
    "docs/how-to/run-prefect-with-postgresql-and-redis.md": "tests/e2e/test_prefect_with_redis.py",
    "docs/how-to/simulate-a-year.md": "tests/unit/docs/test_docs_questions.py",
    "docs/how-to/test-your-schedules.md": "tests/unit/docs/test_docs_jobs.py",
    "docs/how-to/upgrade.md": "tests/unit/docs/test_docs_databases.py",
    "docs/how-to/when-a-test-fails.md": ".ci/run",
    "docs/tutorial.md": "tests/e2e/test_tutorial.py",
}
"""By page: the test that runs its blocks."""
BY_FILES: Final = (
    "docs/how-to/run-in-containers.md",
    "docs/how-to/run-in-kubernetes.md",
    "docs/how-to/run-under-systemd.md",
)
"""Pages whose commands need an engine or root: test_start_commands.py runs what their files start."""
LAST: Final = (
    "docs/how-to/when-a-receiver-was-down.md",
    "docs/how-to/set-up-connectors.md",
    "docs/how-to/keep-and-verify-the-evidence.md",
    "docs/how-to/uninstall.md",
)
"""Pages after which connectors, keys or deployments are different ones."""
PAGES: Final = [
    name
    for name, text in TEXTS.items()
    if any(code_blocks(text, "sh")) and name not in {*ELSEWHERE, *BY_FILES, *LAST}
] + [*LAST]
JUDGING: Final = (
    "alarm-path check dashboard deliver escalate gate look-ahead plan".split(),
    ["connectors", "outages"],
)
OWN_DATABASE: Final = (
    "export PREFECT_SERVER_DATABASE_CONNECTION_URL=sqlite+aiosqlite:///$PWD/other.db\n   prefect server start"
)
PREPARED: Final[Mapping[str, str]] = {
    "docs/audit-trail.md": """
        export THE_ID=$(curl -s "$PREFECT_API_URL/block_documents/filter" --json '{}' | python3 -c '
import json, sys
print(next(each["id"] for each in json.load(sys.stdin) if each["name"] == "slack"))')
        """,
    "docs/how-to/acknowledge-and-escalate.md": (
        "export CYCLE=$(drills notifications --schedule-id payments --json | item cycle_id)"
    ),
    "docs/how-to/follow-traces.md": """
        echo authorization=x > otlp
        export TOKEN=$(drills api-token create traces --scope operate --expires-days 90)
        """,
    "docs/how-to/hand-evidence-to-an-auditor.md": "drills evidence head > head.txt",
    "docs/how-to/set-up-connectors.md": (
        "prefect --no-prompt block delete rollback-drills-slack-webhook/pagerduty"
    ),
    "docs/how-to/skip-postpone-waive.md": "export DRILLS_SCHEDULE=$PWD/schedule.json",
    "docs/how-to/when-a-receiver-was-down.md": """
        URL=$REFUSING drills connectors import refusing.json
        drills deliver --schedule schedules --force
        """,
    "docs/how-to/when-a-run-fails.md": "rm schedules/*-history.json; drills deliver --schedule schedules",
    "docs/reference/environment.md": "echo drills:A-LONG-PASSWORD > auth",
}
"""By page: what its reader has done before."""
REPLACED: Final[Mapping[str, Mapping[str, str]]] = {
    "docs/audit-trail.md": {"/THE_ID/": "/$THE_ID/"},
    "docs/how-to/acknowledge-and-escalate.md": {"gordcycle-0123456789abcdef": "$CYCLE"},
    "docs/how-to/follow-traces.md": {
        "/run/secrets/otlp-headers": "$PWD/otlp",
        "drills api\n```": "drills api --embedded --schedule schedules\n```",
    },
    "docs/how-to/keep-and-verify-the-evidence.md": {'"KEY"': '"$(drills evidence head --key)"'},
    "docs/how-to/record-drills-from-where-they-run.md": {
        "drills api-token create payments-pipeline --scope record --expires-days 90": (
            "export TOKEN=$(drills api-token create payments-pipeline --scope record --expires-days 90)"
        ),
        "curl --fail": "drills api --embedded --schedule schedules\ncurl --fail",
        "https://drills.example/": "http://127.0.0.1:8000/",
        "2026-12-01T09": "2026-11-20T09",
    },
    "docs/how-to/run-it-in-production.md": {
        "PREFECT_API_URL=http://127.0.0.1:4200/api": "PREFECT_API_URL=$PREFECT_API_URL",
        "/srv/drills/schedules": "$PWD/schedules",
        "   prefect server start": f"   {OWN_DATABASE}",
    },
    "docs/how-to/serve-the-api.md": {
        "drills api-token create pipeline --scope operate --expires-days 90": (
            "export TOKEN=$(drills api-token create pipeline --scope operate --expires-days 90)"
        ),
        "drills api --schedule": "drills api --embedded --schedule",
        "curl -H": "curl --fail-with-body -H",
        "--host 0.0.0.0": "--host 127.0.0.1",
    },
    "docs/how-to/set-up-connectors.md": {
        "drills connectors enable": (
            "drills connectors disable slack --by maria --reason moved\n   drills connectors enable"
        ),
    },
    "docs/how-to/skip-postpone-waive.md": {
        "approve gordexreq-0123456789abcdef": 'approve "$(drills requests list --json | item request_id)"',
        "drills requests decline gordexreq-0123456789abcdef": (
            "drills requests create skip --until $UNTIL --reason late --by maria --schedule-id ledger"
            " --schedule schedules\n"
            'drills requests decline "$(drills requests list --json | item request_id)"'
        ),
    },
    "docs/how-to/watch-with-automations.md": {"--notify platform-team": "--notify slack"},
    "docs/how-to/when-a-receiver-was-down.md": {
        "gordmsg-5d1c9a3b7e20f184": "$(drills outbox list --json | item notification_id)",
        "gordreplay-0123456789abcdef": "$(drills outbox requests --json | item replay_id)",
    },
    "docs/reference/environment.md": {
        "/run/secrets/prefect-auth": "$PWD/auth",
        "drills exec": OWN_DATABASE.replace("   prefect server start", "drills exec"),
    },
}
"""By page: what a reader puts in the place of what."""
_BEGIN: Final = """set +e
trap 'echo "$? of $BASH_COMMAND" >> "$FAILED"' ERR
item() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0][sys.argv[1]])' "$1"
}
"""
"""Notes each command that fails; `item` prints a field of the first item of a document."""
REFUSING: Final = {
    "connectors": {
        "slack": {"type": "slack", "url_env": "URL"},
        "pagerduty": {"type": "slack", "url_env": "URL", "replay_approval": "required"},
    }
}
"""Connectors whose receiver takes nothing."""


def is_fine(failed: str) -> bool:
    """Whether a command may end like this: those that judge end with 1 if something needs attention."""
    code, _, command = failed.partition(" of ")
    words = command.split()[1:]
    return code == "1" and (
        "--dry-run" in words
        or words[:1] in [[each] for each in JUDGING[0]]
        or words[:2] == JUDGING[1]
        or "release-gate/release-gate" in words
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.mark.chaos
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, world: World, tmp_path: Path) -> None:
    folder, failed = tmp_path / "documents", tmp_path / "failed"
    write_documents(folder)
    (tmp_path / "evidence.db").write_bytes(world.past.read_bytes())
    environ = {
        **world.server.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FAILED": str(failed),
        "REFUSING": world.refusing,
        "UNTIL": (datetime.now(UTC) + timedelta(days=21)).isoformat(),
        "DRILLS_DATABASE_URL": f"sqlite:///{tmp_path / 'evidence.db'}",
        "DRILLS_SCHEDULE": str(folder / "schedules"),
        "SLACK_URL": world.receiver,
        **dict.fromkeys(("JIRA_TOKEN", "PAGERDUTY_KEY"), "0123456789abcdef0123456789abcdef"),
    }
    terminal = Terminal(folder, environ, tmp_path / "terminal")
    failed.touch()
    write(folder / "refusing.json", REFUSING)
    if connectors := [each for each in code_blocks(TEXTS[page], "json") if "SLACK_URL" in each]:
        (folder / "connectors.json").write_text(connectors[0])
    port = find_port()
    environ["PREFECT_SERVER_API_PORT"] = str(find_port())
    text = TEXTS[page]
    for old, new in REPLACED.get(page, {}).items():
        assert old in text, old
        text = text.replace(old, new)
    text = text.replace("drills api --", f"drills api --port {port} --").replace(
        "127.0.0.1:8000", f"127.0.0.1:{port}"
    )
    text = re.sub(r"--until 20\d\d-\S+", "--until $UNTIL", text)
    printed = [terminal.run(_BEGIN + PREPARED.get(page, "")).stdout]
    with ExitStack() as running:
        for block in map(dedent, code_blocks(text, "sh")):
            for part in split_at_servers(block):
                sign = next((sign for begin, sign in SERVING.items() if part.startswith(begin)), "")
                if sign:
                    running.close()  # one server at a time, as its port allows
                    place = Terminal(folder, environ, tmp_path / f"server-{len(printed)}")
                    place.adopt(terminal)
                    printed.append(part)
                    running.enter_context(place.running(part, sign))
                else:
                    printed.append(terminal.run(_BEGIN + part).stdout)
    assert [each for each in failed.read_text().splitlines() if not is_fine(each)] == [], "".join(printed)


@pytest.mark.parametrize("page", ELSEWHERE)
def test_the_test_that_runs_a_page_reads_it(page: str) -> None:
    assert any(code_blocks(TEXTS[page], "sh"))
    test = (ROOT / ELSEWHERE[page]).read_text()
    assert page in test or "make test" in test
