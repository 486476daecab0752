"""Hands notifications to providers: one task run per provider, its retries inside."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Failed

from blocks.connector import Connector, ConnectorError
from blocks.registry import load_connector
from rollback_drills.delivery.backoff import RetryPolicy, next_wait
from rollback_drills.delivery.outcome import Outcome, Verdict
from rollback_drills.delivery.results import Delivery, ProviderDeliveries
from rollback_drills.notification import Notification


@task(task_run_name="deliver-{provider}", cache_policy=NO_CACHE)
def deliver_to_provider(
    provider: str, notifications: Sequence[Notification], policy: RetryPolicy
) -> ProviderDeliveries | State[ProviderDeliveries]:
    """Deliver every notification of one provider, one after the other.

    Prefect's own retries wait the same time whatever the provider asked for, so the attempts are made here.
    The secrets of the connector are opened here and never leave.
    """
    deliveries = ProviderDeliveries(asyncio.run(_deliver_all(provider, notifications, policy)))
    failed = [each for each in deliveries if not each.verdict.succeeded]
    if not failed:
        return deliveries
    first = failed[0].verdict
    message = f"{len(failed)} of {len(deliveries)} not delivered: {first.outcome}: {first.detail}"
    return Failed(message=message, data=deliveries)


async def _deliver_all(
    provider: str, notifications: Sequence[Notification], policy: RetryPolicy
) -> list[Delivery]:
    logger = get_run_logger()
    try:
        connector = await asyncio.to_thread(load_connector, provider)
    except ConnectorError as error:
        verdict = Verdict(Outcome.PERMANENT, str(error))
        return [_undelivered(notification, verdict) for notification in notifications]
    deliveries = []
    for notification in notifications:
        delivery = await _deliver(connector, notification, policy)
        deliveries.append(delivery)
        logger.info(
            "%s for %s through %s: %s after %d attempts",
            *(notification.notification_id, notification.owner, provider, delivery.verdict.outcome),
            delivery.attempt_count,
        )
    return deliveries


async def _deliver(connector: Connector, notification: Notification, policy: RetryPolicy) -> Delivery:
    started_at = datetime.now(UTC)
    attempt, random = 0, Random()  # noqa: S311 - jitter needs no secrecy
    while True:
        attempt += 1
        verdict = await connector.send(notification, timeout_seconds=policy.timeout_seconds)
        wait = next_wait(verdict, attempt, policy, random)
        if wait is None:
            return Delivery(notification, verdict, attempt, started_at, datetime.now(UTC))
        get_run_logger().warning(
            "attempt %d of %s: %s; again in %.1f s",
            attempt,
            notification.notification_id,
            verdict.detail,
            wait,
        )
        await asyncio.sleep(wait)


def _undelivered(notification: Notification, verdict: Verdict) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(notification, verdict, 0, now, now)
