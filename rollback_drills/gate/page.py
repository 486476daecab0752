"""Writes the gate as Markdown, for the artifact of a run."""

from rollback_drills.gate.decision import COLUMNS, explain_left_out, rows_of, warnings_of
from rollback_drills.gate.document import Gate
from rollback_drills.rendering.markdown import cell, table


def render_gate(gate: Gate) -> str:
    """Write the page: the decision, then every check with what was found."""
    lines = [
        f"# Release gate: {gate.status.replace('_', ' ')}",
        "",
        cell(gate.message),
        "",
        f"Selected backend **{gate.selected_backend}** · mode {gate.mode} · {gate.generated_at}",
        "",
        *table(COLUMNS, rows_of(gate)),
    ]
    if left_out := explain_left_out(gate):
        lines += ["", left_out]
    if warnings := warnings_of(gate):
        lines += ["", "## Warnings", "", *(f"- {cell(warning)}" for warning in warnings)]
    return "\n".join(lines)
