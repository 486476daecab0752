"""The delivery step of both flows: a task run for each provider, and word of the connectors that died."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rollback_drills.delivery.results import Delivery, ProviderDeliveries, failed_providers
from rollback_drills.delivery.retrying import RetryPolicy
from rollback_drills.errors import DrillsError
from rollback_drills.outbox.claims import due_providers
from tasks.delivery import deliver_to_provider
from tasks.evidence import open_database
from tasks.outbox import commit_notices


@dataclass(slots=True)
class Delivered:
    """What came of a delivery step."""

    deliveries: list[Delivery] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Providers whose task run broke, with the reason; what it had claimed turns ambiguous."""

    def explain_failures(self) -> Iterator[str]:
        """Name each provider that failed, with what went wrong first."""
        yield from self.broken
        for provider in failed_providers(self.deliveries):
            of_provider = (each for each in self.deliveries if each.notification.provider == provider)
            yield f"{provider} ({next(each.summary for each in of_provider if not each.succeeded)})"


def deliver_due(requested: frozenset[str] | None, policy: RetryPolicy, url: str) -> Delivered:
    """Deliver what is due for the requested providers (None: all), then tell of connectors that died."""
    due = due_providers(open_database(url), now=time.time())
    delivered = Delivered()
    _deliver_through(delivered, [each for each in due if requested is None or each in requested], policy, url)
    alive = {each.notification.provider for each in delivered.deliveries if each.succeeded}
    _deliver_through(delivered, commit_notices(url, alive), policy, url)
    return delivered


def _deliver_through(delivered: Delivered, providers: Iterable[str], policy: RetryPolicy, url: str) -> None:
    """Deliver through all providers at once; one that breaks never hides the others."""
    futures = [(each, deliver_to_provider.submit(each, policy, url)) for each in providers]
    for provider, future in futures:
        future.wait()
        found = future.state.result(raise_on_failure=False)
        if isinstance(found, ProviderDeliveries):
            delivered.deliveries += found
        else:
            delivered.broken.append(f"{provider} (the task broke: {_explain(found)})")


def _explain(error: Any) -> str:
    return str(error) if isinstance(error, DrillsError) else type(error).__name__
