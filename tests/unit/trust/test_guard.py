"""The guard of the source: signs of distrust, their memory in the ledger, and what is told of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.database.connections import Database
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import Loaded
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from rollback_drills.errors import UsageError
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.pruning import prune
from rollback_drills.evidence.record_kinds import DRILL_KIND
from rollback_drills.followup.open_cycles import read_open_cycles
from rollback_drills.names.ids import ANY_PROVIDER, SOURCE_ID, route_key, spelt_route_key
from rollback_drills.notifications.reasons import Reason
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.outbox.rows import read_notification, write_notification
from rollback_drills.planning.outbox_entries import find_departures
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.states import Readiness
from rollback_drills.trust.guard import Guard, find_over, guard_source, weigh
from rollback_drills.trust.known_history import find_open, find_unsettled, recall
from rollback_drills.trust.last_plans import read_last_plans
from rollback_drills.trust.notice import Platform, find_closings, find_notices, find_open_cycles
from rollback_drills.trust.records import record_confirmation, record_distrust
from rollback_drills.trust.signs import (
    FEWEST_TURNED_BAD,
    Distrust,
    KnownDrill,
    LastPlan,
    Memory,
    OpenDistrust,
    Sign,
    depends_on_plans,
    find_distrust,
)
from tests.samples.builders import (
    DRILL,
    NOW,
    checked,
    judged,
    make_subject,
    make_told,
    open_key,
    plan_of,
    planned,
)
from tests.samples.databases import DATABASES, fresh_database

FUTURE = "2026-12-31T09:00:00Z"


def drill(number: int, **changes: Any) -> dict[str, Any]:
    """Make the drill of a day in November."""
    return {
        **DRILL,
        "drill_id": f"drill-{number}",
        "executed_at": f"2026-11-{number:02}T09:00:00Z",
        **changes,
    }


def known(*numbers: int, **changes: Any) -> list[KnownDrill]:
    """Make what the ledger knows of drills, a row each."""
    return [
        KnownDrill(row, changes.get("drill_id", f"drill-{number}"), datetime(2026, 11, number, 9, tzinfo=UTC))
        for row, number in enumerate(numbers, start=10)
    ]


def signs_of(
    drills: Sequence[Mapping[str, Any]] | None, ledger: Sequence[KnownDrill], **schedule: Any
) -> list[Distrust]:
    """Look at one history against the ledger."""
    subject = make_subject(None if drills is None else list(drills), **{"next_due_at": FUTURE, **schedule})
    memories = {"payments": Memory(tuple(ledger))} if ledger else {}
    return find_distrust([checked(subject)], memories, {}, turned_bad_share=0.5, now=NOW)


@pytest.mark.parametrize(
    ("drills", "ledger", "sign", "reason", "rows"),
    [
        (
            *(None, known(1, 2), Sign.VANISHED),
            "its history is missing, and the evidence knows 2 drills of it",
            (10, 11),
        ),
        ([], known(1), Sign.VANISHED, "its history is empty, and the evidence knows 1 drill of it", (10,)),
        (
            *([drill(2), drill(3)], known(1, 2, 3), Sign.SHRANK),
            "1 drill that the evidence knows is gone (drill-1), and the history has 2",
            (10,),
        ),
        (
            *([drill(9)], known(1, 2, 3, 4, 5, 9), Sign.SHRANK),
            (
                "5 drills that the evidence knows are gone (drill-1, drill-2, drill-3 and 2 more),"
                " and the history has 1"
            ),
            (10, 11, 12, 13, 14),
        ),
        (
            *([drill(1)], known(1, 2), Sign.WENT_BACK),
            (
                "its latest drill is of 2026-11-01T09:00:00+00:00, and the evidence knows one of"
                " 2026-11-02T09:00:00+00:00 that is gone"
            ),
            (11,),
        ),
        (
            *([drill(1, executed_at=None)], known(2), Sign.WENT_BACK),
            (
                "its latest drill has no date, and the evidence knows one of 2026-11-02T09:00:00+00:00"
                " that is gone"
            ),
            (10,),
        ),
        # a date in the future hides nothing
        (
            *([drill(1), drill(3, executed_at="2027-01-01T00:00:00Z")], known(1, 2), Sign.WENT_BACK),
            (
                "its latest drill is of 2026-11-01T09:00:00+00:00, and the evidence knows one of"
                " 2026-11-02T09:00:00+00:00 that is gone"
            ),
            (11,),
        ),
        (
            *([drill(1)], known(2, drill_id=""), Sign.WENT_BACK),
            (
                "its latest drill is of 2026-11-01T09:00:00+00:00, and the evidence knows one of"
                " 2026-11-02T09:00:00+00:00 that is gone"
            ),
            (10,),
        ),
    ],
    ids=[
        *("missing", "empty", "shrank", "shrank-by-many", "went-back", "undated", "future", "without-an-id"),
    ],
)
def test_a_history_that_lost_drills_is_not_trusted(
    drills: list[dict[str, Any]] | None,
    ledger: list[KnownDrill],
    sign: Sign,
    reason: str,
    rows: tuple[int, ...],
) -> None:
    drills = None if drills is None else [{k: v for k, v in d.items() if v is not None} for d in drills]

    assert signs_of(drills, ledger) == [Distrust("payments", sign, reason, rows)]


@pytest.mark.parametrize(
    ("drills", "ledger"),
    [
        pytest.param([drill(1)], [], id="nothing is known, or all of it was pruned"),
        pytest.param(None, [], id="no history, and none was ever seen"),
        pytest.param([drill(1), drill(2)], known(1, 2), id="the same"),
        pytest.param([drill(1), drill(2), drill(3)], known(1, 2), id="more"),
        pytest.param([drill(1), drill(2), drill(3)], known(3), id="more older ones"),
        pytest.param([drill(2, status="fail")], known(2), id="other content"),
        pytest.param(
            [drill(2, executed_at="2026-10-02T09:00:00Z")], known(2), id="the date was put right, to earlier"
        ),
        pytest.param([drill(2, executed_at="2027-10-02T09:00:00Z")], known(2), id="put into the future"),
        pytest.param([drill(5)], known(5, drill_id=""), id="it was given an id"),
        pytest.param([drill(5), drill(7)], known(6, drill_id=""), id="one without an id cannot be missed"),
    ],
)
def test_what_is_there_or_was_changed_is_trusted(
    drills: list[dict[str, Any]] | None, ledger: list[KnownDrill]
) -> None:
    assert signs_of(drills, ledger) == []


def test_a_changed_drill_counts_as_it_was_changed_last() -> None:
    put_right = [
        KnownDrill(1, "drill-9", datetime(2026, 11, 29, tzinfo=UTC)),
        KnownDrill(2, "drill-9", datetime(2026, 11, 9, tzinfo=UTC)),
        *known(20),
    ]

    (found,) = signs_of([drill(20)], put_right)

    assert (found.sign, found.missing_rows) == (Sign.SHRANK, (1, 2))


def test_a_drill_that_was_changed_is_counted_once() -> None:
    (changed,) = signs_of(None, known(3, 3))
    (nameless,) = signs_of(None, known(3, 3, drill_id=""))

    assert changed.reason == "its history is missing, and the evidence knows 1 drill of it"
    assert nameless.reason == "its history is missing, and the evidence knows 2 drills of it"


def test_a_drill_whose_id_is_spelt_in_another_way_is_not_gone() -> None:
    assert signs_of([drill(1, drill_id=" DRILL-1"), drill(2)], known(1, 2)) == []


def test_a_document_that_cannot_be_read_vanished() -> None:
    broken = Loaded[History]("history.json", problem="history.json: is not JSON")
    subject = make_subject(next_due_at=FUTURE)
    subject = Subject(subject.schedule, broken)

    (found,) = find_distrust(
        [checked(subject)], {"payments": Memory(known(1))}, {}, turned_bad_share=0.5, now=NOW
    )

    assert (
        found.reason
        == "its history cannot be read (history.json: is not JSON), and the evidence knows 1 drill of it"
    )


@pytest.mark.parametrize(
    "schedule",
    [None, Loaded[Schedule]("payments", problem="payments: is not JSON")],
    ids=["none configured", "unreadable"],
)
def test_a_schedule_without_an_id_has_no_history_that_could_be_missed(
    schedule: Loaded[Schedule] | None,
) -> None:
    subject = Subject(schedule, None)
    judgement = judged(subject)
    memories = {judgement.cycle.schedule_id: Memory(known(1))}

    assert find_distrust([checked(subject)], memories, {}, turned_bad_share=0.5, now=NOW) == []


_drills = st.lists(
    st.builds(
        lambda number, day, month: drill(number, executed_at=f"2026-{month:02}-{day:02}T09:00:00Z"),
        st.integers(1, 30),
        st.integers(1, 28),
        st.integers(1, 12),
    ),
    max_size=8,
    unique_by=lambda each: each["drill_id"],
)


@pytest.mark.slow
@given(_drills, _drills)
def test_adding_drills_is_never_distrusted(before: list[dict[str, Any]], added: list[dict[str, Any]]) -> None:
    ledger = [
        KnownDrill(row, each["drill_id"], datetime.fromisoformat(each["executed_at"]))
        for row, each in enumerate(before)
    ]
    names = {each["drill_id"] for each in before}

    assert signs_of([*before, *(each for each in added if each["drill_id"] not in names)], ledger) == []


@pytest.mark.slow
@given(_drills.filter(lambda drills: len(drills) > 1), st.data())
def test_removing_a_drill_is_always_noticed(drills: list[dict[str, Any]], data: st.DataObject) -> None:
    ledger = [
        KnownDrill(row, each["drill_id"], datetime.fromisoformat(each["executed_at"]))
        for row, each in enumerate(drills)
    ]
    row = data.draw(st.integers(0, len(drills) - 1))

    (found,) = signs_of(drills[:row] + drills[row + 1 :], ledger)

    assert row in found.missing_rows


def fleet_signs(
    bad: int,
    good: int,
    *,
    share: float = 0.5,
    last: str = "ready",
    last_due: str = "2027-01-01T00:00:00+00:00",
    new: int = 0,
    **memory: Any,
) -> list[Distrust]:
    """Look at a fleet, some of which is overdue although its last plan said it was not."""
    subjects = [make_subject(schedule_id=f"s{number:02}") for number in range(bad)]
    subjects += [make_subject(schedule_id=f"g{number:02}", next_due_at=FUTURE) for number in range(good)]
    names = [judged(each).cycle.schedule_id for each in subjects][new:]
    memories = dict.fromkeys(names, Memory(**memory))
    plans = dict.fromkeys(names, LastPlan(last, last_due)) if last else {}
    return find_distrust(list(map(checked, subjects)), memories, plans, turned_bad_share=share, now=NOW)


@pytest.mark.parametrize(
    ("bad", "good", "share", "count"),
    [
        (5, 5, 0.5, 0),
        (6, 5, 0.5, 6),
        (FEWEST_TURNED_BAD, 0, 0.5, 5),
        (FEWEST_TURNED_BAD - 1, 0, 0.5, 0),
        (5, 45, 0.1, 0),
        (6, 45, 0.1, 6),
        (30, 0, 1.0, 0),
    ],
    ids=["at-the-share", "over-it", "fewest", "too-few", "at-a-tenth", "over-a-tenth", "one-turns-it-off"],
)
def test_too_many_that_turn_bad_at_once_are_not_trusted(
    bad: int, good: int, share: float, count: int
) -> None:
    found = fleet_signs(bad, good, share=share)

    assert [each.schedule_id for each in found] == [f"s{number:02}" for number in range(count)]
    assert {each.sign for each in found} <= {Sign.TURNED_BAD}
    assert {each.reason for each in found} <= {
        f"{bad} of {bad + good} schedules turned bad at once, more than {share * 100:g} %"
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"last": "needs_attention"}, id="they were bad before"),
        pytest.param({"last": "not_requested"}, id="nothing was asked of them"),
        pytest.param({"last": ""}, id="they have no plan yet"),
        pytest.param({"last": "due_soon", "last_due": "2026-11-27T09:00:00+00:00"}, id="it was foretold"),
        pytest.param({"new": 6}, id="six of ten are new"),
    ],
)
def test_schedules_that_turned_bad_for_another_reason_are_trusted(changes: dict[str, Any]) -> None:
    assert fleet_signs(10, 0, **changes) == []


def test_what_turned_bad_stays_distrusted_until_it_is_good_or_settled() -> None:
    held = (OpenDistrust(Sign.TURNED_BAD, "gordcycle-1"),)

    assert len(fleet_signs(6, 2, last="needs_attention", open=held)) == 6
    assert fleet_signs(5, 5, last="needs_attention", open=held) == []
    assert fleet_signs(8, 0, last="needs_attention") == []


def test_a_run_of_one_schedule_settles_nothing_of_the_fleet() -> None:
    held = (OpenDistrust(Sign.TURNED_BAD, "gordcycle-1"),)

    (found,) = fleet_signs(1, 0, last="needs_attention", open=held)

    assert found.reason == "it turned bad at once with too many others, and is bad still"
    assert fleet_signs(0, 1, last="needs_attention", open=held) == []


GONE = Distrust("payments", Sign.VANISHED, "its history is missing", (4, 5))
BACK = Distrust("billing", Sign.WENT_BACK, "it went back", (7,))


def test_all_that_is_new_is_told_in_one_cycle_with_the_same_name_in_every_run() -> None:
    first, again = weigh([GONE, BACK], {}), weigh([BACK, GONE], {"payments": Memory()})

    assert len(first.cycle_ids) == 1
    assert first.cycle_ids == again.cycle_ids
    assert first.new == [GONE, BACK]
    assert weigh([GONE], {}).cycle_ids != first.cycle_ids
    assert weigh([replace(GONE, sign=Sign.SHRANK), BACK], {}).cycle_ids != first.cycle_ids
    assert weigh([GONE, BACK], {"payments": Memory(settled_at=9)}).cycle_ids != first.cycle_ids


def test_what_is_written_down_keeps_its_cycle_and_what_is_not_found_any_more_is_settled() -> None:
    memories = {
        "payments": Memory(open=(OpenDistrust(Sign.VANISHED, "gordcycle-1"),)),
        "search": Memory(open=(OpenDistrust(Sign.SHRANK, "gordcycle-1"),)),
    }

    guard = weigh([GONE, BACK], memories)

    assert guard.new == [BACK]
    assert guard.cycle_ids[0] == "gordcycle-1"
    assert guard.of_cycle("gordcycle-1") == [GONE]
    assert guard.settled == {"search": [OpenDistrust(Sign.SHRANK, "gordcycle-1")]}
    assert guard.reasons == {"payments": "its history is missing", "billing": "it went back"}
    assert list(guard.explain()) == ["history untrusted (payments: its history is missing; likewise 1 more)"]


def test_one_schedule_is_not_like_others() -> None:
    assert list(Guard([GONE]).explain()) == ["history untrusted (payments: its history is missing)"]
    assert list(Guard().explain()) == []


@pytest.mark.parametrize(
    ("guard", "unsettled", "is_over"),
    [
        (Guard(settled={"a": [OpenDistrust(Sign.SHRANK, "c")]}), {"c": {("a", Sign.SHRANK)}}, True),
        (
            Guard(settled={"a": [OpenDistrust(Sign.SHRANK, "c")]}),
            {"c": {("a", Sign.SHRANK), ("of another run", Sign.SHRANK)}},
            False,
        ),
        (Guard(), {"c": set()}, True),
        (Guard(), {}, True),
        (weigh([GONE], {}), {}, False),
        (weigh([GONE], {}), {"c": set()}, True),
        (
            weigh([GONE], {"payments": Memory(open=(OpenDistrust(Sign.VANISHED, "c"),))}),
            {"c": {("payments", Sign.VANISHED)}},
            False,
        ),
    ],
    ids=[
        *("returned", "another-schedule-is-open", "confirmed", "killed-before-it-was-written"),
        *("killed-and-still-distrusted", "confirmed-beside-another", "still-open"),
    ],
)
def test_a_cycle_is_over_when_nothing_of_it_is_left(
    guard: Guard, unsettled: dict[str, set[tuple[str, Sign]]], is_over: bool
) -> None:
    assert find_over(guard, {"c"}, unsettled) == ({"c"} if is_over else set())


PLATFORM = Platform("platform", any_provider="slack")


def test_the_platform_owner_is_told_once_with_numbers_and_the_way_out() -> None:
    many = [replace(GONE, schedule_id=f"s{number:02}") for number in range(30)]

    (entry,) = find_notices(weigh(many, {}), {}, PLATFORM, now=NOW)

    told = entry.notification
    assert (entry.owner, entry.provider, entry.reason) == ("platform", "slack", Reason.FIRST)
    assert told.title == "Drill history not trusted: 30 schedules"
    assert told.summary == (
        "The drill history is not trusted. s00: its history is missing; likewise 29 more."
        " No other owner is notified until it is fixed."
        " If it is right as it is, run: drills trust --all --by YOU --reason WHY"
    )
    facts = dict(told.facts)
    assert facts["Vanished"].startswith("30: s00, s01,")
    assert facts["Vanished"].endswith("s09 and 20 more")
    assert told.event["finding_count"] == 30
    assert not entry.closes
    assert read_notification(write_notification(told)) == told


def test_one_schedule_is_named() -> None:
    (entry,) = find_notices(weigh([replace(GONE, schedule_id="a b")], {}), {}, PLATFORM, now=NOW)

    assert entry.notification.title == "Drill history not trusted: a b"
    assert "a b: its history is missing. No other owner" in entry.notification.summary
    assert "drills trust --schedule-id 'a b' --by YOU" in entry.notification.summary


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (timedelta(0), None),
        (timedelta(hours=23, minutes=59), None),
        (timedelta(days=1), Reason.REPEAT),
    ],
)
def test_it_is_told_again_after_a_day(after: timedelta, reason: Reason | None) -> None:
    guard = weigh([GONE], {})
    (entry,) = find_notices(guard, {}, PLATFORM, now=NOW)
    told = {entry.route_key: [make_told(at=NOW, schedule_id=SOURCE_ID, cycle_id=entry.cycle_id)]}
    elsewhere = replace(PLATFORM, any_provider="teams")

    again = list(find_notices(guard, told, elsewhere, now=NOW + after))

    assert [each.reason for each in again] == ([reason] if reason else [])
    assert {each.route_key for each in again} <= {entry.route_key}


def test_a_notice_whose_route_was_named_as_it_is_spelt_is_not_sent_again() -> None:
    guard, platform = weigh([GONE], {}), replace(PLATFORM, owner="Platform")
    (entry,) = find_notices(guard, {}, platform, now=NOW)
    spelt = spelt_route_key(entry.cycle_id, ANY_PROVIDER, "Platform")
    assert entry.route_key == route_key(entry.cycle_id, ANY_PROVIDER, "Platform") != spelt
    notified = {spelt: [make_told(at=NOW, schedule_id=SOURCE_ID, cycle_id=entry.cycle_id)]}

    assert list(find_notices(guard, notified, platform, now=NOW)) == []
    (again,) = find_notices(guard, notified, platform, now=NOW + timedelta(days=1))
    assert (again.route_key, again.reason) == (spelt, Reason.REPEAT)


def test_named_providers_are_told_each() -> None:
    platform = Platform("platform", ("pagerduty", "slack"))

    entries = list(find_notices(weigh([GONE], {}), {}, platform, now=NOW))

    assert [each.provider for each in entries] == ["pagerduty", "slack"]
    assert len({each.notification_id for each in entries}) == 2


def test_who_was_told_is_told_when_trust_returns_and_nobody_else() -> None:
    told = {
        "a": [make_told(schedule_id=SOURCE_ID, cycle_id="over", owner="platform")],
        "b": [make_told(schedule_id=SOURCE_ID, cycle_id="lasts")],
        "c": [make_told(cycle_id="over")],
        "d": [make_told(schedule_id=SOURCE_ID, cycle_id="over", is_closed=True)],
        "e": [
            make_told(schedule_id=SOURCE_ID, cycle_id="closed"),
            make_told(schedule_id=SOURCE_ID, cycle_id="closed", is_closed=True),
        ],
    }

    entries, departures = find_closings({"over"}, told, now=NOW)

    assert find_open_cycles(told) == {"over", "lasts"}
    assert departures == []
    ((entry),) = entries
    assert (entry.route_key, entry.reason, entry.closes) == ("a", Reason.RESOLVED, True)
    assert (entry.notification.title, entry.notification.alert_level) == (
        *("Drill history trusted again", "healthy"),
    )


def test_the_notice_is_not_followed_up_as_a_cycle_of_a_drill_is(database: Database) -> None:
    commit(database, list(find_notices(weigh([GONE], {}), {}, PLATFORM, now=NOW)), [], now=NOW.timestamp())

    assert find_history(database, [], [SOURCE_ID])
    assert read_open_cycles(database, now=NOW + timedelta(days=1)) == []


def test_owners_of_what_is_not_trusted_are_told_nothing_not_even_by_force() -> None:
    request = PlanRequest(distrusted={"payments": "its history is missing"}, force=True)

    plan = plan_of(make_subject(), request)

    for decision in plan["route_decisions"]:
        assert (decision["action"], decision["category"]) == ("suppress", "other")
        assert decision["reason"] == "the drill history is not trusted: its history is missing"
        assert decision["deferred_until"] is None
        assert decision["notification_reason"] is None
    assert plan["status"] == Readiness.NEEDS_ATTENTION
    assert plan_of(make_subject(schedule_id="billing"), request)["deliverable_route_count"] == 4


def test_no_cycle_of_what_is_not_trusted_is_closed() -> None:
    subject = make_subject(next_due_at=FUTURE)
    told = {"a-route": [make_told(cycle_id="an earlier one")]}
    trusted = PlanRequest(notified=told)
    distrusted = replace(trusted, distrusted={"payments": "because"})

    for request, count in ((trusted, 1), (distrusted, 0)):
        entries, departures = find_departures([checked(subject, request)], request, now=NOW, clock=NOW)
        assert len(entries) + len(departures) == count


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Open an empty ledger."""
    with fresh_database(request.param, tmp_path) as url:
        opened = Database.open(url)
        yield opened
        opened.engine.dispose()


