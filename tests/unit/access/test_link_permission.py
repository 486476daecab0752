"""The permission of a link: one route, for a time, and nothing that can be guessed or changed."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.access.link_permission import FORM_LASTS, LASTS, LinkKeys, parse_keys
from rollback_drills.errors import UsageError
from rollback_drills.redaction.redactor import redactor_in_use

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ROUTE = "gordroute-0123456789abcdef"
KEYS = LinkKeys.generate()


def test_a_permission_names_one_route_until_it_expires() -> None:
    permission = KEYS.sign(ROUTE, now=NOW)

    assert KEYS.read(permission, now=NOW) == ROUTE
    assert KEYS.read(permission, now=NOW + LASTS - timedelta(seconds=1)) == ROUTE
    with pytest.raises(UsageError, match="has expired"):
        KEYS.read(permission, now=NOW + LASTS)


def test_a_rotation_keeps_older_links_or_ends_them_all() -> None:
    permission = KEYS.sign(ROUTE, now=NOW)

    assert KEYS.rotate(is_old_valid=True).read(permission, now=NOW) == ROUTE
    assert KEYS.rotate(is_old_valid=True).keys[0] != KEYS.keys[0]
    with pytest.raises(UsageError, match="not valid"):
        KEYS.rotate(is_old_valid=False).read(permission, now=NOW)


def test_two_rotations_later_the_first_key_still_counts_and_three_later_it_does_not() -> None:
    permission, keys = KEYS.sign(ROUTE, now=NOW), KEYS
    for _ in range(2):
        keys = keys.rotate(is_old_valid=True)
    assert keys.read(permission, now=NOW) == ROUTE
    with pytest.raises(UsageError):
        keys.rotate(is_old_valid=True).read(permission, now=NOW)


def forge(algorithm: str = "HS256", **changes: object) -> str:
    """Sign other claims with the right key."""
    claims = {"aud": "rollback-drills/acknowledge", "sub": ROUTE, "exp": int((NOW + LASTS).timestamp())}
    first = KEYS.keys[0]
    kept = {key: value for key, value in (claims | changes).items() if value is not None}
    secret = "" if algorithm == "none" else first.secret
    return jwt.encode(kept, secret, algorithm, {"kid": first.key_id})


@pytest.mark.parametrize(
    "permission",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="no token"),
        pytest.param(KEYS.sign(ROUTE, now=NOW)[:-4] + "AAAA", id="other signature"),
        pytest.param(LinkKeys.generate().sign(ROUTE, now=NOW), id="other key"),
        pytest.param(forge("none"), id="unsigned"),
        pytest.param(forge("HS512"), id="other algorithm"),
        pytest.param(forge(aud="rollback-drills/else"), id="for something else"),
        pytest.param(forge(aud=None), id="for nothing"),
        pytest.param(forge(exp=None), id="without an end"),
        pytest.param(forge(sub=None), id="without a route"),
        pytest.param(forge(exp=10**30), id="beyond the calendar"),
    ],
)
def test_what_was_not_signed_so_permits_nothing(permission: str) -> None:
    with pytest.raises(UsageError, match="not valid"):
        KEYS.read(permission, now=NOW)


@given(st.text())
def test_any_text_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError):
        KEYS.read(text, now=NOW)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_character_leaves_a_valid_permission(place: int, other: int) -> None:
    permission = KEYS.sign(ROUTE, now=NOW)
    place %= len(permission) - 1  # two bits of the last character say nothing
    changed = permission[:place] + chr(other) + permission[place + 1 :]
    if changed == permission:
        return
    with pytest.raises(UsageError):
        KEYS.read(changed, now=NOW)


SECRET = "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", '{"keys":[]}', '{"keys":[{"key_id":"a","secret":"short"}]}', "x", "\ud800"),
        f'{{"keys":[{{"key_id":"0123abcd","secret":"{SECRET}"}}],"further":{"[" * 100_000}',
        f'{{"keys":[{{"key_id":"a.b","secret":"{SECRET}"}}]}}',  # a mark of it could not be read
        f'{{"keys":[{{"key_id":"0123abcd","secret":"{" " * 64}"}}]}}',
    ],
)
def test_a_block_without_keys_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_keys(text)


CALLER = "maria via proxy"


def test_a_form_is_of_one_caller_until_it_ends() -> None:
    mark = KEYS.mark_form(CALLER, now=NOW)

    KEYS.check_form(mark, CALLER, now=NOW)
    KEYS.check_form(mark, CALLER, now=NOW + FORM_LASTS - timedelta(seconds=1))
    KEYS.rotate(is_old_valid=True).check_form(mark, CALLER, now=NOW)
    for keys, caller, when in (
        (KEYS, "anna via proxy", NOW),
        (KEYS, "", NOW),
        (KEYS, CALLER, NOW + FORM_LASTS),
        (KEYS.rotate(is_old_valid=False), CALLER, NOW),
        (LinkKeys(()), CALLER, NOW),
    ):
        with pytest.raises(UsageError, match="nothing was done"):
            keys.check_form(mark, caller, now=when)


@given(st.data())
def test_a_mark_that_was_changed_is_not_ours(data: st.DataObject) -> None:
    mark = KEYS.mark_form(CALLER, now=NOW)
    place = data.draw(st.integers(0, len(mark)))
    changed = mark[:place] + data.draw(st.text(max_size=3)) + mark[place + data.draw(st.integers(0, 2)) :]

    if changed != mark:
        with pytest.raises(UsageError, match="nothing was done"):
            KEYS.check_form(changed, CALLER, now=NOW)


@given(st.text(max_size=200))
def test_any_text_may_be_sent_as_a_mark(text: str) -> None:
    with pytest.raises(UsageError, match="nothing was done"):
        KEYS.check_form(text, CALLER, now=NOW)


def test_a_mark_is_no_link_and_a_link_no_mark() -> None:
    with pytest.raises(UsageError, match="not valid"):
        KEYS.read(KEYS.mark_form(ROUTE, now=NOW), now=NOW)
    with pytest.raises(UsageError, match="nothing was done"):
        KEYS.check_form(KEYS.sign(ROUTE, now=NOW), ROUTE, now=NOW)


@given(st.text(max_size=40), st.integers(0, 10**8))
def test_a_page_keeps_its_marks_when_it_is_redacted(caller: str, seconds: int) -> None:
    mark = KEYS.mark_form(caller, now=NOW + timedelta(seconds=seconds))
    field = f'<input type="hidden" name="mark" value="{mark}">'

    assert redactor_in_use().text(field) == field
