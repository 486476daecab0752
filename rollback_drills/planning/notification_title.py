"""Words the title of messages about a drill: due soon, overdue, or in need of attention."""

from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import Readiness


def write_title(schedule_report: ScheduleReport, plan: Plan) -> str:
    """Return the title of the messages of a plan, such as `Rollback drill overdue: payments (production)`."""
    schedule = schedule_report.schedule
    overdue = not schedule.valid and schedule.next_due_at and schedule.stale
    what = {
        Readiness.DUE_SOON: "due soon",
        Readiness.NEEDS_ATTENTION: "overdue" if overdue else "needs attention",
    }.get(plan.status, "ready")
    where = f" ({schedule.environment})" if schedule.environment else ""
    return " ".join(f"Rollback drill {what}: {plan.schedule_id}{where}".split())
