import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.documents.changes import Changes
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import History
from rollback_drills.documents.promotion import RollbackPlan
from rollback_drills.documents.reading.reader import LARGEST_DOCUMENT_BYTES, parse_document, read_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.schema_versions import HISTORY_SCHEMA
from rollback_drills.documents.subject import Subject
from rollback_drills.names.ids import NO_SCHEDULES, SOURCE_ID
from tests.samples.builders import DRILL, SCHEDULE, judged, plan_of, written
from tests.samples.promotion import EVIDENCE, REHEARSAL

WINDOW = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"}
WINDOW_LISTS = ("maintenance_windows", "blackout_windows")
MINUTES = ("acknowledgement_minutes", "ack_minutes")
PROVIDERS = ("providers", "notification_providers")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n", "is empty", id="blank"),
        pytest.param(b'{"owners": ["a"', "is not JSON", id="truncated"),
        pytest.param(b"owners: a", "is not JSON", id="no JSON"),
        pytest.param(b"[]", "$ is []; must be a JSON object", id="no object"),
        pytest.param(b"\xff\xfe{}", "is not UTF-8 text (byte 0)", id="not UTF-8"),
        pytest.param(b'{"environment": "\xff"}', "is not UTF-8 text", id="not UTF-8 inside"),
        pytest.param(b"[" * 100_000, "is nested too deeply", id="deep"),
        pytest.param(
            b'{"intervall_days": 3}',
            "$.intervall_days is an unknown key; did you mean 'interval_days'?",
            id="typo",
        ),
        pytest.param(
            b'{"owner_routes": {"a": {"provider": []}}}',
            "$.owner_routes.a.provider is an unknown key; did you mean 'providers'?",
            id="nested typo",
        ),
        pytest.param(
            b'{"window_id": "a"}',
            "$.window_id is an unknown key; it belongs to $.maintenance_windows[].window_id",
            id="elsewhere",
        ),
        pytest.param(
            b'{"NEXT_DUE_AT": null}',
            "$.NEXT_DUE_AT is an unknown key; did you mean 'next_due_at'?",
            id="capitals",
        ),
        pytest.param(
            b'{"nextDueAt": 3}', "$.nextDueAt is an unknown key; did you mean 'next_due_at'?", id="camel case"
        ),
        pytest.param(
            written({"k" * 100_000: 1}), f"$.{'k' * 59}… is an unknown key; remove it", id="endless key"
        ),
        pytest.param(
            b'{"owners": {"a": null}}', "$.owners is {}; must be a list", id="null in what is no object"
        ),
        pytest.param(
            b'{"calendars": {"a": {}, "": {}}}',
            '$.calendars[""] is ""; must be a name that is not empty',
            id="calendar without a name",
        ),
        pytest.param(b'{"owner_routes": {"": {}}}', '$.owner_routes[""] is "";', id="rule for nobody"),
        pytest.param(
            written({"owner_calendars": {"a" * 201: {}}}),
            "must be a name of at most 200 characters",
            id="calendar of an endless name",
        ),
        pytest.param(
            written({"owner_routes": {"a": {"escalation_owner": "b" * 201}}}),
            "must be a text of at most 200 characters",
            id="endless escalation owner",
        ),
        pytest.param(
            b'{"cadence": {"once_per": "month", "start": "1 May", "time_zone": "UTC"}}',
            '$.cadence.start "1 May" is no local time',
            id="no start",
        ),
        pytest.param(
            written({"cadence": {"rrule": "x" * 400, "start": "2026-01-01", "time_zone": "UTC"}}),
            f"$.cadence.rrule '{'x' * 58}… is no rule",
            id="endless rule",
        ),
        pytest.param(
            b'{"owner_calendars": {"a": {"business_hours": {"start": "9am"}}}}',
            '.business_hours.start is "9am"; must be a text of hours and minutes, such as 09:00',
            id="no time of the day",
        ),
        pytest.param(
            b'{"owner_calendars": {"a": {"business_hours": {"calendar": ""}}}}',
            '.business_hours.calendar is ""; must be a text that is not empty',
            id="no name of a calendar",
        ),
        pytest.param(
            b'{"calendars": {"a": {"open": ["1 May"]}}}',
            '$.calendars.a.open[0] is "1 May", which is no day of the calendar',
            id="no day",
        ),
        pytest.param(b'{"due_policy": "Explicit"}', '; did you mean "explicit"?', id="word in another case"),
        pytest.param(
            b'{"postpone_limit_days": 367}', "is 367; must be a number, at most 366", id="too large"
        ),
        pytest.param(
            b'{"retest_within_days": 0}', "is 0; must be a number greater than 0", id="not large enough"
        ),
        pytest.param(b'{"interval_days": NaN}', "$.interval_days is NaN; must be a finite number", id="NaN"),
        pytest.param(b'{"interval_days": -Infinity}', "$.interval_days is -Infinity", id="Infinity"),
        pytest.param(b'{"interval_days": 1e400}', "$.interval_days is Infinity", id="1e400"),
        pytest.param(b'{"interval_days": true}', "$.interval_days is true; must be a number", id="boolean"),
        pytest.param(b'{"interval_days": 36526}', "$.interval_days is 36526; must be a number", id="huge"),
        pytest.param(b'{"interval_days": "30"}', '$.interval_days is "30"; must be a number', id="text"),
        pytest.param(b'{"owners": "team"}', '$.owners is "team"; must be a list', id="owners as text"),
        pytest.param(b'{"owners": [1]}', "$.owners[0] is 1; must be a text", id="owner as number"),
        pytest.param(
            b'{"owners": ["a", ""]}', '$.owners[1] is ""; must be a text that is not empty', id="blank owner"
        ),
        pytest.param(
            written({"schedule_id": "a" * 201}), "must be a text of at most 200 characters", id="endless name"
        ),
        pytest.param(
            b'{"schedule_id": "a\\u0000b"}', "$.schedule_id holds a control character", id="control character"
        ),
        pytest.param(
            b'{"next_due_at": "soon"}', '$.next_due_at is "soon"; must be an ISO 8601', id="no timestamp"
        ),
        pytest.param(
            b'{"due_at": "soon"}',
            "$.due_at is an unknown key; did you mean 'next_due_at'?",
            id="unknown time",
        ),
        pytest.param(b'{"next_due_at": ""}', '$.next_due_at is ""', id="empty timestamp"),
        pytest.param(
            '{"next_due_at": "2026-06-20\u200b"}'.encode(),
            r'$.next_due_at is "2026-06-20\u200b"',
            id="invisible",
        ),
        pytest.param(b'{"next_due_at": 1764579600}', "$.next_due_at is 1764579600", id="epoch"),
        pytest.param(b'{"next_due_at": "2026-02-29T00:00:00Z"}', "$.next_due_at", id="no such day"),
        pytest.param(
            b'{"next_due_at": "9999-12-31T23:59:59-00:01"}', "years 1 to 9999", id="after year 9999"
        ),
        pytest.param(b'{"next_due_at": "0001-01-01T00:00:00+00:01"}', "years 1 to 9999", id="before year 1"),
        pytest.param(
            written({"maintenance_windows": [{**WINDOW, "end_at": "2025-12-31T00:00:00Z"}]}),
            "$.maintenance_windows[0] ends at 2025-12-31T00:00:00+00:00; end_at must be later",
            id="ends before it starts",
        ),
        pytest.param(
            written({"maintenance_windows": [{**WINDOW, "end_at": WINDOW["start_at"]}]}),
            "$.maintenance_windows[0]",
            id="no length",
        ),
        pytest.param(
            written({"maintenance_windows": [{"start_at": WINDOW["start_at"]}]}),
            "$.maintenance_windows[0].end_at is missing; start_at and end_at are both needed",
            id="no end",
        ),
        pytest.param(
            written({"maintenance_windows": [{**WINDOW, "starts_at": WINDOW["start_at"]}]}),
            "$.maintenance_windows[0].starts_at says the same as start_at; keep one",
            id="both spellings",
        ),
        pytest.param(b'{"owner_routes": [{"providers": []}]}', "$.owner_routes[0]", id="rule without owners"),
        pytest.param(
            b'{"owner_routes": {"a": {"acknowledgement_minutes": -1}}}',
            "$.owner_routes.a.acknowledgement_minutes is -1",
            id="negative minutes",
        ),
    ],
)
def test_an_unusable_schedule_is_told_with_file_place_and_value(data: bytes, problem: str) -> None:
    loaded = parse_document(Schedule, data, "schedule.json")

    assert loaded.document is None
    assert loaded.problem.startswith("schedule.json: ")
    assert problem in loaded.problem