def run(database: Database, *subjects: Subject, created_at: datetime = NOW) -> Guard:
    """Do what a run does: guard, and write down."""
    judgements = [judged(each) for each in subjects]
    guard = guard_source(database, list(map(checked, subjects)), turned_bad_share=0.5, now=NOW)
    records = [
        record
        for judgement, subject in zip(judgements, subjects, strict=True)
        for record in record_plan(
            planned(subject),
            judgement.schedule,
            "rcd-x",
            created_at=created_at,
            signer="me",
        )
    ]
    names = [judgement.cycle.schedule_id for judgement in judgements]
    index_run(
        database,
        [*records, *guard.records(created_at=created_at, signer="me")],
        drills=find_drills(subjects, names, now=NOW, created_at=created_at, signer="me"),
        created_at=created_at,
        signer="me",
        redact=lambda record: record,
        open_key=open_key,
    )
    return guard


def with_drills(*numbers: int, schedule_id: str = "payments", path: str = "history.json") -> Subject:
    """Make a schedule with a history of some drills."""
    subject = make_subject([drill(each) for each in numbers], schedule_id=schedule_id, next_due_at=FUTURE)
    assert subject.history
    return Subject(subject.schedule, Loaded(path, subject.history.document))


@pytest.mark.parametrize(
    ("bad", "marks", "depends"),
    [
        pytest.param(4, (), False, id="too few are bad"),
        pytest.param(5, (), True, id="enough are bad"),
        pytest.param(0, (OpenDistrust(Sign.VANISHED, "gordcycle-1"),), False, id="another sign is open"),
        pytest.param(0, (OpenDistrust(Sign.TURNED_BAD, "gordcycle-1"),), True, id="one is held"),
    ],
)
def test_plans_are_read_only_if_they_can_tell(
    bad: int, marks: tuple[OpenDistrust, ...], depends: bool
) -> None:
    overdue = [checked(make_subject(schedule_id=f"s{number}")) for number in range(bad)]
    good = checked(make_subject(next_due_at=FUTURE))

    assert depends_on_plans([*overdue, good], {"payments": Memory(open=marks)}) is depends


