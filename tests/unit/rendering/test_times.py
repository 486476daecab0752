"""Times in texts for people."""

import pytest

from rollback_drills.rendering.markdown import cell
from rollback_drills.rendering.times import write_times


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("due 2026-12-14T09:00:00+00:00, perform it", "due 14 Dec 2026, 09:00 UTC, perform it"),
        ("due 2026-12-14T09:00:00+02:00", "due 14 Dec 2026, 07:00 UTC"),
        ("2026-13-14T09:00:00Z", "2026-13-14T09:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("<b>", "<b>"),
        ('executed_at is "2026-12-14T09:00:00Z"', 'executed_at is "2026-12-14T09:00:00Z"'),
    ],
)
def test_the_times_in_a_text_are_written_in_utc(text: str, written: str) -> None:
    assert write_times(text) == written


def test_a_cell_of_a_page_has_its_times_for_people() -> None:
    assert cell("due 2026-12-14T09:00:00+00:00 | late") == "due 14 Dec 2026, 09:00 UTC \\| late"
