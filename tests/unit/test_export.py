import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pymerkle import InmemoryTree
from sqlalchemy import text

from rollback_drills.database import Database
from rollback_drills.documents.fields import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appending import append
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.records import DRILL_KIND, record_plan, start_record
from rollback_drills.exporting.bundle import export
from rollback_drills.exporting.manifest import Manifest, Query
from rollback_drills.verifying.auditor import Trust
from rollback_drills.verifying.bundle import verify_bundle
from tests.unit.builders import DATABASES, KEY, NOW, fresh_database, judged, make_subject, open_key, planned
from tests.unit.tampering import fill, make_row

ROOT = Path(__file__).parents[2]


def after(hours: float) -> str:
    """Write an instant so many hours after the first row."""
    return write_instant(NOW + timedelta(hours=hours))


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh_database(request.param, tmp_path) as url:
        opened = Database.open(url)
        fill(opened, (9, 1, 6, 4, 13))  # rows 1 to 33 are of the hours 0 to 32; row 0 names the key
        yield opened
        opened.engine.dispose()


def exported(database: Database, folder: Path, query: Query | None = None) -> Manifest:
    return export(database, query or Query(), folder, key=KEY, exported_at=NOW, progress=lambda _: None)


def rows_of(folder: Path) -> list[int]:
    """Give the numbers of the exported rows."""
    return [json.loads(line)["leaf_index"] for line in (folder / "rows.jsonl").read_text().splitlines()]


SCHEDULE_1 = [0, *range(2, 34, 3)]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param(Query(), list(range(34)), id="everything"),
        pytest.param(Query(since=after(10)), [0, *range(10, 34)], id="from"),
        pytest.param(Query(until=after(10)), list(range(12)), id="to"),
        pytest.param(Query(since=after(10), until=after(12)), [0, 10, 11, 12, 13], id="period"),
        pytest.param(Query(since=after(9.5), until=after(10.5)), [0, 10, 11, 12], id="one row"),
        pytest.param(Query(since=after(-99), until=after(99)), list(range(34)), id="more than there is"),
        pytest.param(Query(schedules=("schedule-1",)), SCHEDULE_1, id="a schedule"),
        pytest.param(
            Query(after(3), after(9), ("schedule-1", "schedule-2")),
            [0, 5, 6, 8, 9],
            id="both",
        ),
    ],
)
def test_an_export_shows_what_was_asked_for_and_verifies(
    query: Query, rows: list[int], database: Database, tmp_path: Path
) -> None:
    head = find_head(database)
    assert head
    manifest = exported(database, tmp_path / "out", query)

    assert rows_of(tmp_path / "out") == rows
    assert (manifest.row_count, manifest.size) == (len(rows), 34)
    result = verify_bundle(
        tmp_path / "out", Trust([("the head", head.checkpoint)], KEY.public), lambda _: None
    )
    assert result.findings == []
    assert result.compared == ["the head", "the public key"]


def test_the_root_is_that_of_a_tree_that_we_did_not_write(database: Database, tmp_path: Path) -> None:
    exported(database, tmp_path / "out")
    tree = InmemoryTree(algorithm="sha256")
    for line in (tmp_path / "out/rows.jsonl").read_bytes().splitlines():
        tree.append_entry(line)

    head = find_head(database)

    assert head
    assert head.checkpoint.root == tree.get_root()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (Query(schedules=("schedule-9",)), "no evidence of the schedule 'schedule-9'; known are schedule-0"),
        (Query(since=after(99)), "no evidence of this period"),
        (Query(until=after(-1)), "no evidence of this period"),
    ],
)
def test_an_export_of_nothing_is_refused_and_leaves_nothing(
    query: Query, problem: str, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=problem):
        exported(database, tmp_path / "out", query)

    assert not list(tmp_path.glob("out*"))


