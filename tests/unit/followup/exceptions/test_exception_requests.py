"""A request for an exception: who may decide it, until when, and what an approval grants."""

from datetime import datetime, timedelta

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.followup.exceptions.exception import LONGEST, ExceptionKind
from rollback_drills.followup.exceptions.exception_decisions import approve, record_decline
from rollback_drills.followup.exceptions.exception_requests import (
    OPEN_FOR,
    Decision,
    ExceptionRequestRecord,
    FoundRequest,
    RequestState,
    Wish,
    record_request,
    refuse_repeat,
)
from rollback_drills.readiness.cycle import Cycle
from rollback_drills.readiness.states import Readiness
from tests.samples.builders import NOW

SECOND, LIMIT = timedelta(seconds=1), timedelta(days=10)
DUE = NOW + timedelta(days=2)
UNTIL = NOW + timedelta(days=7)
CYCLE = Cycle("payments", "gordcycle-1", Readiness.NEEDS_ATTENTION)


def ask(
    until: datetime = UNTIL,
    kind: ExceptionKind = ExceptionKind.WAIVE,
    *,
    reason: str = "the cluster is moved",
    requested_by: str = "maria",
) -> ExceptionRequestRecord:
    return record_request(
        Wish(kind, until, reason, requested_by),
        CYCLE,
        due_at=DUE,
        postpone_limit=LIMIT,
        now=NOW,
        created_at=NOW,
    )


def found(record: ExceptionRequestRecord | None = None, **facts: object) -> FoundRequest:
    return FoundRequest((record or ask()).to_request(), **facts)  # type: ignore[arg-type]


