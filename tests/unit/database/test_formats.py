"""Databases that earlier versions wrote: they are upgraded, nobody is notified again, and nothing is lost."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, make_url, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import DatabaseError
from rollback_drills.database.first_format import FIRST_FORMAT, IMPORTED_NAME, count_rows
from rollback_drills.database.tables import LEDGER, METADATA, OUTBOX
from rollback_drills.database.versions import NEWEST
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.record_kinds import IMPORT_KIND
from rollback_drills.evidence.verify.auditor import Trust
from rollback_drills.evidence.verify.findings import FindingKind, Verification
from rollback_drills.evidence.verify.ledger import verify_ledger
from rollback_drills.reports.filters import NotificationFilter
from rollback_drills.reports.notifications import find_notifications
from tests.samples.databases import empty_sqlite, fresh_database
from tests.samples.formats import FIRST, FORMATS, load, open_key_of, read_documents, restore
from tests.samples.schemas import POSTGRES
from tests.samples.world import World

LAST_CHECK = datetime.fromisoformat("2026-11-20T15:00:00Z")
DELIVERED = {
    *(("payments", owner, "2026-11-10T09:00:00+00:00") for owner in ("team-a", "team-b")),
    *(("payments", owner, "2026-11-30T09:00:00+00:00") for owner in ("team-a", "team-b")),
    *(("search", owner, "2026-11-18T09:00:00+00:00") for owner in ("team-a", "team-b")),
}


@pytest.fixture(params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of each dump."""
    return str(request.param)


