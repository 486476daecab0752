import csv
import io
import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sqlalchemy import event, text

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import ConflictError, DatabaseError
from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append, appending
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.cycles import CycleState, Due, PerformedDrill, judge_cycles
from rollback_drills.evidence.export.manifest import Manifest, Query
from rollback_drills.evidence.export.row_selection import fold_gap
from rollback_drills.evidence.heads import find_head
from rollback_drills.evidence.ledger.merkle import hash_leaf
from rollback_drills.evidence.ledger_records import KeyRecord
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import Record
from rollback_drills.evidence.record_kinds import (
    DRILL_KIND,
    ESCALATION_KIND,
    IMPORT_KIND,
    PRUNING_KIND,
)
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.bundle import verify_bundle
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    NotifiedRoute,
    record_acknowledgement,
)
from rollback_drills.followup.exceptions.exception import ExceptionKind, Grant, record_exception
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import Readiness
from tests.processes.forked import find_exit_code, fork
from tests.samples.builders import KEY, NOW, judged, make_subject, open_key, planned
from tests.samples.commands import drills
from tests.samples.databases import only_on_sqlite
from tests.samples.ledgers import append_check
from tests.samples.plain_records import as_record, start_record
from tests.samples.tampering import OTHER_KEY, fill, make_row, unguard


def after(hours: float) -> str:
    """Write an instant so many hours after the first row."""
    return write_instant(NOW + timedelta(hours=hours))


@pytest.fixture
def database(database: Database) -> Database:
    """Fill the database with 34 rows."""
    fill(database, (9, 1, 6, 4, 13))  # rows 1 to 33 are of the hours 0 to 32; row 0 names the key
    return database


def exported(database: Database, folder: Path, query: Query | None = None) -> Manifest:
    return export(database, query or Query(), folder, key=KEY, exported_at=NOW, progress=lambda _: None)


def rows_of(folder: Path) -> list[int]:
    """Return the numbers of the exported rows."""
    return [json.loads(line)["leaf_index"] for line in (folder / "rows.jsonl").read_text().splitlines()]


SCHEDULE_1 = [0, *range(2, 34, 3)]


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        pytest.param(Query(), [10, 11, 17, 21, 34], id="everything"),
        pytest.param(Query(since=after(9)), [10, 11, 17, 21, 34], id="the row before is the last of a head"),
        pytest.param(Query(since=after(10)), [11, 17, 21, 34], id="the row before is the first of a head"),
        pytest.param(Query(since=after(16), until=after(17)), [17, 21, 34], id="a period"),
        pytest.param(Query(schedules=("schedule-1",)), [10, 11, 17, 21, 34], id="a schedule"),
    ],
)
def test_every_head_over_what_is_shown_is_there_the_newest_last(
    query: Query, sizes: list[int], database: Database, tmp_path: Path
) -> None:
    exported(database, tmp_path / "out", query)

    notes = (tmp_path / "out/checkpoints.txt").read_text()

    assert [int(size) for size in re.findall(r"^(\d+)$", notes, re.MULTILINE)] == sizes


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
        (Query(after(9.5), after(10.5), ("schedule-0",)), "no evidence of these schedules in this period"),
    ],
)
def test_an_export_of_nothing_is_refused_and_leaves_nothing(
    query: Query, problem: str, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=problem):
        exported(database, tmp_path / "out", query)

    assert not [*tmp_path.glob("*out*"), *tmp_path.glob(".*")]


