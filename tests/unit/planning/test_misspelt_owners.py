"""Whoever is escalated to need not be known; a slip of the name of an owner is named."""

import pytest

from rollback_drills.documents.owner_rules import EscalationStep, OwnerRule
from rollback_drills.planning.misspelt_owners import find_misspelt_owners

LOC = ("owner_routes", "a")


@pytest.mark.parametrize(
    ("name", "owner", "is_slip"),
    [
        ("payment-team", "payments-team", True),
        ("payments-teams", "payments-team", True),
        ("paymetns-team", "payments-team", True),
        ("PAYMENTS-TEAM ", "payments-team", False),
        ("payments-lead", "payments-team", False),
        ("team-lead-eu", "team-lead-us", False),
        ("on-call-1", "on-call-2", False),
        ("on-call-12", "on-call-1", False),
        ("lead-b", "lead-a", False),
        ("lead", "leads", False),
        ("", "payments-team", False),
    ],
)
def test_a_slip_is_a_letter_more_or_less_or_two_exchanged(name: str, owner: str, *, is_slip: bool) -> None:
    rule = OwnerRule(escalation_owner=name)

    found = list(find_misspelt_owners(LOC, rule, [owner]))

    assert (
        found
        == [f'$.owner_routes.a.escalation_owner is "{name}", who owns no schedule; did you mean "{owner}"?']
        * is_slip
    )


def test_every_step_is_looked_at() -> None:
    steps = tuple(EscalationStep(owner=each, after_minutes=5) for each in ("director", "relaese-team"))

    (found,) = find_misspelt_owners(LOC, OwnerRule(escalation_steps=steps), ["release-team"])

    assert found.startswith('$.owner_routes.a.escalation_steps[1].owner is "relaese-team"')
