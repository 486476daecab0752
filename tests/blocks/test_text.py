"""Texts are cut where they must be, and say so."""

from collections.abc import Callable

import pytest

from blocks.http.json_values import to_json
from blocks.text import SHORTENED, escape_within, fit, one_line, reference, shorten
from rollback_drills.notifications.notification import Notification


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("short", 5, "short"),
        ("x" * 30, 20, "x" * (20 - len(SHORTENED)) + SHORTENED),
        ("x" * 30, 3, SHORTENED[:3]),
        ("", 0, ""),
    ],
)
def test_says_that_it_shortened(text: str, longest: int, expected: str) -> None:
    assert shorten(text, longest) == expected
    assert len(shorten(text, longest)) <= longest


def test_one_line_has_no_control_characters() -> None:
    assert one_line("a\r\nb\tc\x00d\u2028e") == "a b c d e"


def test_never_cuts_through_an_escape() -> None:
    escaped = escape_within("&" * 100, 50, lambda text: text.replace("&", "&amp;"))
    assert len(escaped) <= 50
    assert escaped.replace("&amp;", "").replace(SHORTENED, "") == ""


def test_keeps_whole_what_fits(make_notification: Callable[..., Notification]) -> None:
    notification = make_notification()
    assert fit(notification, lambda n: n.summary, 1000) == notification.summary


def test_shortens_long_facts_before_it_leaves_any_out(make_notification: Callable[..., Notification]) -> None:
    facts = tuple((f"Fact {number}", "x" * 3000) for number in range(20))

    def render(notification: Notification) -> bytes:
        return to_json({"facts": notification.facts})

    text = fit(make_notification(facts=facts), render, 10_000).decode()
    assert len(text.encode()) <= 10_000
    assert all(f"Fact {number}" in text for number in range(20))


def test_says_how_many_facts_it_left_out(make_notification: Callable[..., Notification]) -> None:
    facts = tuple((f"Fact {number}", "y" * 100) for number in range(500))
    text = fit(make_notification(facts=facts), lambda n: to_json({"facts": n.facts}), 12_000).decode()
    assert "400 more facts" in text


def test_half_a_character_does_not_stop_a_message() -> None:
    assert to_json({"a": "\ud83d"}) == b'{"a":"?"}'


@pytest.mark.parametrize("cycle_id", ["payments@2026-11-20T09:00:00Z", "a^b c&d", "x" * 500, "", "ä ö"])
def test_a_reference_is_safe_in_a_query(
    make_notification: Callable[..., Notification], cycle_id: str
) -> None:
    name = reference(make_notification(cycle_id=cycle_id), 100)
    assert len(name) <= 100
    assert name.isascii()
    assert not set(name) & set("^ &=,\"'")


def test_a_reference_tells_cycles_and_owners_apart(make_notification: Callable[..., Notification]) -> None:
    pairs = [("x" * 500 + "1", "a"), ("x" * 500 + "2", "a"), ("x" * 500 + "1", "b")]
    names = {reference(make_notification(cycle_id=cycle, owner=owner), 100) for cycle, owner in pairs}
    assert len(names) == 3