def test_a_folder_that_exists_is_left_alone(database: Database, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    with pytest.raises(UsageError, match="exists already"):
        exported(database, tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_appended_meanwhile_is_not_in_an_export(database: Database, tmp_path: Path) -> None:
    added: list[object] = []

    def add_once(_: int) -> None:
        if not added:
            added.append(append(database, [make_row(2000)], open_key))

    fill(database, (1500,), start=33)
    manifest = export(database, Query(), tmp_path / "out", key=KEY, exported_at=NOW, progress=add_once)

    assert added
    assert manifest.size == 34 + 1500
    assert verify_bundle(tmp_path / "out", Trust(), lambda _: None).is_intact


def test_a_full_disk_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (300,))
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from rollback_drills.database import Database\n"
        "from rollback_drills.errors import UsageError\n"
        "from tests.unit.test_export import exported\n"
        "database = Database.open(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: exported(database, Path(sys.argv[2]))\n"
        "except UsageError as error: print(error)"
    )
    url, out = f"sqlite:///{tmp_path / 'drills.db'}", str(tmp_path / "out")

    done = subprocess.run(
        [sys.executable, "-c", script, url, out], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{out} cannot be written: File too large\n"
    assert not list(tmp_path.glob("out*"))


def test_the_guide_tells_how_to_verify_without_this_program(database: Database, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(database, out, Query(since=after(10), until=after(20)))
    (script,) = re.findall(r"```python\n(.*?)```", (out / "VERIFY.md").read_text(), re.DOTALL)
    (tmp_path / "check.py").write_text(script)
    command = [sys.executable, "-I", str(tmp_path / "check.py"), str(out)]
    before = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = (out / "rows.jsonl").read_bytes()
    (out / "rows.jsonl").write_bytes(rows.replace(b"delivered", b"deliverex", 1))
    after_a_flip = subprocess.run(command, capture_output=True, text=True, check=False)
    (out / "rows.jsonl").write_bytes(rows)
    notes = (out / "checkpoints.txt").read_text()
    (out / "checkpoints.txt").write_text(notes.replace("\n34\n", "\n35\n"))
    with_another_head = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (before.returncode, before.stdout) == (0, f"34 rows are as the head of {KEY.name} says\n"), before
    assert (after_a_flip.returncode, with_another_head.returncode) == (1, 1)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def put_story(database: Database) -> None:
    """Write a schedule whose names are hostile, with a drill in time, one late and one refused."""
    name = '=<script>alert("x")</script>'
    for due in ("2026-11-01T09:00:00Z", "2026-12-01T09:00:00Z"):
        subject = make_subject(schedule_id=name, next_due_at=due)
        report = judged(subject).schedule["schedule"]
        records = list(record_plan(planned(subject), report, "rcd-x", created_at=NOW, signer="me"))
        append(database, records, open_key)
    drills = [("in-time", "2026-10-30", True), ("late", "2026-12-03", True), ("refused", "2026-12-02", False)]
    append(
        database,
        [
            {
                **start_record(DRILL_KIND, "rcd-x", created_at=NOW, signer="me"),
                "schedule_id": name,
                "drill_id": drill_id,
                "accepted": accepted,
                "drill": {"executed_at": f"{day}T09:00:00Z"},
            }
            for drill_id, day, accepted in drills
        ],
        open_key,
    )


def test_the_report_tells_the_story_and_executes_nothing(database: Database, tmp_path: Path) -> None:
    put_story(database)
    exported(database, tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text()
    parser = _Tags()
    parser.feed(page)

    assert "script" not in parser.tags
    assert "&lt;script&gt;" in page
    plain = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "2026-11-01 09:00:00 UTC in time in-time" in plain
    assert "2026-12-01 09:00:00 UTC late by 2 days 0 hours late" in plain
    assert "drill not accepted" in plain
    assert "slack delivered 33" in plain
    assert not re.search(r"(?:src|href)=", page)


def test_no_cell_of_the_table_is_a_formula(database: Database, tmp_path: Path) -> None:
    put_story(database)
    exported(database, tmp_path / "out")

    with (tmp_path / "out/evidence.csv").open(newline="") as file:
        table = list(csv.reader(file))

    assert len({len(row) for row in table}) == 1
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=<script>") for row in table for cell in row)


def test_a_killed_export_leaves_no_export(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (1500,))
    script = (
        "import os, sys; from pathlib import Path\n"
        "from rollback_drills.database import Database\n"
        "from rollback_drills.exporting.bundle import export\n"
        "from tests.unit.test_export import KEY, NOW, Query\n"
        "export(Database.open(sys.argv[1]), Query(), Path(sys.argv[2]), key=KEY, exported_at=NOW,\n"
        "       progress=lambda _: os.kill(os.getpid(), 9))"
    )
    url, out = f"sqlite:///{tmp_path / 'drills.db'}", tmp_path / "out"

    killed = subprocess.run([sys.executable, "-c", script, url, str(out)], cwd=ROOT, check=False)

    assert killed.returncode == -9
    assert not out.exists()
    exported(database, out)
    assert sorted(os.listdir(tmp_path)) == ["drills.db", "drills.db-shm", "drills.db-wal", "out"]


def test_pruned_rows_are_folded_and_the_rest_verifies(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        where = "FROM ledger WHERE leaf_index BETWEEN 1 AND 12"
        keep = f"INSERT INTO ledger_pruned SELECT leaf_index, hashes, once_key {where}"
        for statement in (keep, f"DELETE {where}"):
            connection.execute(text(statement))

    exported(database, tmp_path / "out")

    assert rows_of(tmp_path / "out") == [0, *range(13, 34)]
    (finding,) = verify_bundle(tmp_path / "out", Trust(), lambda _: None).findings
    assert "rows before 13 were pruned, and no row of the ledger says so" in finding.message
