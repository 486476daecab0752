"""Which names there are, where one is asked for that does not exist."""

import pytest

from rollback_drills.documents.unknown_name import explain_unknown


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], 'there is no owner "team-c"; there is none yet'),
        (["zebra"], 'there is no owner "team-c"; there is zebra'),
        (
            ["team-a", "Team-A", "zebra"],
            'there is no owner "team-c"; there are team-a, zebra. Did you mean team-a?',
        ),
    ],
)
def test_the_names_there_are_and_a_similar_one(names: list[str], message: str) -> None:
    assert explain_unknown("owner", "team-c", names) == message


def test_twenty_names_are_shown_and_the_others_counted() -> None:
    message = explain_unknown("owner", "nobody", [f"name {number:04}" for number in range(1_020)])
    assert message.endswith("name 0019 and 1,000 more")
    assert message.count("name ") == 20
