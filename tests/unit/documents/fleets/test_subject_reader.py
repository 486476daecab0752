"""A schedule and its history, read at once from two files, are what each file holds by itself."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollback_drills.documents.fleets.history_pairs import NamedFile
from rollback_drills.documents.fleets.subject_reader import read_subject
from rollback_drills.documents.history import History
from rollback_drills.documents.reading.reader import read_document
from rollback_drills.documents.reading.whole_record import join, read_whole
from rollback_drills.documents.schedule import Schedule
from rollback_drills.documents.subject import Subject
from tests.samples import builders
from tests.samples.builders import DRILL, written
from tests.samples.examples import examples
from tests.samples.two_readers import HISTORY, ROUTED_SCHEDULE, SCHEDULE

PLAIN_SCHEDULE = written(builders.SCHEDULE)
PLAIN_HISTORY = written({"environment": "production", "drills": [DRILL, {**DRILL, "drill_id": "drill-0"}]})


def assert_read_alike(
    folder: Path, schedule: bytes | None, history: bytes | None, ending: str = "json"
) -> None:
    """Read two files, None for one that is missing, at once and one by one."""
    files = []
    for kind, data in (("schedule", schedule), ("history", history)):
        path = folder / f"a-{kind}.{ending}"
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        files.append(NamedFile(str(path), path.name, f"fleet/{path.name}", kind, "a"))
    first, second = files

    read = read_subject(first, [second], ())

    assert read == Subject(
        read_document(Schedule, first.path, first.shown, first.name),
        read_document(History, second.path, second.shown, second.name),
    )


@pytest.mark.slow
@settings(
    max_examples=examples(1_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**64))
def test_two_files_hold_the_documents_that_each_of_them_does(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    schedule = random.choice([ROUTED_SCHEDULE, SCHEDULE])(random)
    assert_read_alike(tmp_path, schedule.encode(), HISTORY(random).encode())


@pytest.mark.slow
@settings(
    max_examples=examples(1_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    cut=st.integers(0, len(PLAIN_SCHEDULE)),
    end=st.integers(0, len(PLAIN_HISTORY)),
    middle=st.text(st.sampled_from('{}[],:" \nhistory0')).map(str.encode),
)
def test_damaged_files_are_as_damaged_together(cut: int, end: int, middle: bytes, tmp_path: Path) -> None:
    assert_read_alike(
        tmp_path, PLAIN_SCHEDULE[:cut] + middle + PLAIN_SCHEDULE[cut:], middle + PLAIN_HISTORY[:end]
    )


@pytest.mark.parametrize(
    ("schedule", "history"),
    [
        pytest.param(PLAIN_SCHEDULE, PLAIN_HISTORY, id="plain"),
        pytest.param(None, PLAIN_HISTORY, id="no schedule"),
        pytest.param(PLAIN_SCHEDULE, None, id="no history"),
        pytest.param(PLAIN_SCHEDULE, b"", id="empty history"),
        pytest.param(PLAIN_SCHEDULE, b"null", id="null history"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN_SCHEDULE, b"\xef\xbb\xbf" + PLAIN_HISTORY, id="marks of UTF-8"),
        pytest.param(PLAIN_SCHEDULE + b',"history":{}', PLAIN_HISTORY, id="a history after the schedule"),
        pytest.param(PLAIN_SCHEDULE + b',"schedule":{}', PLAIN_HISTORY, id="a schedule after the schedule"),
        pytest.param(PLAIN_SCHEDULE, b'{},"history":' + PLAIN_HISTORY, id="a history before the history"),
        pytest.param(PLAIN_SCHEDULE, PLAIN_HISTORY + b',"schedule":{}', id="a schedule after the history"),
        pytest.param(PLAIN_SCHEDULE + b"}", b"{" + PLAIN_HISTORY, id="braces that meet"),
        pytest.param(
            PLAIN_SCHEDULE, PLAIN_HISTORY.replace(b'"pass"', b'"pass", "status": "fail"', 1), id="twice"
        ),
        pytest.param(PLAIN_SCHEDULE.replace(b"payments", b"https://x.example"), PLAIN_HISTORY, id="a URL"),
    ],
)
def test_files_with_something_odd_are_read_one_by_one(
    schedule: bytes | None, history: bytes | None, tmp_path: Path
) -> None:
    assert_read_alike(tmp_path, schedule, history)


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    assert_read_alike(tmp_path, PLAIN_SCHEDULE, PLAIN_HISTORY, ending="yaml")


def test_plain_files_are_one_record() -> None:
    whole = read_whole(join(PLAIN_SCHEDULE, PLAIN_HISTORY))
    assert whole
    assert whole.history
    assert len(whole.history.drills) == 2
