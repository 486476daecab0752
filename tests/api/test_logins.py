"""Whose login header is believed, and how operators say so."""

import pytest

from rollback_drills.access.api_token import Scope
from rollback_drills.errors import UsageError
from rollback_drills_api.logins import LoginOptions, parse_login, read_login
from rollback_drills_api.problems import Problem

OPTIONS = parse_login("X-Remote-User", "10.1.2.3, 10.9.0.0/16, ::1", None)
HEADER = (b"x-remote-user", b"maria")


@pytest.mark.parametrize("peer", ["10.1.2.3", "10.9.255.255", "::1", "::ffff:10.1.2.3", "::1%lo"])
def test_the_proxy_says_who_somebody_is(peer: str) -> None:
    login = read_login([(b"host", b"localhost"), HEADER], peer, OPTIONS)

    assert login
    assert (login.name, login.scope) == ("maria via proxy", "operate")
    assert login.may(Scope.OPERATE)
    assert not login.may(Scope.ADMIN)


@pytest.mark.parametrize(
    "peer", ["10.1.2.4", "10.8.255.255", "::2", "::ffff:10.1.2.4", "unknown", "", "10.1.2"]
)
def test_nobody_else_does(peer: str) -> None:
    with pytest.raises(Problem, match="403"):
        read_login([HEADER], peer, OPTIONS)
    assert read_login([], peer, OPTIONS) is None
    assert read_login([HEADER], peer, LoginOptions()) is None


@pytest.mark.parametrize(
    "value", [b"ma\xffria", b"\x00", b"a\tb", b"maria via robot", b"a,b", "a\u2028b".encode()]
)
def test_what_is_no_name_of_one_person_is_refused(value: bytes) -> None:
    with pytest.raises(Problem, match="400"):
        read_login([(b"x-remote-user", value)], "::1", OPTIONS)


def test_a_name_may_have_any_letters_and_an_empty_one_is_nobody() -> None:
    login = read_login([(b"x-remote-user", " Zoë Müller ".encode())], "::1", OPTIONS)

    assert login
    assert login.person == "Zoë Müller"
    for value in (b"", b"  "):
        assert read_login([(b"x-remote-user", value)], "::1", OPTIONS) is None


def test_people_get_the_scopes_of_the_setting() -> None:
    options = parse_login("X-Remote-User", "::1", "read, admin")

    assert options.scopes == (Scope.READ, Scope.ADMIN)
    login = read_login([HEADER], "::1", options)
    assert login
    assert login.may(Scope.ADMIN)


@pytest.mark.parametrize(
    ("header", "proxies", "scope", "problem"),
    [
        ("X-User", None, None, "^trusted_proxies is missing"),
        (None, "::1", None, "^login_header is missing"),
        ("Authorization", "::1", None, "^login_header is Authorization"),
        ("X User", "::1", None, "^login_header is X User"),
        ("X-User", "proxy.internal", None, "^trusted_proxies is proxy.internal"),
        ("X-User", "10.1.2.3/8", None, "^trusted_proxies is 10.1.2.3/8"),
        ("X-User", "::1,", None, "^trusted_proxies is ;"),
        ("X-User", "0.0.0.0/0", None, "which is everybody"),
        ("X-User", "::/0", None, "which is everybody"),
        ("X-User", "::1", "root", '^login_scope is "root"'),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(
    header: str | None, proxies: str | None, scope: str | None, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_login(header, proxies, scope)


def test_without_settings_no_header_counts() -> None:
    assert parse_login(None, None, None) == LoginOptions()