@pytest.mark.parametrize(
    "private",
    [
        "https://drills.example.com/x",
        "db1.example.com",
        "10.0.0.1",
        "ops@example.com",
        "/etc/cavra/private.json",
        "C:\\Users\\x",
        "xoxb-1234567890",
        "token=abc",
        "Bearer abcdefgh12",
    ],
)
def test_a_private_text_makes_a_document_unusable_and_is_not_repeated(private: str) -> None:
    documents: list[dict[str, Any]] = [
        {"owners": [private]},
        {"owner_routes": {private: {}}},
        {"next_due_at": private},
    ]
    for document in documents:
        loaded = parse_document(Schedule, written(document), "schedule.json")

        assert loaded.document is None
        assert "$." in loaded.problem
        assert private not in loaded.problem
        assert private.replace("\\", "\\\\") not in loaded.problem


@pytest.mark.parametrize(
    ("model", "document", "problem"),
    [
        (Schedule, {"schema_version": HISTORY_SCHEMA, "drills": []}, "holds a history, not a schedule"),
        (History, SCHEDULE, "holds a schedule, not a history"),
        (RoutingPolicy, SCHEDULE, "holds a schedule, not a routing policy"),
        (Changes, {"schema_version": HISTORY_SCHEMA, "drills": []}, "holds a history, not changes"),
        (Schedule, REHEARSAL, "holds a rollback rehearsal, not a schedule"),
        (RollbackPlan, EVIDENCE, "holds promotion evidence, not a rollback plan"),
        (Schedule, {**SCHEDULE, "drills": []}, "$.drills is an unknown key; remove it"),
    ],
)
def test_a_document_of_another_kind_is_named_as_such(
    model: type[Document], document: dict[str, Any], problem: str
) -> None:
    loaded = parse_document(model, written(document), "x.json")

    assert loaded.problem in (f"x.json: {problem}; fix the path", f"x.json: {problem}")


