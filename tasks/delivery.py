"""Hands the notifications of one provider over: one task run per provider, its attempts inside."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed

from blocks.connector import ConnectorError
from blocks.link_keys import LinkKeysError, open_link_keys
from blocks.registry import load_connector
from rollback_drills.console.message_links import MessageLinks
from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.names.keys import is_same
from rollback_drills.notifications.results import Delivery, ProviderDeliveries
from rollback_drills.outbox.claims import find_provider_spellings
from rollback_drills.outbox.destinations import explain_disabled, find_disabled, note_why_waiting
from rollback_drills.outbox.undelivered import find_waiting
from rollback_drills.settings import read_settings
from tasks.evidence import open_database


@task(task_run_name="deliver-{provider}", cache_policy=NO_CACHE)
def deliver_to_provider(
    provider: str, policy: RetryPolicy, url: str, tags: Sequence[str]
) -> ProviderDeliveries | State[ProviderDeliveries]:
    """Deliver what is due for one provider, of this run and of earlier ones.

    Prefect's own retries wait the same time whatever the provider asked for, so the attempts are made here.
    The secrets of the connector are opened here and never leave.
    """
    _tag(tags)
    tried, waiting = _deliver(provider, policy, open_database(url))
    failed = [*(each for each in tried if not each.succeeded), *waiting]
    count = len(tried) + len(waiting)
    get_run_logger().info("%d of %d delivered", count - len(failed), count)
    deliveries = ProviderDeliveries(tried)
    if not failed:
        return deliveries
    return Failed(message=f"{len(failed)} of {count} not delivered: {failed[0].summary}", data=deliveries)


def _tag(tags: Sequence[str]) -> None:
    """Tag this task run now that it runs: Prefect asks for a slot of each tag with which one begins."""
    if context := TaskRunContext.get():
        context.task_run.tags += tags


def _deliver(provider: str, policy: RetryPolicy, database: Database) -> tuple[list[Delivery], list[Delivery]]:
    """Deliver, and return what was tried and what waits without having been tried.

    What waits for a connector that cannot be used counts as tried: somebody has to fix the connector.
    """
    logger = get_run_logger()
    try:
        connector = load_connector(provider)
    except ConnectorError as error:
        logger.warning("%s", error)
        note_why_waiting(database, provider, str(error))
        return _find_waiting(database, provider, ()), []
    links = _find_links()
    tried = [
        each
        for spelling in find_provider_spellings(database, provider)
        for each in Dispatcher(database, spelling, connector, policy, find_links=links.find).run()
    ]
    for each in tried:
        logger.debug(
            "%s for %s: %s after %d attempts",
            each.notification.notification_id,
            each.notification.owner,
            each.state,
            each.attempt_count,
        )
    for destination in find_disabled(database):
        if is_same(destination.provider, provider):
            note_why_waiting(database, provider, explain_disabled(destination))
    return tried, _find_waiting(database, provider, tried)


def _find_links() -> MessageLinks:
    """Return what messages of this run link to."""
    settings = read_settings(os.environ)
    permit = None
    if settings.public_url:
        try:
            permit = partial(open_link_keys().sign, now=datetime.now(UTC))
        except LinkKeysError as error:  # the messages matter more than their links
            get_run_logger().warning("messages have no link to acknowledge: %s", error)
    return MessageLinks(
        settings.public_url or "", settings.runbook_base_url or "", flow_run.ui_url or "", permit
    )


def _find_waiting(database: Database, provider: str, tried: Sequence[Delivery]) -> list[Delivery]:
    """Return what waits without having been tried in this run."""
    known = {each.notification.notification_id for each in tried}
    waiting = find_waiting(database, provider, now=database.now().timestamp())
    return [each for each in waiting if each.notification.notification_id not in known]
