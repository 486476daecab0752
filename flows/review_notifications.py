"""The weekly flow: shows suppressed notifications, and why."""

import os
from typing import Annotated

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows.clock import read_now
from flows.failing import refuse
from flows.results import FinalState
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.errors import DrillsError
from rollback_drills.planning.request_fields import Instant, Signer
from rollback_drills.reports.trend_page import summarise_trend
from rollback_drills.settings import find_database_url
from tasks.logs import redacting
from tasks.suppression_review import count_suppressions, publish_review

Weeks = Annotated[int, Field(ge=1, le=520)]


@flow(name="review-notifications", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
def review_notifications(
    weeks: Weeks = 12, generated_by: Signer = "review-notifications", as_of: Instant | None = None
) -> FinalState:
    """Count suppressed notifications by week, and publish them as a page and a table.

    Args:
        weeks: Number of ISO weeks, including the current one.
        generated_by: Who asks, for the document.
        as_of: Look back from this time. Empty: now.

    Returns:
        Ends as Reviewed; the data is the suppression trend.
    """
    try:
        url = find_database_url(os.environ)
        trend = count_suppressions(weeks, read_now(as_of, url), generated_by, url)
        publish_review(trend)
    except DrillsError as error:
        return refuse(error)
    return Completed(name="Reviewed", message=summarise_trend(trend), data=trend)
