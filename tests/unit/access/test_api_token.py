"""Tokens of the API."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rollback_drills.access.api_token import ApiToken, Scope, find_token, issue_token
from rollback_drills.errors import UsageError
from tests.samples.builders import NOW


def test_a_token_is_found_by_itself_and_kept_without_itself() -> None:
    kept = [issue_token(name, Scope.READ, None) for name in ("a", "b", "c")]
    tokens = [token for token, _ in kept]

    assert [find_token(tokens, secret) for _, secret in kept] == tokens
    assert len({secret for _, secret in kept}) == 3
    assert all(secret.encode() not in msgspec.json.encode(token) for token, secret in kept)


@pytest.mark.parametrize("presented", ["", "drills_", "drills_x", "\ud800", "x" * 100_000])
def test_what_was_never_issued_is_not_found(presented: str) -> None:
    token, secret = issue_token("a", Scope.ADMIN, None)

    assert find_token([token], presented) is None
    assert find_token([token], token.sha256) is None
    assert find_token([token], secret[:-1]) is None
    assert find_token([], secret) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, False), (0, True), (1, True)], ids=["before", "at", "after"]
)
def test_a_token_ends_at_its_instant(seconds: int, expected: bool) -> None:
    token, _ = issue_token("a", Scope.READ, NOW)

    assert token.is_expired(NOW + timedelta(seconds=seconds)) is expected
    assert not issue_token("a", Scope.READ, None)[0].is_expired(datetime.max.replace(tzinfo=UTC))


def test_a_scope_includes_no_more_than_it_says() -> None:
    allowed = {(one, other) for one in Scope for other in Scope if one.includes(other)}

    assert allowed == {
        *((each, each) for each in Scope),
        (Scope.OPERATE, Scope.READ),
        *((Scope.ADMIN, each) for each in Scope),
    }


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "a_b", "ä", "a" * 41, "a\n", "../a"])
def test_a_name_is_of_few_characters(name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a token"):
        issue_token(name, Scope.READ, None)


@pytest.mark.parametrize("name", ["proxy", "link"])
def test_a_token_is_not_named_like_what_many_people_come_through(name: str) -> None:
    with pytest.raises(UsageError, match="stands for people who come through it"):
        issue_token(name, Scope.READ, None)


def test_what_is_kept_is_read_strictly() -> None:
    token, _ = issue_token("a", Scope.OPERATE, NOW)
    written = msgspec.json.encode(token)

    assert msgspec.json.decode(written, type=ApiToken) == token
    for broken in (
        written.replace(b"operate", b"root"),
        written.replace(b"+00:00", b"").replace(b"Z", b""),
        written[:-1] + b',"more":1}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(broken, type=ApiToken)