def test_the_ledger_remembers_drills_and_plans(database: Database) -> None:
    run(database, with_drills(1, 2), with_drills(3, schedule_id="billing"))

    memories = recall(database, ["payments", "billing", "unknown"])

    assert memories.keys() == {"payments", "billing"}
    assert [each.drill_id for each in memories["payments"].drills] == ["drill-1", "drill-2"]
    assert memories["payments"].drills[1].executed_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    plans = read_last_plans(database, ["payments", "Billing", "unknown"])
    assert plans.keys() == {"payments", "Billing"}
    assert (plans["Billing"].status, plans["Billing"].due_at[:10]) == ("ready", "2026-12-31")
    assert recall(database, []) == {}
    assert read_last_plans(database, []) == {}


def test_what_is_not_settled_is_told_by_its_cycle(database: Database) -> None:
    written = (Sign.SHRANK, "gordcycle-1"), (Sign.TURNED_BAD, "gordcycle-2")
    records = [
        record_distrust(Distrust("payments", sign, "why"), cycle_id, created_at=NOW, signer="me")
        for sign, cycle_id in written
    ]
    append(database, records, open_key)

    assert find_unsettled(database, ["gordcycle-1", "gordcycle-3"]) == {
        "gordcycle-1": {("payments", Sign.SHRANK)}
    }