def test_every_problem_of_a_document_is_told_up_to_five() -> None:
    loaded = parse_document(Schedule, written({"owners": ["a.example.com"] * 7}), "schedule.json")

    assert loaded.problem.count("holds a host name") == 5


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(100 * 1024 * 1024)

    assert "does not exist" in read_document(Schedule, str(tmp_path / "none.json")).problem
    assert "is not a file; replace or remove it" in read_document(Schedule, str(tmp_path / "pipe")).problem
    (tmp_path / "loop.json").symlink_to("loop.json")
    assert "is a directory; name a file in it" in read_document(Schedule, str(tmp_path)).problem
    assert (
        "; remove the links that lead in a circle"
        in read_document(Schedule, str(tmp_path / "loop.json")).problem
    )
    assert "has 104,857,600 bytes" in read_document(Schedule, str(tmp_path / "huge.json")).problem


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-20T15:40:00", "2026-06-20T15:40:00+00:00"),
        ("2026-06-20", "2026-06-20T00:00:00+00:00"),
        ("20260620T154000", "2026-06-20T15:40:00+00:00"),
    ],
)
def test_a_timestamp_without_an_offset_is_read_as_utc_and_reported(text: str, instant: str) -> None:
    loaded = parse_document(Schedule, written({"next_due_at": text}), "schedule.json")

    assert loaded.document is not None
    assert loaded.document.next_due_at is not None
    assert loaded.document.next_due_at.isoformat() == instant
    assert loaded.without_offset == ("$.next_due_at",)


@pytest.mark.parametrize(
    "text", ["2026-06-20T15:40Z", "2026-06-20 15:40:00+00:00", "2026-06-20T17:40:00+02:00"]
)
def test_every_way_of_iso_8601_is_read_as_the_same_instant(text: str) -> None:
    loaded = parse_document(Schedule, written({"next_due_at": text}), "schedule.json")

    assert loaded.without_offset == ()
    reference = parse_document(Schedule, b'{"next_due_at": "2026-06-20T15:40:00Z"}', "").document
    assert loaded.document is not None
    assert reference is not None
    assert loaded.document.next_due_at == reference.next_due_at


def test_a_byte_order_mark_is_no_problem() -> None:
    assert parse_document(History, b"\xef\xbb\xbf" + written({"drills": [DRILL]}), "h").document


