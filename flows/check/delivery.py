"""The delivery step of the flows: a task run for each provider, and notices about disabled connectors."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.ledger_key import open_signing_key
from blocks.registry import find_replay_approvals
from rollback_drills.database.connections import Database
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.delivery.undelivered_text import (
    explain_damaged,
    explain_dead,
    explain_failed,
    explain_waiting,
)
from rollback_drills.errors import DrillsError
from rollback_drills.followup.quiet_holds import find_quiet_holds
from rollback_drills.names.keys import first_spellings
from rollback_drills.notifications.results import Delivery, ProviderDeliveries, failed_providers
from rollback_drills.notifications.states import DEAD, State
from rollback_drills.outbox.claims import due_providers
from rollback_drills.outbox.clock_ahead import bring_forward
from rollback_drills.outbox.commit import commit
from rollback_drills.outbox.deliveries import describe_delivery
from rollback_drills.outbox.undelivered import Undelivered, find_undelivered
from rollback_drills.recovery.act import Act
from rollback_drills.recovery.recorded_act import Writer
from rollback_drills.recovery.run_retries import try_again
from rollback_drills.rendering.counts import write_count
from tasks.delivery import deliver_to_provider
from tasks.evidence import open_database
from tasks.outbox import commit_notices

_RETRIED: Final = "a person retried the flow run in Prefect"


@dataclass(slots=True)
class Delivered:
    """What came of a delivery step."""

    deliveries: list[Delivery] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Providers whose task run broke, with the reason; what it had claimed turns ambiguous."""
    left: Undelivered = field(default_factory=Undelivered)
    """What has not reached its owner after this run, tried in it or not."""

    @property
    def everything(self) -> list[Delivery]:
        """What the run tried, and what it left without trying."""
        return [*self.deliveries, *self._untried(self.left.deliveries)]

    def explain_problems(self) -> Iterator[str]:
        """Name each provider that failed, then what waits and what died; nothing if all was delivered."""
        failed = list(self._explain_failures())
        if failed:
            yield f"could not deliver through {'; '.join(failed)}"
        yield from explain_waiting(self._untried(self.left.waiting))
        yield from explain_dead([describe_delivery(item) for item in self.left.dead])
        yield from explain_damaged(self.left.damaged)

    def explain_elsewhere(self) -> Iterator[str]:
        """Name what the run was not asked for, and what has not reached its owner all the same."""
        if not self.left.elsewhere:
            return
        dead = [each for each in self.left.elsewhere if each.state in DEAD]
        waiting = [each for each in self.left.elsewhere if each.state not in DEAD]
        left = "; ".join([*explain_waiting(waiting), *explain_dead(dead)])
        yield f"through providers that this run was not asked for: {left}"

    @property
    def left_ids(self) -> list[str]:
        """The notifications that have not reached their owners, also through other providers."""
        left = [*self.left.deliveries, *self.left.elsewhere]
        return [*(each.notification.notification_id for each in left), *self.left.damaged]

    def without_sending(self) -> "Delivered":
        """Return it without what another run is sending at this moment: that run says what comes of it."""
        waiting = [each for each in self.left.waiting if each.state is not State.SENDING]
        return replace(self, left=replace(self.left, waiting=waiting))

    def _explain_failures(self) -> Iterator[str]:
        yield from self.broken
        for provider in failed_providers(self.deliveries):
            of_provider = [each for each in self.deliveries if each.notification.provider == provider]
            failed = [each for each in of_provider if not each.succeeded]
            yield f"{provider} ({'; '.join(explain_failed(failed))})"

    def _untried(self, left: Iterable[Delivery]) -> list[Delivery]:
        tried = {each.notification.notification_id for each in self.deliveries}
        return [each for each in left if each.notification.notification_id not in tried]


def deliver_due(
    requested: frozenset[str] | None,
    policy: RetryPolicy,
    url: str,
    schedule_ids: Collection[str] | None = None,
    tags: Sequence[str] = (),
) -> Delivered:
    """Deliver what is due for the requested providers, then send notices of connectors that died.

    Args:
        requested: Through which providers; None: through all.
        policy: How often one notification is tried.
        url: The database of the outbox.
        schedule_ids: The schedules of the run, of which it says what waits and what died; None: all.
        tags: Of the task runs, one for each provider.
    """
    database = open_database(url)
    now = database.now().timestamp()
    if brought := bring_forward(database, now=now):
        put_off = f"{write_count(brought, 'notification')} that a clock which was ahead had put off"
        get_run_logger().warning("due now: %s", put_off)
    held = _hold_back(database, now)
    due = first_spellings(due_providers(database, now=now))
    delivered = Delivered()
    wanted = [each for key, each in due.items() if requested is None or key in requested]
    _deliver_through(delivered, wanted, policy, url, tags)
    alive = {each.notification.provider for each in delivered.deliveries if each.succeeded}
    _deliver_through(delivered, commit_notices(url, alive), policy, url, tags)
    left = find_undelivered(database, schedule_ids, requested, now=database.now().timestamp())
    delivered.left = left.without(held)
    # The pause of a destination, which another notification may have brought about, holds back all of them.
    goes_on = {each.notification.notification_id: each.next_attempt_at for each in delivered.left.waiting}
    delivered.deliveries = [
        replace(each, next_attempt_at=goes_on.get(each.notification.notification_id, each.next_attempt_at))
        for each in delivered.deliveries
    ]
    return delivered


def _hold_back(database: Database, now: float) -> frozenset[str]:
    """Hold back what nobody should get now, and return which notifications that are: they are no problem."""
    holds = find_quiet_holds(database, now=database.now())
    if holds:
        commit(database, [], [], holds, now=now)
        count = write_count(len(holds), "notification")
        get_run_logger().info("%s held back: acknowledged, or an exception holds", count)
    return frozenset(each.notification_id for each in holds)


def is_retried() -> bool:
    """Return whether a person retries this flow run."""
    return (flow_run.run_count or 1) > 1


def try_failed_again(
    requested: frozenset[str] | None,
    url: str,
    by: str,
    schedule_ids: Collection[str] | None = None,
) -> None:
    """Make everything due that failed, if a person retries this flow run; else do nothing.

    To be called before anything is decided: what is due may be kept back again by a window.
    """
    if is_retried():
        database = open_database(url)
        needing = find_replay_approvals()
        writer = Writer(open_signing_key, by, database.now(), flow_run.id or "")
        try_again(database, schedule_ids, requested, Act(by, _RETRIED), writer, needing)


def _deliver_through(
    delivered: Delivered, providers: Iterable[str], policy: RetryPolicy, url: str, tags: Sequence[str]
) -> None:
    """Deliver through all providers at once; one that breaks never hides the others."""
    futures = [(each, deliver_to_provider.submit(each, policy, url, tags)) for each in providers]
    for provider, future in futures:
        future.wait()
        found = future.state.result(raise_on_failure=False)
        if isinstance(found, ProviderDeliveries):
            delivered.deliveries += found
        else:
            delivered.broken.append(f"{provider} (the task broke: {_explain(found)})")


def _explain(error: Any) -> str:
    return str(error) if isinstance(error, DrillsError) else type(error).__name__
