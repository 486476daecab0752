"""Whether two names of the evidence are of one person."""

import pytest

from rollback_drills.names.people import is_plain, is_same_caller, is_same_person, name_via


@pytest.mark.parametrize(
    ("one", "other", "person", "caller"),
    [
        pytest.param("maria", "Maria ", True, True, id="spelling"),
        pytest.param("Zoë", "Zoe\u0308", True, True, id="Unicode form"),
        pytest.param("Zoë", "zoe", True, True, id="accent left out"),
        pytest.param("Søren Łukasz", "soren lukasz", True, True, id="stroke left out"),
        pytest.param("Zoë via link", "zoe via proxy", True, True, id="accent left out by one of two ways"),
        pytest.param("Anna Müller", "anna mueller", False, False, id="two surnames, also with one sound"),
        pytest.param("zoe", "zora", False, False, id="other letters"),
        pytest.param("maria", "m\u0430ria", True, True, id="Cyrillic letter"),
        pytest.param("maria", "ma\ufe00ria", True, True, id="invisible variant"),
        pytest.param("maria", "anna", False, False, id="two people"),
        pytest.param("maria", "maria via proxy", True, True, id="login and name"),
        pytest.param("maria via link", "maria via proxy", True, True, id="link and login"),
        pytest.param("maria via proxy", "anna via proxy", False, False, id="two logins"),
        pytest.param("maria via robot", "anna via robot", False, True, id="one token, two claims"),
        pytest.param("robot", "anna via robot", False, True, id="a token, and a claim of its holder"),
        pytest.param("maria via robot", "anna via other", False, False, id="two tokens"),
    ],
)
def test_names_are_compared_by_person_and_by_what_they_came_through(
    one: str, other: str, person: bool, caller: bool
) -> None:
    for first, second in ((one, other), (other, one)):
        assert is_same_person(first, second) is person
        assert is_same_caller(first, second) is caller


def test_a_name_that_looks_like_one_of_a_caller_is_not_plain() -> None:
    assert name_via("maria", "proxy") == "maria via proxy"
    assert is_plain("maria rossi")
    assert not is_plain("maria via proxy")
    assert not is_plain("maria VIA proxy")