@pytest.mark.parametrize(
    ("alias", "canonical"),
    [
        (
            {"blackout_windows": [{"starts_at": WINDOW["start_at"], "ends_at": WINDOW["end_at"], "id": "w"}]},
            {"maintenance_windows": [{**WINDOW, "window_id": "w"}]},
        ),
        (
            {"maintenance_windows": [{**WINDOW, "description": "freeze"}]},
            {"maintenance_windows": [{**WINDOW, "reason": "freeze"}]},
        ),
        (
            {"owner_routes": {"a": {"ack_minutes": 5, "manager": "m", "notification_providers": ["slack"]}}},
            {
                "owner_routes": {
                    "a": {"acknowledgement_minutes": 5, "escalation_owner": "m", "providers": ["slack"]}
                }
            },
        ),
        (
            {"owner_calendars": {"a": {"blackout_windows": [WINDOW]}}},
            {"owner_calendars": {"a": {"unavailable_windows": [WINDOW]}}},
        ),
    ],
)
def test_another_spelling_of_the_contract_means_the_same(
    alias: dict[str, Any], canonical: dict[str, Any]
) -> None:
    read = parse_document(RoutingPolicy, written(alias), "policy.json")
    expected = parse_document(RoutingPolicy, written(canonical), "policy.json")

    assert read.document is not None, read.problem
    assert read == expected


def test_of_a_list_of_owner_rules_the_later_win() -> None:
    rules = [{"owners": ["a", "b"], "providers": ["slack"]}, {"owners": ["b"], "providers": ["teams"]}]

    document = parse_document(RoutingPolicy, written({"owner_routes": rules}), "policy.json").document

    assert document
    assert {owner: rule.providers for owner, rule in document.rules_by_owner.items()} == {
        "a": ("slack",),
        "b": ("teams",),
    }


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_raise(data: bytes) -> None:
    assert parse_document(Schedule, data, "x").path == "x"


KEYS = st.sampled_from([*SCHEDULE, "owner_routes", "maintenance_windows", "owner_calendars", "x", "start_at"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.dictionaries(KEYS, JSON, max_size=6), st.sampled_from([Schedule, History, RoutingPolicy]))
def test_no_document_makes_reading_raise(document: dict[str, Any], model: type[Document]) -> None:
    loaded = parse_document(model, written(document), "x")

    assert (loaded.document is None) == bool(loaded.problem)


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 990, 1_100, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_at_no_depth_does_reading_raise(opening: str, closing: str, depth: int) -> None:
    data = f'{{"x": {opening * depth}1{closing * depth}}}'.encode()

    assert parse_document(Schedule, data, "deep.json").problem.startswith("deep.json: ")


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("1" * 400, "$.interval_days is 1111"),
        ("-" + "1" * 400, "$.interval_days is -1111"),
        ("1" * 5_000, "holds a number with thousands of digits"),
        ("1e999999", "$.interval_days is Infinity; must be a finite number"),
        ("1" * 30, "$.interval_days is 1111"),
    ],
    ids=["400 digits", "negative", "5,000 digits", "exponent", "30 digits"],
)
def test_a_number_beyond_measure_makes_a_document_unusable(number: str, problem: str) -> None:
    assert problem in parse_document(Schedule, f'{{"interval_days": {number}}}'.encode(), "x").problem


@pytest.mark.parametrize(
    "data",
    [
        rb'{"schedule_id": "\ud800"}',
        rb'{"next_due_at": "\udfff"}',
        rb'{"owner_routes": {"\ud800": {}}}',
        rb'{"owner_routes": {"\ud800x": 3}}',
        rb'{"\ud800": 1}',
    ],
)
def test_half_a_surrogate_pair_is_refused_since_no_report_could_hold_it(data: bytes) -> None:
    loaded = parse_document(Schedule, data, "x")

    assert loaded.document is None
    assert "half of a surrogate pair" in loaded.problem
    loaded.problem.encode()


@pytest.mark.parametrize("year", [r"\u0039999-12-31T23:59:59-05:00", r"\u0030001-01-01T00:00:00+05:00"])
def test_an_escaped_digit_does_not_smuggle_a_timestamp_out_of_the_years(year: str) -> None:
    assert "years 1 to 9999" in parse_document(Schedule, f'{{"next_due_at": "{year}"}}'.encode(), "x").problem


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00"])
def test_the_outermost_instants_can_be_read_and_judged(text: str) -> None:
    loaded = parse_document(Schedule, written({**SCHEDULE, "next_due_at": text}), "schedule.json")

    assert loaded.document
    assert judged(Subject(loaded, None)).schedule.next_due_at


