"""Every table of a page as CSV: what the page says, and nothing that a spreadsheet takes for a formula."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollback_drills.console.csv_table import CsvTable
from rollback_drills.console.evidence import list_evidence
from rollback_drills.console.export import write_export
from rollback_drills.console.fleet_csv import FLEET_TABLES, list_fleet
from rollback_drills.console.links import ServedLinks, StaticLinks
from rollback_drills.console.month import list_month
from rollback_drills.console.query import FleetQuery, MonthQuery
from rollback_drills.console.schedule import read_schedule
from rollback_drills.console.schedule_csv import SCHEDULE_TABLES
from rollback_drills.console.source import Console, read_console
from rollback_drills.database.connections import Database
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.readiness.states import Readiness
from tests.samples.world import World

FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def console(database: Database) -> Console:
    """Return the console of two schedules, one with a formula as its name, that were notified in vain."""
    world = World(
        database,
        {"owner_routes": {"team-a": {"escalation_owner": "lead"}}},
        {"schedule_id": FORMULA, "owners": [FORMULA]},
    )
    world.perform()
    world.refusing.add("teams")
    world.check()
    world.wait(hours=3)
    world.escalate()
    subjects = world.subjects()
    judgements = judge_all(subjects, Criteria(), now=world.now)
    return read_console(world.database, subjects, judgements, now=world.now)


def read(table: CsvTable) -> list[dict[str, str]]:
    """Read a table back."""
    return list(csv.DictReader(io.StringIO(table.write().removeprefix("\ufeff"))))


def test_the_fleet_has_every_row_that_a_query_finds(console: Console) -> None:
    rows = read(list_fleet(console, FleetQuery()))
    assert {each["schedule_id"] for each in rows} == {"payments", f"'{FORMULA}"}
    assert {each["cycle_state"] for each in rows} <= {
        "notified",
        "escalated",
        "overdue",
        "open",
        "",
        "breached",
    }
    assert read(list_fleet(console, FleetQuery(state=Readiness.READY))) == []


@pytest.mark.parametrize("name", FLEET_TABLES)
def test_every_table_of_the_fleet_can_be_written(console: Console, name: str) -> None:
    table = FLEET_TABLES[name](console)
    rows = read(table)
    assert len(rows) == len(table.rows)
    assert all(len(each) == len(table.columns) for each in table.rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_dead_letters_say_why_and_whether_they_matter(console: Console) -> None:
    dead = read(FLEET_TABLES["dead-letters"](console))
    assert {(each["provider"], each["detail"], each["owner_not_notified"]) for each in dead} == {
        ("teams", "refused", "True")
    }


@pytest.mark.parametrize("name", SCHEDULE_TABLES)
def test_every_table_of_a_schedule_can_be_written(console: Console, name: str) -> None:
    table = SCHEDULE_TABLES[name](read_schedule(console, "payments"))
    assert table.rows
    assert len(read(table)) == len(table.rows)
    assert all(len(each) == len(table.columns) for each in table.rows)


def test_the_month_and_the_evidence_are_tables_too(console: Console) -> None:
    assert read(list_month(console, MonthQuery(), ServedLinks()))
    assert read(list_evidence(console))
    with pytest.raises(UsageError, match="no page 9"):
        list_evidence(console, 9)


def test_times_lists_and_formulas_are_written_for_spreadsheets() -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    text = CsvTable(("a", "b", "c", "d"), [(at, ("x", "y"), None, "-1+1|cmd")]).write()
    assert text == "\ufeffa,b,c,d\r\n2026-12-01T09:00:00+00:00,x; y,,'-1+1|cmd\r\n"


@pytest.mark.slow
def test_files_are_written_beside_their_pages(console: Console, tmp_path: Path) -> None:
    links = StaticLinks()
    write_export(console, tmp_path / "site", links, progress=lambda _: None)

    for name in ("fleet", "evidence", *FLEET_TABLES):
        assert (tmp_path / "site" / links.csv(name)).read_bytes().startswith(b"\xef\xbb\xbf"), name
    assert (tmp_path / "site" / links.csv("drills", id="payments")).is_file()
    assert links.csv("fleet", owner="team-a") == ""
    assert ServedLinks().csv("fleet", owner="a&b") == "/console/csv/fleet?owner=a%26b"