def test_a_request_says_what_is_asked_for_and_until_when_it_can_be_decided() -> None:
    record = ask(NOW + timedelta(days=60))

    assert record.kind() == "go-backend-rollback-drill-exception-request"
    assert (record.signer, record.requested_by, record.exception) == ("maria", "maria", "waive")
    assert record.open_until == (NOW + OPEN_FOR).isoformat()
    assert ask(UNTIL).open_until == UNTIL.isoformat()
    assert found(record).request.summary.startswith("maria asks to waive until ")
    ids = {
        ask().request_id,
        ask(kind=ExceptionKind.SKIP).request_id,
        ask(requested_by="anna").request_id,
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reason": " "}, "^reason is empty"),
        ({"requested_by": ""}, "^requested_by is empty"),
        ({"requested_by": "maria@example.com"}, "^requested_by holds an e-mail address"),
        ({"reason": "see https://ci.example.com/1"}, "^reason holds a URL"),
        ({"until": NOW}, "^until .* is past"),
        ({"until": NOW + LONGEST + SECOND}, "^until .* more than 366 days"),
        (
            {"until": DUE + LIMIT + SECOND, "kind": ExceptionKind.POSTPONE},
            "^until .* the limit of this cycle",
        ),
    ],
)
def test_what_no_exception_could_be_is_not_even_requested(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        ask(**changes)  # type: ignore[arg-type]


def test_an_approval_grants_what_was_requested_and_names_both() -> None:
    given = approve(found(), "anna", "gordcycle-1", now=NOW)

    assert (given.kind, given.until, given.reason) == (ExceptionKind.WAIVE, UNTIL, "the cluster is moved")
    assert (given.requested_by, given.approver) == ("maria", "anna")
    assert given.request_id == ask().request_id
    assert given.remark == ""


def test_an_approval_keeps_what_its_approver_remarks() -> None:
    assert approve(found(), "anna", "gordcycle-1", remark=" not again ", now=NOW).remark == "not again"

    with pytest.raises(UsageError, match=r"^reason holds a URL"):
        approve(found(), "anna", "gordcycle-1", remark="see https://ci.example.com/1", now=NOW)


@pytest.mark.parametrize("approver", ["maria", " Maria", "m\u0430ria", "maria via proxy", "maria via robot"])
def test_who_requested_it_cannot_approve_it(approver: str) -> None:
    with pytest.raises(UsageError, match=r"^decided_by is .* requested it; somebody else must approve it"):
        approve(found(), approver, "gordcycle-1", now=NOW)


def test_one_token_cannot_be_two_people() -> None:
    request = found(ask(requested_by="maria via robot"))

    for approver in ("anna via robot", "robot"):
        with pytest.raises(UsageError, match="somebody else must approve it"):
            approve(request, approver, "gordcycle-1", now=NOW)
    assert approve(request, "anna via board", "gordcycle-1", now=NOW).approver == "anna via board"


@pytest.mark.parametrize(("decided_by", "problem"), [("", "is empty"), ("a@b.example.com", "e-mail address")])
def test_a_decision_names_somebody(decided_by: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"^decided_by .*{problem}"):
        approve(found(), decided_by, "gordcycle-1", now=NOW)
    with pytest.raises(UsageError, match=f"^decided_by .*{problem}"):
        record_decline(found(), decided_by, "no", now=NOW, created_at=NOW)


def test_a_request_expires() -> None:
    before, after = UNTIL - SECOND, UNTIL

    assert found().state_at(before) is RequestState.OPEN
    assert found().state_at(after) is RequestState.EXPIRED
    assert approve(found(), "anna", "gordcycle-1", now=before).approver == "anna"
    for decide in (
        lambda: approve(found(), "anna", "gordcycle-1", now=after),
        lambda: record_decline(found(), "anna", "no", now=after, created_at=after),
    ):
        with pytest.raises(UsageError, match=r"expired at .*; request it again"):
            decide()


@pytest.mark.parametrize(("is_approved", "done"), [(True, "approved"), (False, "declined")])
def test_what_is_decided_stays_decided(is_approved: bool, done: str) -> None:
    decided = found(decision=Decision(is_approved, "anna", NOW))

    assert decided.state_at(UNTIL) is RequestState(done)
    with pytest.raises(UsageError, match=f"was {done} by anna"):
        approve(decided, "otto", "gordcycle-1", now=NOW)
    with pytest.raises(UsageError, match=f"was {done} by anna"):
        record_decline(decided, "otto", "no", now=NOW, created_at=NOW)


def test_a_request_ends_with_its_cycle() -> None:
    over = found(is_cycle_over=True)

    assert over.state_at(NOW) is RequestState.OVER
    for request, cycle_id in ((over, "gordcycle-1"), (found(), "gordcycle-2")):
        with pytest.raises(UsageError, match=r"the cycle of gordexreq-.* is over"):
            approve(request, "anna", cycle_id, now=NOW)
    assert record_decline(over, "anna", "too late", now=NOW, created_at=NOW).declined_by == "anna"


def test_who_requested_it_may_withdraw_it() -> None:
    record = record_decline(found(), "maria", "not needed any more", now=NOW, created_at=NOW)

    assert record.kind() == "go-backend-rollback-drill-exception-decline"
    assert (record.declined_by, record.requested_by) == ("maria", "maria")
    with pytest.raises(UsageError, match=r"^reason is empty"):
        record_decline(found(), "maria", " ", now=NOW, created_at=NOW)
    with pytest.raises(UsageError, match=r"^reason holds a URL"):
        record_decline(found(), "maria", "see https://x.example.com", now=NOW, created_at=NOW)


def test_a_person_asks_once_for_the_same() -> None:
    wish = Wish(ExceptionKind.WAIVE, UNTIL, "another reason", "MARIA")
    waiting = [found().request]

    with pytest.raises(UsageError, match="has requested the same already: gordexreq-"):
        refuse_repeat(wish, CYCLE, waiting)
    refuse_repeat(wish, CYCLE, [])
    for other in (
        Wish(ExceptionKind.SKIP, UNTIL, "", "maria"),
        Wish(ExceptionKind.WAIVE, UNTIL + SECOND, "", "maria"),
        Wish(ExceptionKind.WAIVE, UNTIL, "", "anna"),
    ):
        refuse_repeat(other, CYCLE, waiting)
