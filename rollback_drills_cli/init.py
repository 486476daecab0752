"""`drills init`: writes a first schedule and its history."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.errors.effects import note_effect
from rollback_drills.rendering.command_line import write_command
from rollback_drills_cli import first_documents
from rollback_drills_cli.options import shared
from rollback_drills_cli.terminal.output import print_line

_FIRST_DUE_IN: Final = timedelta(days=30)
_NAMES: Final = ("schedule.yaml", "history.json")


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write them; created if it is missing.")] = Path(),
) -> None:
    """Write a first schedule, with comments, and a history without drills.

    Nothing is overwritten. The first drill is due in 30 days.
    """
    paths = {name: folder / name for name in _NAMES}
    for path in paths.values():
        if path.exists():
            raise UsageError(f"{path} exists already, and is not overwritten; name another folder")
    due_at = (shared.parse_now(None) + _FIRST_DUE_IN).replace(hour=9, minute=0, second=0, microsecond=0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        text = (files(first_documents) / name).read_text(encoding="utf-8")
        with path.open("x", encoding="utf-8") as file:
            note_effect()
            file.write(text.replace("NEXT_DUE_AT", write_instant(due_at)))
    schedule, history = paths.values()
    print_line(f"{schedule}: what is drilled, how often, and who is notified. Put your names into it.")
    print_line(f"{history}: the drills that were performed. `drills record` adds them.")
    print_line(f"  {write_command('check', schedule=str(schedule), history=str(history))}")