def test_a_value_of_a_wrong_type_is_found_among_thousands_of_keys() -> None:
    calendars: dict[str, Any] = {f"owner-{number}": {} for number in range(5_000)}
    calendars["the [odd].one"] = {"available": 3}
    calendars["another"] = {"available": 4}

    problem = parse_document(Schedule, written({"owner_calendars": calendars}), "x").problem

    assert problem == 'x: $.owner_calendars["the [odd].one"].available is 3; must be true or false'


@pytest.mark.parametrize(
    ("alias", "field", "document"),
    [
        ("ends_at", "end_at", {"maintenance_windows": [{**WINDOW, "ends_at": WINDOW["end_at"]}]}),
        ("description", "reason", {"maintenance_windows": [{**WINDOW, "reason": "a", "description": "a"}]}),
        ("id", "window_id", {"maintenance_windows": [{**WINDOW, "window_id": "a", "id": "b"}]}),
        ("blackout_windows", "maintenance_windows", {k: [WINDOW] for k in WINDOW_LISTS}),
        ("ack_minutes", "acknowledgement_minutes", {"owner_routes": {"a": dict.fromkeys(MINUTES, 5)}}),
        ("manager", "escalation_owner", {"owner_routes": {"a": {"manager": "a", "escalation_owner": "b"}}}),
        ("notification_providers", "providers", {"owner_routes": {"a": {key: ["x"] for key in PROVIDERS}}}),
    ],
)
def test_both_spellings_at_once_are_refused(alias: str, field: str, document: dict[str, Any]) -> None:
    problem = parse_document(RoutingPolicy, written(document), "policy.json").problem

    assert f"{alias} says the same as {field}; keep one of them" in problem


def test_the_file_that_holds_a_document_need_not_have_a_name_in_utf_8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path / "odd-") + b"\xff.json")
    Path(path).write_bytes(b"{")

    for loaded in (read_document(Schedule, path), read_document(Schedule, path + ".none")):
        loaded.problem.encode()
        loaded.path.encode()
        assert plan_of(Subject(loaded, None))["schedule_id"] == loaded.path


@pytest.mark.parametrize("size", [LARGEST_DOCUMENT_BYTES, LARGEST_DOCUMENT_BYTES + 1])
def test_the_bound_of_the_size_is_exact(size: int, tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_bytes(b'{"schedule_id": "payments"}')
    os.truncate(path, size)

    refused_for_size = "are read; is it the right file?" in read_document(Schedule, str(path)).problem

    assert refused_for_size is (size > LARGEST_DOCUMENT_BYTES)


def test_a_file_without_permission_or_with_an_impossible_name_is_a_finding(tmp_path: Path) -> None:
    assert "x\\x00y: has a null byte in its name; fix the path" in read_document(Schedule, "x\0y").problem
    assert "cannot be read" in read_document(Schedule, str(tmp_path / ("a" * 300))).problem


@given(st.data())
def test_no_damage_to_a_good_document_makes_reading_raise(data: st.DataObject) -> None:
    good = written({**SCHEDULE, "maintenance_windows": [WINDOW], "owner_routes": {"a": {"manager": "b"}}})
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(start + 20, len(good))))
    damaged = good[:start] + data.draw(st.binary(max_size=6)) + good[end:]

    loaded = parse_document(Schedule, damaged, "x")

    assert (loaded.document is None) == bool(loaded.problem)
    loaded.problem.encode()


@pytest.mark.parametrize("name", [*NO_SCHEDULES, "Alarm-Path: team-a", SOURCE_ID])
def test_a_schedule_cannot_have_the_name_of_something_else(name: str) -> None:
    read = parse_document(Schedule, written({**SCHEDULE, "schedule_id": name}), "x.json")

    assert read.document is None
    assert "has a schedule_id that begins with" in read.problem
    assert "rename the schedule" in read.problem


@pytest.mark.parametrize("name", ["team:payments", "lookahead", "source:drill-history-2"])
def test_other_names_with_a_colon_are_free(name: str) -> None:
    assert parse_document(Schedule, written({**SCHEDULE, "schedule_id": name}), "x.json").document