def test_a_folder_that_exists_is_left_alone(database: Database, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    with pytest.raises(UsageError, match="exists already"):
        exported(database, tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
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


def test_an_export_is_of_one_instant(database: Database, tmp_path: Path) -> None:
    writer = Database.open(database.engine.url.render_as_string(hide_password=False))
    added: list[object] = []

    def add_once(*arguments: object) -> None:
        if "ledger_heads" in str(arguments[2]) and not added:
            added.append(append(writer, [make_row(2000)], open_key))

    event.listen(database.engine, "after_cursor_execute", add_once)
    manifest = exported(database, tmp_path / "out")
    writer.engine.dispose()

    assert added
    assert (manifest.row_count, manifest.size) == (34, 34)
    assert verify_bundle(tmp_path / "out", Trust(), lambda _: None).findings == []


@pytest.mark.slow
def test_a_full_disk_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (300,))
    database.engine.dispose()

    def fail() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        reopened = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(UsageError, match=r"out cannot be written: file too large$"):
            exported(reopened, tmp_path / "out")

    assert find_exit_code(fork(fail)) == 0
    assert not [*tmp_path.glob("*out*"), *tmp_path.glob(".*")]


SCRIPTS = ("the rows", "the signatures")


def run_guide(folder: Path, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the scripts of the guide, as an auditor would, far from this program."""
    found = re.findall(r"```python\n(.*?)```", (folder / "VERIFY.md").read_text(), re.DOTALL)
    assert len(found) == len(SCRIPTS)
    code = found[SCRIPTS.index(script)]
    assert len(code.splitlines()) <= 40
    return subprocess.run(
        [sys.executable, "-I", "-c", code, str(folder), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def edit(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        content = (folder / name).read_bytes()
        assert old in content
        (folder / name).write_bytes(content.replace(old, new, 1))

    return tamper


def cut_rows(folder: Path) -> None:
    """Take the last row away, from the rows and from the tree."""
    for name in ("rows.jsonl", "tree.txt"):
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:-1]))


def forge_manifest(folder: Path) -> None:
    """Edit the report, and let the manifest and the text that is signed fit; only the signature does not."""
    report, manifest, signature = (
        (folder / name).read_bytes() for name in ("report.html", "manifest.json", "manifest.sig")
    )

    def digest(content: bytes) -> bytes:
        return sha256(content).hexdigest().encode()

    new_report = report.replace(b"slack", b"teams")
    new_manifest = manifest.replace(digest(report), digest(new_report))
    (folder / "report.html").write_bytes(new_report)
    (folder / "manifest.json").write_bytes(new_manifest)
    (folder / "manifest.sig").write_bytes(signature.replace(digest(manifest), digest(new_manifest)))


def add_row(folder: Path) -> None:
    with (folder / "rows.jsonl").open("ab") as file:
        file.write(b"{}\n")


def add_module(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def link_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "elsewhere")
    (folder / "manifest.json").symlink_to(folder.parent / "elsewhere")


def put_pipe(folder: Path) -> None:
    """Put something in the place of the heads that never ends."""
    (folder / "checkpoints.txt").unlink()
    os.mkfifo(folder / "checkpoints.txt")


def grow_report(folder: Path) -> None:
    os.truncate(folder / "report.html", 10**13)


def shadow_module(folder: Path) -> None:
    (folder / "base64.py").write_text("raise SystemExit(3)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "tamper", "code"),
    [
        pytest.param("the rows", None, 0, id="rows as they were"),
        pytest.param("the rows", edit("rows.jsonl", b"delivered", b"deliverex"), 1, id="a row"),
        pytest.param("the rows", edit("checkpoints.txt", b"\n34\n", b"\n35\n"), 1, id="the head"),
        pytest.param("the rows", cut_rows, 1, id="the last row"),
        pytest.param("the rows", add_row, 1, id="one row more"),
        pytest.param("the signatures", None, 0, id="files as they were"),
        pytest.param("the signatures", edit("checkpoints.txt", b"\n34\n", b"\n35\n"), 1, id="a signed head"),
        pytest.param("the signatures", edit("report.html", b"slack", b"teams"), 1, id="the report"),
        pytest.param("the signatures", edit("manifest.json", b'"from"', b'"to"'), 1, id="the manifest"),
        pytest.param("the signatures", forge_manifest, 1, id="a forged manifest"),
        pytest.param("the signatures", add_module, 1, id="a file more"),
        pytest.param("the signatures", link_manifest, 1, id="a link to the manifest"),
        pytest.param("the signatures", put_pipe, 1, id="a pipe"),
        pytest.param("the signatures", grow_report, 1, id="terabytes of a file"),
        pytest.param("the rows", shadow_module, 0, id="a module that is not imported"),
    ],
)
def test_the_guide_tells_how_to_verify_without_this_program(
    script: str, tamper: Callable[[Path], None] | None, code: int, tmp_path: Path
) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (9, 1, 6, 4, 13))
    exported(database, tmp_path / "out")
    if tamper:
        tamper(tmp_path / "out")

    done = run_guide(tmp_path / "out", script)

    assert done.returncode == code, done
    assert bool(done.stdout) == (code == 0)
    assert "MemoryError" not in done.stderr


@pytest.mark.slow
def test_the_scripts_of_the_guide_take_a_period_and_a_key_that_was_changed(
    database: Database, tmp_path: Path
) -> None:
    rotate(database)
    export(
        database,
        Query(since=after(10), until=after(20)),
        tmp_path / "out",
        key=OTHER_KEY,
        exported_at=NOW,
        progress=lambda _: None,
    )

    assert verify_bundle(tmp_path / "out", Trust(), lambda _: None).findings == []
    assert [run_guide(tmp_path / "out", script).returncode for script in SCRIPTS] == [0, 0]
    kept = [run_guide(tmp_path / "out", SCRIPTS[1], key.public.text) for key in (OTHER_KEY, KEY)]
    assert [each.returncode for each in kept] == [0, 1]
    assert "signed with another key" in kept[1].stderr


def test_the_guide_says_to_run_its_scripts_isolated(database: Database, tmp_path: Path) -> None:
    exported(database, tmp_path / "out")

    guide = (tmp_path / "out" / "VERIFY.md").read_text()

    assert "python3 -I SCRIPT FOLDER" in guide
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "out").iterdir()}
    assert (modes, stat.S_IMODE((tmp_path / "out").stat().st_mode)) == ({0o600}, 0o700)


@pytest.mark.slow
def test_what_a_spreadsheet_takes_for_a_formula_is_neutralised(database: Database, tmp_path: Path) -> None:
    cells = {
        **{f"{sign}1+1": f"'{sign}1+1" for sign in "=+-@＝＋－＠﹢﹣"},
        **{f"{blank}=1+1": f"'{blank}=1+1" for blank in (" ", "\u3000", "\ufeff", "\u200b")},
        **{f"{separator}=1+1": f"'{separator}'=1+1" for separator in ("\n", "\r", "\t")},
        **{f"a{separator}=1": f"a{separator}'=1" for separator in (";", "\t", "\n")},
        **{word: word for word in ("team-a", "a@b", "1=1", "a, -b", "équipe")},
    }
    append(database, [make_row(40 + row, owner=owner) for row, owner in enumerate(cells)], open_key)
    exported(database, tmp_path / "out")

    content = (tmp_path / "out/evidence.csv").read_bytes()

    assert content.startswith(b"\xef\xbb\xbfleaf_index,")  # Excel takes UTF-8 only with a byte order mark
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [each["owner"] for each in rows[-len(cells) :]] == list(cells.values())


def rotate(database: Database) -> None:
    record = KeyRecord(
        created_at=write_instant(NOW + timedelta(hours=40)),
        signer="maria",
        origin=KEY.name,
        public_key=OTHER_KEY.public.text,
        previous_public_key=KEY.public.text,
        lost=False,
    )
    with appending(database, open_key) as (_, appender):
        appender.rotate(OTHER_KEY, record)


def test_a_key_that_was_changed_since_it_was_opened_signs_no_export(
    database: Database, tmp_path: Path
) -> None:
    rotate(database)

    with pytest.raises(ConflictError, match="changed meanwhile"):
        exported(database, tmp_path / "out")

    assert not [*tmp_path.glob("*out*"), *tmp_path.glob(".*")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM ledger WHERE leaf_index = 20", "row 20 is missing"),
        ("DELETE FROM ledger WHERE leaf_index > 30", "it has 31 rows, and its newest head is over 34"),
        ("DELETE FROM ledger_heads WHERE tree_size > 30", "it has 34 rows, and its newest head is over 21"),
        ("UPDATE ledger SET record = '{}' WHERE leaf_index = 20", "row 20 was changed"),
        ("UPDATE ledger SET hashes = (SELECT hashes FROM ledger WHERE leaf_index = 19)", "row 0 was changed"),
    ],
    ids=["a row", "the end", "a head", "a record", "hashes"],
)
def test_evidence_that_is_damaged_is_not_exported(
    statement: str, problem: str, database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        unguard(connection)
        connection.execute(text(statement))

    with pytest.raises(DatabaseError, match=f"the evidence is damaged: {problem}; `drills evidence verify`"):
        exported(database, tmp_path / "out")

    assert not [*tmp_path.glob("*out*"), *tmp_path.glob(".*")]


@only_on_sqlite  # PostgreSQL keeps the type of a column
@pytest.mark.parametrize(
    "change", ["record = x'ff'", "record = CAST(x'7bff' AS TEXT)", "hashes = 'none'", "hashes = x''"]
)
def test_a_value_that_no_column_of_the_ledger_has_is_not_exported(
    change: str, database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        unguard(connection)
        connection.execute(text(f"UPDATE ledger SET {change} WHERE leaf_index = 20"))

    with pytest.raises(DatabaseError, match="the evidence is damaged: row 20 was changed"):
        exported(database, tmp_path / "out")


@pytest.mark.parametrize("record", ["{", "[]", "{}"], ids=["no JSON", "no record", "an empty record"])
def test_a_row_that_fits_its_hash_and_holds_no_record_is_not_exported(
    record: str, database: Database, tmp_path: Path
) -> None:
    change = "UPDATE ledger SET record = :record, hashes = :hashes WHERE leaf_index = 20"
    with database.write() as connection:
        unguard(connection)
        connection.execute(text(change), {"record": record, "hashes": hash_leaf(record.encode())})

    with pytest.raises(DatabaseError, match="the evidence is damaged: row 20 cannot be read"):
        exported(database, tmp_path / "out")


def test_what_lies_beside_the_folder_is_left_alone(database: Database, tmp_path: Path) -> None:
    beside = tmp_path / "out.partial"
    beside.mkdir()
    (beside / "mine.txt").write_text("mine")

    exported(database, tmp_path / "out")

    assert (beside / "mine.txt").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.glob("*out*")) == ["out", "out.partial"]


def test_only_some_of_many_schedules_are_named(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    append(database, [make_row(number, schedule_id=f"s{number:02}") for number in range(15)], open_key)

    with pytest.raises(UsageError, match=r"known are s00, s01, .*, s09, …$"):
        exported(database, tmp_path / "out", Query(schedules=("unknown",)))


@pytest.mark.slow
@given(st.data())
def test_folds_cover_a_gap_in_order_and_cross_no_border(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 3000))
    end = data.draw(st.integers(start, 3000))
    borders = sorted(data.draw(st.sets(st.integers(0, 3000), max_size=9)))

    place = start
    for level, index in fold_gap(start, end, borders):
        assert index << level == place
        place = (index + 1) << level
        assert not any(index << level < border < place for border in borders)
    assert place == end


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
        report = judged(subject).schedule
        records = list(record_plan(planned(subject), report, "rcd-x", created_at=NOW, signer="me"))
        append(database, records, open_key)
    drills = [("in-time", "2026-10-30", True), ("late", "2026-12-03", True), ("refused", "2026-12-02", False)]
    append(
        database,
        [
            as_record(
                {
                    **start_record(DRILL_KIND, "rcd-x", created_at=NOW, signer="me"),
                    "schedule_id": name,
                    "drill_id": drill_id,
                    "accepted": accepted,
                    "drill": {"executed_at": f"{day}T09:00:00Z"},
                }
            )
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


def test_a_schedule_that_did_not_change_in_the_period_is_in_its_report(
    database: Database, tmp_path: Path
) -> None:
    later = NOW + 100 * DAY
    append_check(database, later - 40 * DAY, {"schedule_id": "gone"}, {"schedule_id": "payments"})
    append_check(database, later - 30 * DAY, {"schedule_id": "payments"})
    append_check(database, later, {"schedule_id": "payments"})

    exported(database, tmp_path / "out", Query(since=(later - DAY).isoformat()))

    page = (tmp_path / "out/report.html").read_text()
    plain = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "needs attention 0 docs/runbook.md 39 (before the period)" in plain
    assert "checks of all schedules 1 1 row rollback-drills-check" in plain
    assert "schedules in scope 1" in plain
    assert "gone" not in plain.partition("Population")[2].partition("Drills performed")[0]


@pytest.mark.slow
def test_a_drill_that_was_changed_counts_as_its_newest_row_has_it(database: Database, tmp_path: Path) -> None:
    start = start_record(DRILL_KIND, "rcd-x", created_at=NOW + timedelta(hours=40), signer="me")
    drill = {
        "schedule_id": "payments",
        "drill_id": "drill-1",
        "drill": {"executed_at": "2026-12-01T09:00:00Z"},
    }
    for accepted in (False, True):
        append(database, [as_record({**start, **drill, "accepted": accepted})], open_key)

    exported(database, tmp_path / "out")

    assert "drill not accepted" not in (tmp_path / "out/report.html").read_text()


def test_no_cell_of_the_table_is_a_formula(database: Database, tmp_path: Path) -> None:
    put_story(database)
    exported(database, tmp_path / "out")

    with (tmp_path / "out/evidence.csv").open(newline="", encoding="utf-8-sig") as file:
        table = list(csv.reader(file))

    assert len({len(row) for row in table}) == 1
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=<script>") for row in table for cell in row)


DUE = NOW
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("executed", "seen_from", "seen_at", "state", "late_by"),
    [
        pytest.param(DUE, None, DUE, CycleState.IN_TIME, 0 * DAY, id="at the due instant"),
        pytest.param(DUE + SECOND, None, DUE, CycleState.LATE, SECOND, id="a second late"),
        pytest.param(
            DUE - 30 * DAY + SECOND, None, DUE, CycleState.IN_TIME, 0 * DAY, id="early in the interval"
        ),
        pytest.param(DUE - 30 * DAY, None, DUE, CycleState.OPEN, 0 * DAY, id="the drill of the cycle before"),
        pytest.param(None, None, DUE, CycleState.OPEN, 0 * DAY, id="none, due now"),
        pytest.param(None, None, DUE + SECOND, CycleState.MISSED, 0 * DAY, id="none, due a second ago"),
        pytest.param(None, DUE - 30 * DAY, DUE + DAY, CycleState.MISSED, 0 * DAY, id="whole interval shown"),
        pytest.param(None, DUE - 29 * DAY, DUE + DAY, CycleState.NOT_SHOWN, 0 * DAY, id="interval cut"),
        pytest.param(DUE + DAY, DUE - 29 * DAY, DUE, CycleState.NOT_SHOWN, 0 * DAY, id="cut, a later drill"),
        pytest.param(DUE - DAY, DUE - 29 * DAY, DUE, CycleState.IN_TIME, 0 * DAY, id="cut, but in time"),
    ],
)
def test_a_due_instant_is_met_in_time_late_or_not_at_all(
    executed: datetime | None,
    seen_from: datetime | None,
    seen_at: datetime,
    state: CycleState,
    late_by: timedelta,
) -> None:
    drills = [
        PerformedDrill(1, "refused", DUE - DAY, accepted=False, problems="", approver=""),
        PerformedDrill(2, "undated", None, accepted=True, problems="", approver=""),
    ]
    if executed:
        drills.append(PerformedDrill(3, "it", executed, accepted=True, problems="", approver=""))

    due = Due(DUE, DUE - 30 * DAY)
    (cycle,) = judge_cycles([due], drills, seen_from=seen_from, seen_at=seen_at)

    assert (cycle.state, cycle.late_by) == (state, late_by)
    assert (cycle.drill.drill_id if cycle.drill else None) == (
        "it" if state in (CycleState.IN_TIME, CycleState.LATE) else None
    )


def test_a_period_that_is_over_is_missed_although_a_drill_came_later() -> None:
    later = PerformedDrill(3, "it", DUE + DAY, accepted=True, problems="", approver="")
    for can_be_late, state in ((True, CycleState.LATE), (False, CycleState.MISSED)):
        due = Due(DUE, DUE - 30 * DAY, can_be_late)
        (cycle,) = judge_cycles([due], [later], seen_from=None, seen_at=DUE + 2 * DAY)
        assert cycle.state is state


@pytest.mark.slow
def test_a_drill_that_was_written_down_before_the_period_is_not_called_missed(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    subject = make_subject(next_due_at="2026-12-05T09:00:00Z")
    start = start_record(DRILL_KIND, "rcd-x", created_at=NOW - 2 * DAY, signer="me")
    drill = {"drill_id": "early", "accepted": True, "executed_at": "2026-11-28T09:00:00+00:00", "drill": {}}
    append(database, [as_record({**start, "schedule_id": "payments", **drill})], open_key)
    plan = record_plan(planned(subject), judged(subject).schedule, "rcd-x", created_at=NOW + DAY, signer="me")
    append(database, [*plan, make_row(24 * 20)], open_key)

    exported(database, tmp_path / "period", Query(since=write_instant(NOW)))
    exported(database, tmp_path / "all")

    assert "2026-12-05 09:00:00 UTC not shown" in text_of(tmp_path / "period")
    assert "export from an earlier day" in text_of(tmp_path / "period")
    assert "2026-12-05 09:00:00 UTC in time early" in text_of(tmp_path / "all")
    assert "export from an earlier day" not in text_of(tmp_path / "all")


def text_of(folder: Path) -> str:
    """Return what a person reads in the report."""
    page = (folder / "report.html").read_text()
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_the_report_names_every_exception_who_approved_it_and_its_row(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (3,))
    put_exceptions(database)
    export(database, Query(), tmp_path / "out", key=OTHER_KEY, exported_at=NOW, progress=lambda _: None)

    plain = text_of(tmp_path / "out")

    assert "dead letter schedule-1 slack to team-a: permanent, no such channel – 4" in plain
    assert "not delivered schedule-2 slack to team-a: retry – 5" in plain
    assert "import – 2 rows from index.json, which was not signed; the first is named ada 6" in plain
    assert "drill not accepted payments drill-9: status is fail; no evidence carol 8" in plain
    assert "acknowledged 2026-12-04 18:00:00 UTC payments gordcycle-7 team-a slack OPS-1 9" in plain
    assert "clock – went back by 36000 seconds" in plain
    assert "pruning – 1 row before row 2; retention 24 months dave" in plain
    assert f"change of the key – {OTHER_KEY.public.text} maria" in plain
    assert f"first key – {KEY.public.text} test 0" in plain


def test_the_report_and_the_table_tell_the_follow_up(database: Database, tmp_path: Path) -> None:
    later = NOW + timedelta(hours=40)
    escalation = {
        **start_record(ESCALATION_KIND, "rcd-x", created_at=later, signer="me"),
        "schedule_id": "payments",
        "cycle_id": "gordcycle-7",
        "owner": "team-a",
        "step": 2,
        "told": "<b>director</b>",
        "providers": ["email", "slack"],
        "step_due_at": write_instant(NOW + timedelta(hours=39)),
        "escalated_at": write_instant(later),
        "status": "needs_attention",
    }
    granted = record_exception(
        Grant(ExceptionKind.POSTPONE, later + timedelta(days=5), "a freeze", "release-board"),
        Cycle("payments", "gordcycle-7", Readiness.NEEDS_ATTENTION),
        due_at=NOW,
        postpone_limit=timedelta(days=30),
        now=later,
        created_at=later,
        signer="me",
    )
    append(database, [as_record(escalation), granted], open_key)
    exported(database, tmp_path / "out")

    plain = text_of(tmp_path / "out")

    assert (
        "2026-12-03 01:00:00 UTC &lt;b&gt;director&lt;/b&gt; email, slack 2 2026-12-03 00:00:00 UTC"
        " payments gordcycle-7 team-a 34" in plain
    )
    assert (
        "2026-12-03 01:00:00 UTC postpone payments gordcycle-7 2026-12-01 09:00:00 UTC"
        " 2026-12-08 01:00:00 UTC a freeze release-board 35" in plain
    )
    assert "escalations 1 1 row go-backend-rollback-drill-escalation" in plain
    assert "skipped, postponed or waived 1 1 row go-backend-rollback-drill-exception" in plain
    with (tmp_path / "out/evidence.csv").open(newline="", encoding="utf-8-sig") as file:
        (*_, first, second) = csv.DictReader(file)
    assert (first["what"], second["what"]) == ("<b>director</b>", "postpone")


def put_exceptions(database: Database) -> None:
    """Write rows 4 to 9, each an exception of another kind, and then what the ledger says of itself."""

    def make(kind: str, hour: int, signer: str, facts: dict[str, Any]) -> Record:
        start = start_record(kind, "rcd-x", created_at=NOW + timedelta(hours=hour), signer=signer)
        return as_record({**start, **facts})

    route = NotifiedRoute("rcd-x", "payments", "gordcycle-7", "gordn-1", "slack", "team-a", "gordroute-1")
    now = NOW + timedelta(hours=9)
    append(
        database,
        [
            make_row(4, outcome="permanent", delivery_success=False, error="no such channel"),
            make_row(5, outcome="retry", delivery_success=False),
            *(make(IMPORT_KIND, 6, "ada", {"imported_from": "index.json", "original": {}}) for _ in "ab"),
            make(
                DRILL_KIND,
                8,
                "me",
                {
                    "schedule_id": "payments",
                    "drill_id": "drill-9",
                    "accepted": False,
                    "problems": ["status is fail", "no evidence"],
                    "drill": {"approved_by": "carol"},
                },
            ),
            record_acknowledgement(
                Acknowledgement("bob", external_ref="OPS-1"), route, now=now, created_at=now
            ),
            make_row(-1),
            make(
                PRUNING_KIND,
                10,
                "dave",
                {
                    "pruned_before": 2,
                    "row_count": 1,
                    "cut_off": after(0),
                    "retention_months": 24,
                    "root": "",
                },
            ),
        ],
        open_key,
    )
    rotate(database)


def test_a_report_that_is_limited_to_schedules_does_not_say_that_there_was_no_outage(
    database: Database, tmp_path: Path
) -> None:
    def read(name: str, query: Query) -> str:
        exported(database, tmp_path / name, query)
        return " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / name / "report.html").read_text()).split())

    everything, limited = read("all", Query()), read("some", Query(schedules=("schedule-1",)))

    assert limited.count("Not in this export, which is limited to schedules.") == 2
    assert "Outages of connectors, and replays, discards and switched connectors" in limited
    assert "outages of connectors" not in limited
    assert "Not in this export" not in everything
    assert "outages of connectors 0" in everything


@pytest.mark.parametrize("query", [Query(), Query(since=after(10), until=after(12))], ids=["all", "period"])
def test_the_report_can_be_read_without_sight_and_without_a_network(
    query: Query, database: Database, tmp_path: Path
) -> None:
    put_story(database)
    exported(database, tmp_path / "out", query)
    page = (tmp_path / "out/report.html").read_text()
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)

    assert '<html lang="en">' in page
    assert len(tables) >= 6
    assert all("<caption>" in each for each in tables)
    assert re.findall(r"<th(?! scope=\"(?:col|row)\")[ >]", page) == []
    for each in tables:
        columns = each.count('scope="col"')
        spans = re.findall(r"<tr>(.*?)</tr>", each.partition("<tbody>")[2], re.DOTALL)
        for row in spans:
            cells = len(re.findall(r"<t[hd][ >]", row))
            assert f'colspan="{columns}"' in row or cells == columns, row
    assert not re.search(r"@import|url\(|https?://|<(?:script|link|img|iframe)", page)


@pytest.mark.slow
def test_a_killed_export_leaves_no_export(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'drills.db'}")
    fill(database, (1500,))
    database.engine.dispose()
    out = tmp_path / "out"

    def die(_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    killed = fork(lambda: export(database, Query(), out, key=KEY, exported_at=NOW, progress=die))

    assert find_exit_code(killed) == -signal.SIGKILL
    assert not out.exists()
    (left,) = tmp_path.glob(".out-*.partial")
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    exported(database, out)
    assert out.exists()


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
    plain = text_of(tmp_path / "out")
    assert "rows whose time of retention is over 12 their hashes in tree.txt" in plain
    assert "12 rows of the period whose time of retention is over" in plain
    assert run_guide(tmp_path / "out", "the rows").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--from", "2026-02-30"], '--from is "2026-02-30"; write a day, 2026-06-20'),
        (["--to", "soon"], '--to is "soon"; write a day'),
        (["--from", "0001-01-01T00:00:00+14:00"], "--from is"),
        (["--from", "2026-02-01", "--to", "2026-02-01"], "--from 2026-02-01 is not before --to 2026-02-01"),
        ([], "there is no evidence"),
    ],
)
def test_the_command_refuses_in_one_line(arguments: list[str], problem: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"

    done = drills("evidence", "export", "out", *arguments, "--database", url, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"drills: {problem}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
