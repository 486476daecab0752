"""Words the title of messages about a drill: due soon, overdue, or in need of attention."""

from rollback_drills.planning.plan import Plan
from rollback_drills.readiness.reports import ScheduleReport
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.sentences import one_line


def title_plan(schedule_report: ScheduleReport, plan: Plan) -> str:
    """Return the title of the messages of a plan, such as `Rollback drill overdue: payments (production)`."""
    schedule = schedule_report.schedule
    overdue = not schedule.valid and schedule.next_due_at and schedule.stale
    what = {
        Readiness.DUE_SOON: "due soon",
        Readiness.NEEDS_ATTENTION: "overdue" if overdue else "needs attention",
    }.get(plan.status, "ready")
    return write_title(what, plan.schedule_id, schedule.environment)


def write_title(what: str, schedule_id: str, environment: str) -> str:
    """Return the title of a message that says what is with the drill of a schedule."""
    where = f" ({environment})" if environment else ""
    return one_line(f"Rollback drill {what}: {schedule_id}{where}")
