"""Who was notified of payments in November, and why not the others: from the export alone."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.export.bundle import export
from rollback_drills.evidence.export.manifest import Query
from rollback_drills.evidence.export.reported_rows import ReportedDelivery
from rollback_drills.evidence.export.route_lines import describe_outcome
from rollback_drills.notifications.states import State
from tests.samples.builders import KEY, NOW, open_key
from tests.samples.ledgers import WINDOW, append_check
from tests.samples.tampering import make_row, plain_row


def read_report(database: Database, folder: Path, query: Query | None = None) -> str:
    """Return the part of the report that answers the question, as a person reads it."""
    export(database, query or Query(), folder, key=KEY, exported_at=NOW, progress=lambda _: None)
    page = (folder / "report.html").read_text()
    part = page.partition("<h2>Who was notified, and who was not</h2>")[2].partition("<h2>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_the_report_says_of_each_schedule_who_was_notified_and_why_others_were_not(
    database: Database, tmp_path: Path
) -> None:
    append_check(database, NOW, {"schedule_id": "payments", "maintenance_windows": [WINDOW]})
    delivery = {"schedule_id": "payments", "reason": "first", "completed_at": "2026-12-01T09:00:02Z"}
    refused = {"outcome": "permanent", "error": "the channel is archived", "provider": "teams"}
    append(database, [make_row(1, **delivery), make_row(1, **delivery, **refused)], open_key)

    found = read_report(database, tmp_path / "out")

    assert "2026-12-01 09:00:02 UTC team-a slack notified first notification" in found
    assert "team-a teams not notified: dead letter the channel is archived" in found
    assert (
        "team-b slack not notified maintenance window freeze: production change freeze;"
        " until 2030-01-01 00:00 UTC" in found
    )
    assert found.count("not notified maintenance window") == 2  # slack and mail


def test_a_decision_that_was_made_before_the_period_and_still_holds_is_named(
    database: Database, tmp_path: Path
) -> None:
    payments = {"schedule_id": "payments", "maintenance_windows": [WINDOW]}
    append_check(database, NOW, payments)
    append_check(database, NOW + timedelta(days=40), payments)

    query = Query(since=(NOW + timedelta(days=30)).isoformat())
    found = read_report(database, tmp_path / "out", query)

    assert re.search(r"team-b slack not notified maintenance window freeze.*? 1 \(before the period\)", found)


def test_a_notice_of_no_schedule_is_not_among_them(database: Database, tmp_path: Path) -> None:
    append(database, [make_row(1, schedule_id="")], open_key)

    assert "Nobody was to be notified in the period." in read_report(database, tmp_path / "out")


@pytest.mark.parametrize("outcome", list(State))
def test_only_what_a_provider_took_is_called_notified(outcome: State) -> None:
    record = {**plain_row(1, outcome=outcome), "leaf_index": 7}

    line = describe_outcome(msgspec.convert(record, ReportedDelivery))

    assert (line.what == "notified") == (outcome in (State.DELIVERED, State.ACCEPTED))