def test_a_history_that_vanishes_is_open_until_it_returns(database: Database) -> None:
    run(database, with_drills(1, 2))
    gone = run(database, with_drills())
    lasting = run(database, with_drills())

    assert [each.sign for each in gone.new] == [Sign.VANISHED]
    assert (list(lasting.new), lasting.cycle_ids) == ([], gone.cycle_ids)
    assert find_unsettled(database, gone.cycle_ids) == {gone.cycle_ids[0]: {("payments", Sign.VANISHED)}}

    back = run(database, with_drills(1, 2))
    assert back.distrusts == []
    assert back.settled.keys() == {"payments"}
    assert find_unsettled(database, gone.cycle_ids) == {gone.cycle_ids[0]: set()}
    assert run(database, with_drills(1, 2)).settled == {}

    again = run(database, with_drills())
    assert again.cycle_ids != gone.cycle_ids  # it is told anew


def test_a_history_that_moved_or_has_another_schedule_id_is_trusted(database: Database) -> None:
    run(database, with_drills(1, 2))

    assert run(database, with_drills(1, 2, path="elsewhere/history.json")).distrusts == []
    assert run(database, with_drills(1, schedule_id="payments-eu")).distrusts == []


def test_after_a_confirmation_the_present_content_is_what_is_expected(database: Database) -> None:
    run(database, with_drills(1, 2, 3))
    run(database, with_drills(2, 3))
    (open_,) = find_open(database).values()

    append(
        database,
        [record_confirmation("payments", open_, by="maria", reason="a test entry", created_at=NOW)],
        open_key,
    )

    assert find_open(database) == {}
    assert run(database, with_drills(2, 3)).distrusts == []
    (still_guarded,) = run(database, with_drills(3)).distrusts
    assert "(drill-2)" in still_guarded.reason


