"""`drills lint`: may these documents be published, and can they be read?"""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from rollback_drills.documents.explaining import json_path
from rollback_drills.documents.fields import Document
from rollback_drills.documents.history import HISTORY_SCHEMA, History
from rollback_drills.documents.linting import find_private_texts
from rollback_drills.documents.lookalike_names import find_lookalike_names
from rollback_drills.documents.promotion import (
    PROMOTION_SCHEMA,
    REHEARSAL_SCHEMA,
    ROLLBACK_PLAN_SCHEMA,
    PromotionEvidence,
    RollbackPlan,
    RollbackRehearsal,
)
from rollback_drills.documents.reading import read_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import SCHEDULE_SCHEMA, Schedule
from rollback_drills.errors import UsageError
from rollback_drills_cli.output import print_json, print_line

_MODELS: Final[dict[str, type[Document]]] = {
    SCHEDULE_SCHEMA: Schedule,
    HISTORY_SCHEMA: History,
    PROMOTION_SCHEMA: PromotionEvidence,
    ROLLBACK_PLAN_SCHEMA: RollbackPlan,
    REHEARSAL_SCHEMA: RollbackRehearsal,
}


def lint(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Documents, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Refuse URLs, host names, credentials and private paths in documents meant to be public.

    Every document is read as strictly as `drills check` does. Exit code 0 if nothing was found, else 1.
    """
    files = [file for path in paths for file in _files_at(path)]
    documents = [(str(file), _load(file)) for file in files]
    findings = [finding for file, raw in documents for finding in _find(file, raw)]
    findings += find_lookalike_names(documents)
    if as_json:
        print_json({"documents": len(files), "findings": findings})
    else:
        for finding in findings:
            print_line(finding)
        print_line(f"documents: {len(files)}; findings: {len(findings)}")
    if findings:
        raise typer.Exit(1)


def _files_at(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError(f"{path} does not exist")
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"{path} has no document (*.json)")
    return files


def _load(file: Path) -> Any:
    """Return the parsed JSON of a file; None if it has none."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _find(file: str, raw: Any) -> list[str]:
    if raw is None:
        return [read_document(Schedule, file).problem]
    version = raw.get("schema_version", "") if isinstance(raw, dict) else ""
    private = [
        f"{file}: {json_path(loc)} holds {kind}; leave it out" for loc, kind in find_private_texts(raw)
    ]
    if private:
        return private
    problem = read_document(_MODELS.get(version, RoutingPolicy), file).problem
    return [problem] if problem else []