@pytest.fixture
def world(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world as the dump left it, just after its last check."""
    database = load(name, url)
    database.prepare()
    monkeypatch.setattr("tests.samples.world.open_key", open_key_of(name))
    documents = read_documents()
    world = World(database, *(schedule for schedule, _ in documents.values()), now=LAST_CHECK)
    world.drills = {each: list(drills) for each, (_, drills) in documents.items()}
    return world


def verified(database: Database) -> Verification:
    return verify_ledger(database, Trust(), lambda _: None)


def test_nobody_is_notified_again(world: World) -> None:
    world.check()
    assert world.told() == []
    world.wait(days=2)
    world.check()
    assert {(each.schedule_id, each.reason) for each in world.told()} == {("search", "repeat")}


def test_everything_that_was_delivered_is_still_known(world: World) -> None:
    page = find_notifications(world.database, NotificationFilter())
    with world.database.read() as connection:
        due = dict(connection.execute(select(OUTBOX.c.notification_id, OUTBOX.c.cycle_due)).tuples().all())
    found = {(each.schedule_id, each.owner, due[each.notification_id]) for each in page.items if each.success}
    assert found == DELIVERED


def test_the_ledger_verifies_and_goes_on(world: World, name: str) -> None:
    append(world.database, (), open_key_of(name))
    before = verified(world.database)
    assert before.findings == []
    world.wait(days=20)
    world.check()
    assert world.told("worse")
    after = verified(world.database)
    assert after.findings == []
    assert after.size > before.size


def test_a_drill_closes_a_cycle_of_before(world: World) -> None:
    world.perform("search")
    world.schedules["search"]["next_due_at"] = "2026-12-18T09:00:00Z"
    world.check()
    told = {(each.schedule_id, each.reason, each.owner) for each in world.told()}
    assert told == {("search", "resolved", "team-a"), ("search", "resolved", "team-b")}


def test_what_nobody_has_acknowledged_is_shown(world: World) -> None:
    """The first format kept no text of a notification, and so nobody who is next."""
    routes = world.escalation_plan()["routes"]

    shown = {(each["schedule_id"], each["owner"]) for each in routes}
    assert shown == {(name, owner) for name in ("payments", "search") for owner in ("team-a", "team-b")}
    assert world.dashboard()["outstanding_count"] == len(routes) == 4
    assert [each for each in world.problems() if "chain" in each] == []


def test_it_has_the_tables_of_a_new_database(world: World) -> None:
    with world.database.read() as connection:
        options: dict[str, Any] = {
            "include_name": lambda found, kind, _: kind != "table" or found in METADATA.tables
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    assert world.database.find_version() == NEWEST


@pytest.mark.parametrize("name", [each for each in FORMATS if each != FIRST], indirect=True)
def test_an_older_database_with_a_ledger_is_read_without_an_upgrade(name: str, url: str) -> None:
    database = load(name, url)
    with database.read() as connection:
        rows = connection.scalar(select(func.count()).select_from(LEDGER))
    found = verified(database)
    assert (found.findings, found.row_count) == ([], rows)
    assert {(each.schedule_id, each.owner) for each in find_notifications(database).items} == {
        (schedule_id, owner) for schedule_id, owner, _ in DELIVERED
    }
    assert database.is_outdated() is (database.find_version() != NEWEST)


@pytest.mark.parametrize(("column", "count"), [("schedule_id", 0), ("owner", 1)])
def test_an_index_from_before_versions_were_numbered_is_known_by_its_column(
    column: str, count: int, url: str
) -> None:
    database = load("unnumbered", url)
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE INDEX ix_ledger_schedule_id ON ledger ({column})")
        connection.commit()

    found = verified(database)

    assert [each.kind for each in found.findings] == [FindingKind.SCHEMA] * count
    database.engine.dispose()


class TestFirstFormat:
    """The one without a ledger."""

    @pytest.fixture
    def name(self) -> str:
        return FIRST

    def test_its_rows_are_imported_before_anything_else(self, world: World, name: str) -> None:
        with world.database.read() as connection:
            count = count_rows(connection)
            originals = [
                record
                for _, record in connection.execute(
                    select(FIRST_FORMAT.c.sequence, FIRST_FORMAT.c.record).order_by(FIRST_FORMAT.c.sequence)
                )
            ]
        world.wait(days=20)
        world.check()
        with world.database.read() as connection:
            rows = (
                connection.execute(select(LEDGER.c.metadata_kind).order_by(LEDGER.c.leaf_index))
                .scalars()
                .all()
            )
            assert count_rows(connection) == 0
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {IMPORTED_NAME}").scalar() == count
        assert rows[1 : count + 1] == [IMPORT_KIND] * count
        assert IMPORT_KIND not in rows[count + 1 :]
        imported = [self.read_original(world.database, number) for number in range(1, count + 1)]
        assert imported == originals

    def read_original(self, database: Database, number: int) -> Any:
        record = EvidenceIndex(database).get(number)
        assert record is not None
        return record["original"]

    def test_verification_says_that_nobody_signed_them(self, world: World, name: str) -> None:
        append(world.database, (), open_key_of(name))
        assert any(
            "imported from an index that was not signed" in each for each in verified(world.database).remarks
        )

    def test_until_they_are_imported_verification_says_so(self, world: World, name: str) -> None:
        with pytest.raises(UsageError, match="drills evidence upgrade"):
            verified(world.database)

    def test_a_changed_outbox_is_found(self, world: World, name: str) -> None:
        append(world.database, (), open_key_of(name))
        with world.database.write() as connection:
            connection.execute(OUTBOX.update().where(OUTBOX.c.sequence == 1).values(attempt_count=7))
        assert [each.kind for each in verified(world.database).findings] == ["removed"]

    def test_it_cannot_be_read_before_it_is_upgraded(self, name: str, url: str) -> None:
        with pytest.raises(DatabaseError, match="older format; run `drills evidence upgrade`"):
            load(name, url).has(LEDGER.name)

    def test_an_earlier_cycle_is_closed(self, world: World) -> None:
        with world.database.read() as connection:
            closed = select(OUTBOX.c.cycle_due).where(OUTBOX.c.is_closed).distinct()
            assert connection.scalars(closed).all() == ["2026-11-10T09:00:00+00:00"]


def test_a_ledger_that_was_begun_beside_the_first_format_takes_it_in(tmp_path: Path) -> None:
    file = tmp_path / "drills.db"
    database = load("ledger", empty_sqlite(file))
    restore(FIRST, file)
    with database.read() as connection:
        known = connection.scalar(select(func.count()).select_from(OUTBOX))
    database.prepare()
    append(database, (), open_key_of("ledger"))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(OUTBOX)) == known
        is_import = LEDGER.c.metadata_kind == IMPORT_KIND
        assert connection.scalar(select(func.count()).select_from(LEDGER).where(is_import))
    assert verified(database).findings == []


def test_a_format_that_no_release_had_is_refused(tmp_path: Path) -> None:
    database = load("ledger", empty_sqlite(tmp_path / "drills.db"))
    with database.read() as connection:
        connection.exec_driver_sql("DROP TABLE ledger")
    with pytest.raises(DatabaseError, match="no release had"):
        database.prepare()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE evidence SET record = 'x' WHERE sequence = 1",
        "UPDATE evidence SET record = '[]' WHERE sequence = 1",
        """UPDATE evidence SET record = replace(record, '"route_key"', '"key"')""",
        """UPDATE evidence SET record = replace(record, '"route_key"', '"route_key":[],"key"')""",
    ],
    ids=["no JSON", "no object", "no route", "no text"],
)
def test_a_damaged_row_of_the_first_format_is_named_and_nothing_changes(damage: str, tmp_path: Path) -> None:
    database = load(FIRST, empty_sqlite(tmp_path / "drills.db"))
    with database.read() as connection:
        connection.exec_driver_sql(damage)
    with pytest.raises(DatabaseError, match=r"row \d+ of its table evidence .*restore a backup"):
        database.prepare()
    with database.read() as connection:
        assert inspect(connection).get_table_names() == [FIRST_FORMAT.name]


@pytest.mark.skipif(not POSTGRES, reason="DRILLS_TEST_POSTGRES names no database")
def test_a_postgresql_that_takes_no_writes_is_read(tmp_path: Path) -> None:
    with fresh_database("postgresql", tmp_path) as url:
        load("unnumbered", url).engine.dispose()
        address = make_url(url)
        options = f"{address.query['options']} -cdefault_transaction_read_only=on"
        reading = address.update_query_dict({"options": options}).render_as_string(hide_password=False)
        database = Database.open_existing(reading, LEDGER.name)
        assert database
        assert verified(database).findings == []
        assert find_notifications(database).items
        with pytest.raises(DatabaseError, match="use a role that may write"):
            database.prepare()
        database.engine.dispose()