@pytest.mark.parametrize(
    ("by", "reason", "problem"),
    [
        (" ", "why", "by is empty; say who"),
        ("maria", "", "reason is empty; say why"),
        ("maria", "see https://wiki.internal/x", "reason holds a URL"),
    ],
)
def test_a_confirmation_says_who_and_why(by: str, reason: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        record_confirmation(
            "payments", [OpenDistrust(Sign.SHRANK, "c", (1,))], by=by, reason=reason, created_at=NOW
        )


def test_pruned_evidence_is_not_missed(database: Database) -> None:
    long_ago = NOW - timedelta(days=1500)
    run(database, with_drills(1, 2), created_at=long_ago)
    run(database, with_drills(1, 2, 3))

    prune(database, months=24, now=NOW, signer="me", open_key=open_key)

    assert [each.drill_id for each in recall(database, ["payments"])["payments"].drills] == ["drill-3"]
    assert run(database, with_drills(3)).distrusts == []


def test_without_a_ledger_everything_is_trusted() -> None:
    subject = with_drills(1)

    assert guard_source(None, [checked(subject)], turned_bad_share=0.5, now=NOW) == Guard()


def test_rows_of_drills_are_found_whatever_else_was_written(database: Database) -> None:
    for _ in range(3):
        run(database, with_drills(1))
    with database.read() as connection:
        count = connection.exec_driver_sql(
            f"SELECT count(*) FROM ledger WHERE metadata_kind = '{DRILL_KIND}'"
        ).scalar()

    assert count == 1
    assert len(recall(database, ["payments"])["payments"].drills) == 1
