"""A month of the calendar: what stands on which day, which months there are, and who narrows it."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from rollback_drills.console.links import ServedLinks, StaticLinks
from rollback_drills.console.month import MOST_ON_A_DAY, MonthView, read_month
from rollback_drills.console.pages import write_calendar, write_schedule
from rollback_drills.console.query import MonthQuery
from rollback_drills.console.source import Console, read_console
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from tests.reading.html_pages import HtmlPage
from tests.samples.builders import DRILL, NOW, make_subject

FREEZE = {
    "window_id": "freeze",
    "start_at": "2026-12-23T18:00:00Z",
    "end_at": "2026-12-26T08:00:00Z",
    "reason": "year <end>",
}
LEAVE = {"start_at": FREEZE["start_at"], "end_at": FREEZE["end_at"], "reason": "on leave"}
AWAY = {"team-a": {"unavailable_windows": [LEAVE]}}
SERVED = ServedLinks()


def console_of(*subjects: Subject, now: datetime = NOW) -> Console:
    """Return the console of some documents."""
    return read_console(None, subjects, judge_all(subjects, Criteria(), now=now), now=now)


def look(console: Console, **query: Any) -> MonthView:
    """Return a month."""
    return read_month(console, MonthQuery.parse(query), SERVED)


def entries(view: MonthView) -> dict[int, list[tuple[str, str]]]:
    """Return what stands on each day that has anything."""
    return {
        day.day.day: [(str(each.item.kind), each.when) for each in day.entries]
        for day in view.days
        if day.entries
    }


def test_everything_stands_on_its_days() -> None:
    subject = make_subject(
        [DRILL], next_due_at="2026-12-24T09:00:00Z", maintenance_windows=[FREEZE], owner_calendars=AWAY
    )

    view = look(console_of(subject))

    assert entries(view) == {
        23: [("window", "from 18:00"), ("absence", "from 18:00")],
        24: [("due", "09:00"), ("window", "all day"), ("absence", "all day")],
        25: [("window", "all day"), ("absence", "all day")],
        26: [("window", "until 08:00"), ("absence", "until 08:00")],
    }
    assert [len(view.days), [day.day.day for day in view.days if day.is_today]] == [31, [1]]
    assert dict(view.counts) == {"due": 1, "window": 1, "absence": 1}


def test_an_overdue_drill_of_an_earlier_month_stands_today_and_in_its_own_month() -> None:
    console = console_of(make_subject([DRILL], next_due_at="2026-09-20T09:00:00Z", interval_days=500))

    assert entries(look(console)) == {1: [("due", "since 20 Sep 2026")]}
    assert look(console).days[0].entries[0].is_overdue
    assert entries(look(console, month="2026-09")) == {20: [("due", "09:00")]}
    for month in ("2026-10", "2026-08", "2027-01"):
        assert entries(look(console, month=month)) == {}
        assert look(console, month=month).items == []


def test_months_end_two_years_away_and_files_three_months_ahead() -> None:
    console = console_of(make_subject([DRILL]))

    here = look(console)
    assert here.previous == MonthQuery(month="2026-11")
    assert here.following == MonthQuery(month="2027-01")
    assert look(console, month="2027-01").previous == MonthQuery()
    assert look(console, month="2026-12").query == MonthQuery()
    assert look(console, month="2024-12").previous is None
    assert look(console, month="2028-12").following is None
    for month in ("2024-11", "2029-01", "9999-12", "0001-01"):
        with pytest.raises(UsageError, match="it goes from 2024-12 to 2028-12"):
            look(console, month=month)
    for month in ("2026-13", "2026-1", "0000-01", "٢٠٢٦-12", "next"):
        with pytest.raises(UsageError, match="must be a month, such as 2026-12"):
            look(console, month=month)
    static = read_month(console, MonthQuery(month="2027-03"), StaticLinks())
    assert (static.previous, static.following) == (MonthQuery(month="2027-02"), None)


def test_today_is_the_day_in_utc_also_at_the_end_of_a_month() -> None:
    subject = make_subject([DRILL], next_due_at="2027-03-01T00:00:00Z")
    view = look(console_of(subject, now=datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC)))

    assert [day.day.isoformat() for day in view.days if day.is_today] == ["2027-02-28"]
    assert (len(view.days), entries(view)) == (28, {})


def test_a_filter_narrows_the_month_and_stays_in_its_links() -> None:
    subjects = [
        make_subject([DRILL], schedule_id="payments", owners=["team-a"], owner_calendars=AWAY),
        make_subject([DRILL], schedule_id="search", owners=["team-b"], maintenance_windows=[FREEZE]),
    ]
    console = console_of(*subjects)

    assert {each.schedule_ids for each in look(console, owner="team-a").items} == {("payments",)}
    assert {each.schedule_ids for each in look(console, search="ARCH").items} == {("search",)}
    assert look(console, state="ready").items == []
    page = HtmlPage(write_calendar(console, SERVED, MonthQuery(owner="team-a", month="2027-01")))
    assert "/console/calendar?owner=team-a&month=2027-02" in page.addresses
    assert "/console/calendar?month=2027-01" in page.addresses, "every owner"


def test_a_full_day_says_how_many_more_there_are() -> None:
    subjects = [
        make_subject([DRILL], schedule_id=f"service-{number}", next_due_at="2026-12-24T09:00:00Z")
        for number in range(MOST_ON_A_DAY + 3)
    ]
    page = HtmlPage(write_calendar(console_of(*subjects), SERVED, MonthQuery()))

    assert "and 3 more; choose an owner or a name" in page.text
    assert "15 due, 0 maintenance windows, 0 absences." in page.text


def test_a_page_names_what_is_on_a_day_and_escapes_it() -> None:
    calendars = {**AWAY, "team-b": {"available": False, "reason": "left"}}
    subject = make_subject(
        [DRILL], next_due_at="2026-12-24T09:00:00Z", maintenance_windows=[FREEZE], owner_calendars=calendars
    )
    page = HtmlPage(write_calendar(console_of(subject), SERVED, MonthQuery()))

    assert "payments due 09:00" in page.text
    assert "freeze from 18:00 year <end> payments" in page.text
    assert page.text.count("year <end>") == 1, "on its first day"
    assert "1 maintenance window, 2 absences." in page.text
    assert "team-b is absent, and no end is known: left (payments)" in page.text
    assert "Owners: team-a, team-b" in page.text
    for address in page.addresses:
        place, _, query = address.partition("?")
        if place == "/console/calendar":
            MonthQuery.parse(dict(parse_qsl(query)))
        else:
            assert place in {"/console", "/console/schedule"} or not query, address
    assert "Nothing is due" in HtmlPage(write_calendar(console_of(), SERVED, MonthQuery())).text


def test_the_page_of_a_schedule_has_what_is_coming() -> None:
    subject = make_subject(
        [DRILL], next_due_at="2026-12-24T09:00:00Z", maintenance_windows=[FREEZE], owner_calendars=AWAY
    )
    page = HtmlPage(write_schedule(console_of(subject), SERVED, "payments"))

    assert "the drill is due" in page.text
    assert "freeze: year <end>" in page.text
    assert "team-a is absent" in page.text
    assert "/console/calendar?search=payments" in page.addresses
    nothing = make_subject([DRILL], next_due_at="2028-12-24T09:00:00Z")
    assert (
        "Nothing is due, no window" in HtmlPage(write_schedule(console_of(nothing), SERVED, "payments")).text
    )
