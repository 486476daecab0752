"""What changed of a schedule, and when, as its page lists it."""

import re

from sqlalchemy import text

from rollback_drills.database.connections import Database
from rollback_drills.reports.pages.change_list import LONGEST_LIST, Change, find_change_lists, list_changes
from tests.samples.builders import NOW
from tests.samples.ledgers import WINDOW, append_plan
from tests.samples.tampering import tampering
from tests.samples.world import FLOW_RUN, World

OVERDUE = {"notification_providers": ["webhook"], "maintenance_windows": [WINDOW]}


def changes_of(database: Database, schedule_id: str = "payments") -> list[Change]:
    return [*find_change_lists(database, [schedule_id])[schedule_id]]


def write(*changes: Change) -> str:
    return "\n".join(list_changes(changes, lambda run: f"http://prefect.example.invalid/runs/{run}"))


def test_it_says_who_was_notified_who_was_not_and_why(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    world.keep_drills()  # and the outcomes

    (change,) = changes_of(database)
    page = write(change)

    assert change.notified == ["team-a through webhook: delivered (first notification)"]
    assert change.suppressed[0].startswith("team-b through webhook: not notified; maintenance window")
    assert "production change freeze" in change.suppressed[0]
    assert f"| [1 Dec 2026, 09:00 UTC](http://prefect.example.invalid/runs/{FLOW_RUN}) | needs att" in page


def test_the_newest_change_comes_first_and_the_list_is_bounded(database: Database) -> None:
    for number in range(LONGEST_LIST + 1):
        append_plan(database, NOW.replace(minute=number))

    found = changes_of(database)

    assert [each.at.minute for each in found] == [*range(LONGEST_LIST, 0, -1)]
    assert "Earlier changes are in the console and the evidence." in write(*found)
    assert "Earlier" not in write(*found[1:])


def test_texts_of_others_stay_texts() -> None:
    hostile = "<img src=x>|[a](javascript:b)\n# c"
    change = Change(NOW, "ready", hostile, [hostile, hostile], [hostile], hostile)

    page = "\n".join(list_changes([change], lambda _: ""))

    assert "<img" not in page
    assert not re.search(r"(?<!\\)\]\(", page)
    assert len([line for line in page.splitlines() if line.startswith("|")]) == 3


def test_a_row_that_cannot_be_read_is_left_out(database: Database) -> None:
    append_plan(database)
    with tampering(database) as connection:
        connection.execute(text("UPDATE ledger SET record = '{' WHERE schedule_id = 'payments'"))

    assert changes_of(database) == []
    assert write() == ""
