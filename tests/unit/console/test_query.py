"""Which schedules the fleet page shows, in which order, and where the pieces of its pictures stand."""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.console.charts import HEIGHT, WIDTH, Series, build_chart, find_top
from rollback_drills.console.facets import find_facets
from rollback_drills.console.fleet import count_states, read_fleet
from rollback_drills.console.links import ServedLinks, StaticLinks
from rollback_drills.console.query import FleetQuery, Sort, select_schedules
from rollback_drills.console.rendering import show_instant, show_minutes
from rollback_drills.console.source import Console, read_console
from rollback_drills.console.timeline import WIDTH as TIMELINE_WIDTH
from rollback_drills.console.timeline import Event, Lane, place_events
from rollback_drills.errors import UsageError
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import judge_all
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW, make_subject


def make_fleet(*days: tuple[str, float | None]) -> Console:
    """Return schedules by name and the days until they are due."""
    subjects = [
        make_subject(
            schedule_id=name,
            owners=[f"owner-{name[0]}"],
            environment="staging" if name == "gamma" else "production",
            next_due_at=None if left is None else (NOW + timedelta(days=left)).isoformat(),
        )
        for name, left in days
    ]
    return read_console(None, subjects, judge_all(subjects, Criteria(), now=NOW), now=NOW)


FLEET = (("alpha", 30), ("beta", -1), ("gamma", 3), ("delta", None), ("Also", 40))


def names(console: Console, **query: str) -> list[str]:
    """Return the names that a query finds."""
    found = select_schedules(console.judgements, FleetQuery.parse(query))
    return [console.judgements[place].cycle.schedule_id for place in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["beta", "delta", "gamma", "alpha", "Also"]),
        ({"sort": "due"}, ["beta", "gamma", "alpha", "Also", "delta"]),
        ({"sort": "latest"}, ["Also", "alpha", "gamma", "beta", "delta"]),
        ({"sort": "name"}, ["Also", "alpha", "beta", "delta", "gamma"]),
        ({"state": "due_soon"}, ["gamma"]),
        ({"state": "not_requested"}, []),
        ({"owner": "owner-a"}, ["alpha"]),
        ({"owner": "owner"}, []),
        ({"environment": "staging"}, ["gamma"]),
        ({"environment": "production", "owner": "owner-A"}, ["Also"]),
        ({"environment": "stag"}, []),
        ({"search": "AL"}, ["alpha", "Also"]),
        ({"search": "a", "state": "ready", "sort": "name"}, ["Also", "alpha"]),
        ({"state": ""}, ["beta", "delta", "gamma", "alpha", "Also"]),
    ],
)
def test_queries_find_schedules_in_an_order(query: dict[str, str], expected: list[str]) -> None:
    assert names(make_fleet(*FLEET), **query) == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"state": "Ready"}, 'state is "Ready"; must be one of not_requested, ready'),
        ({"sort": "owner"}, 'sort is "owner"; must be one of pressing, due'),
        ({"page": "0"}, 'page is "0"; must be a number from 1 on'),
        ({"page": "-1"}, "must be a number"),
        ({"page": "٣"}, "must be a number"),
        ({"page": "9" * 30}, "must be a number"),
        (
            {"onwer": "a"},
            '"onwer" is unknown; there are state, environment, owner, search, sort, page, refresh',
        ),
        ({"refresh": "1"}, 'refresh is "1"; must be a number of seconds from 30 to 3600'),
        ({"refresh": "-60"}, "must be a number of seconds"),
        ({"search": "x" * 201}, "search is longer than 200 characters"),
    ],
)
def test_a_query_with_a_slip_is_refused(query: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FleetQuery.parse(query)


@pytest.mark.slow
@given(
    st.builds(
        FleetQuery,
        state=st.none() | st.sampled_from(Readiness),
        owner=st.text(max_size=200),
        search=st.text(max_size=200),
        sort=st.sampled_from(Sort),
        page=st.integers(1, 1_000_000),
    )
)
def test_a_query_survives_its_address(query: FleetQuery) -> None:
    assert FleetQuery.parse(query.to_parameters()) == query


def test_another_filter_begins_with_the_first_page() -> None:
    assert FleetQuery(page=7, owner="a").changed(sort=Sort.DUE) == FleetQuery(owner="a", sort=Sort.DUE)


def test_a_hundred_and_one_schedules_have_two_pages() -> None:
    console = make_fleet(*((f"service-{number:03}", 30) for number in range(101)))

    first, second = read_fleet(console, FleetQuery()), read_fleet(console, FleetQuery(page=2))
    assert (len(first.rows), first.page_count, first.first) == (100, 2, 1)
    assert ([row.schedule_id for row in second.rows], second.first) == (["service-100"], 101)
    with pytest.raises(UsageError, match="no page 3"):
        read_fleet(console, FleetQuery(page=3))
    assert read_fleet(make_fleet(*FLEET), FleetQuery(owner="nobody")).page_count == 1


def test_states_are_counted_over_the_whole_fleet_with_the_most_pressing_first() -> None:
    console = make_fleet(*FLEET)

    counts = [("needs_attention", 2), ("due_soon", 1), ("ready", 2), ("not_requested", 0)]
    assert list(count_states(console.judgements).items()) == counts
    assert read_fleet(console, FleetQuery(state=Readiness.READY)).fleet_size == 5


def test_files_have_few_filters_and_a_server_has_all() -> None:
    filtered = FleetQuery(owner="a&b", page=2)
    assert ServedLinks().fleet(filtered) == "/console?owner=a%26b&page=2"
    assert ServedLinks().fleet(FleetQuery()) == "/console"
    assert StaticLinks().fleet(filtered.changed(search="x")) == ""
    assert StaticLinks().fleet(FleetQuery(page=2)) == "fleet-2.html"
    assert StaticLinks().evidence(2) == ""


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 10**7), min_size=12, max_size=12), min_size=1, max_size=5))
def test_bars_stay_in_their_picture_and_do_not_overlap(counts: list[list[int]]) -> None:
    weeks = [f"2026-W{number:02}" for number in range(12)]
    chart = build_chart(weeks, [Series(str(number), each) for number, each in enumerate(counts)])

    assert chart.total == sum(map(sum, counts))
    assert len(chart.pieces) == sum(1 for each in counts for value in each if value)
    for piece in chart.pieces:
        assert 0 <= piece.x <= piece.x + piece.width <= WIDTH
        assert -0.2 <= piece.y <= piece.y + piece.height <= HEIGHT + 0.2
    for x in {piece.x for piece in chart.pieces}:
        stack = sorted((each for each in chart.pieces if each.x == x), key=lambda each: -each.y)
        for below, above in pairwise(stack):
            assert above.y + above.height <= below.y + 0.2


@pytest.mark.parametrize(("highest", "top"), [(0, 4), (4, 4), (5, 8), (20, 20), (21, 40), (40, 40), (41, 80)])
def test_the_scale_ends_with_a_round_number_that_four_divides(highest: int, top: int) -> None:
    assert find_top(highest) == top


_INSTANTS = st.integers(-700_000, 2_900_000).map(lambda days: NOW + timedelta(days=days))


@pytest.mark.slow
@given(
    st.lists(st.tuples(_INSTANTS, st.none() | st.timedeltas(timedelta(0), timedelta(days=900))), max_size=9)
)
def test_marks_stay_in_the_picture_and_everything_is_in_the_list(
    given_events: list[tuple[datetime, timedelta | None]],
) -> None:
    events = [
        Event(at, Lane.PAUSE, "x", until=None if lasts is None else at + lasts) for at, lasts in given_events
    ]
    line = place_events(events, now=NOW)

    assert set(line.events) == set(events)
    assert len(line.events) == len(set(events))
    assert all(one.at >= next_one.at for one, next_one in pairwise(line.events))
    assert line.starts < NOW < line.ends
    for mark in line.marks:
        assert 0 <= mark.x <= mark.x + mark.width <= TIMELINE_WIDTH + 0.1
    assert 0 <= line.now_x <= TIMELINE_WIDTH
    assert len(line.ticks) < 25


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 min"),
        (59.9, "59 min"),
        (60, "1 h"),
        (61, "1 h 1 min"),
        (2879, "47 h 59 min"),
        (2880, "2 d"),
        (3000, "2 d 2 h"),
    ],
)
def test_lengths_of_time_are_in_words(minutes: float, words: str) -> None:
    assert show_minutes(minutes) == words


def test_instants_are_shown_in_utc_whatever_their_offset() -> None:
    assert show_instant("2026-03-29T03:30:00+02:00") == "29 Mar 2026, 01:30 UTC"


def test_facets_name_environments_and_owners_the_most_frequent_first() -> None:
    facets = find_facets(make_fleet(*FLEET, ("zeta", 1), ("zulu", 1)).judgements)

    assert list(facets.environments.items()) == [("production", 6), ("staging", 1)]
    assert list(facets.owners.items())[:2] == [("owner-z", 2), ("owner-A", 1)]


def test_an_environment_without_a_name_is_no_filter() -> None:
    subjects = [make_subject(schedule_id="payments", environment="")]
    assert find_facets(judge_all(subjects, Criteria(), now=NOW)).environments == {}


def test_files_have_one_filter_and_the_server_any() -> None:
    state = FleetQuery(state=Readiness.READY)
    both = FleetQuery(owner="a/../b", environment="é")
    names = {StaticLinks().fleet(each) for each in (FleetQuery(owner="a/b"), FleetQuery(owner="a b"), state)}

    assert len(names) == 3
    assert all(re.fullmatch(r"fleet-(owner|state)-[a-z-]+-[0-9a-f]{12}\.html", each) for each in names)
    assert StaticLinks().fleet(state.changed(page=2)) == StaticLinks().fleet(state).replace(
        ".html", "-2.html"
    )
    assert StaticLinks().fleet(both) == StaticLinks().fleet(state.changed(sort=Sort.DUE)) == ""
    assert ServedLinks().fleet(both) == "/console?environment=%C3%A9&owner=a%2F..%2Fb"
