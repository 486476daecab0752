"""`drills lint`: finds mistakes in documents, and texts that may not be published."""

import os
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Annotated

import typer

from rollback_drills.documents.fleets.document_search import DOCUMENT_ENDINGS, RECORDS_ENDING, search
from rollback_drills.documents.fleets.history_pairs import find_kind
from rollback_drills.documents.reading.yaml_text import is_yaml
from rollback_drills.documents.terminal_text import show_path
from rollback_drills.errors import UsageError
from rollback_drills.linting.files import lint_files
from rollback_drills.rendering.counts import write_count
from rollback_drills_cli.options.shared import parse_choice
from rollback_drills_cli.terminal.output import print_json, print_line
from rollback_drills_cli.terminal.progress import show_waiting
from rollback_drills_cli.workspace import find_in_workspace


class Format(StrEnum):
    """How the findings are written."""

    TABLE = "table"
    JSON = "json"
    GITHUB = "github"


def lint(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", readable=False, help="Documents, or folders of them.")
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON; the same as --format json.")
    ] = False,
    format_name: Annotated[
        str, typer.Option("--format", metavar="|".join(Format), help="Output format.")
    ] = Format.TABLE.value,
) -> None:
    """Check documents for mistakes, and for URLs, host names, credentials and private paths.

    Finds every mistake for which `drills check` or `drills gate` refuses a document, whatever the time. Warns
    of names and words that are probably mistakes, and of ids that two documents of one folder share.
    Exit code 0 if nothing was found, else 1.

    Example: drills lint schedules/ histories/
    """
    wanted = _parse_format(format_name, as_json=as_json)
    files, unsearched = _find_files(paths)
    with show_waiting(f"looking through {write_count(len(files), 'document')}"):
        linted = lint_files(files, now=datetime.now(UTC))
    linted.findings[:0] = unsearched
    if wanted is Format.GITHUB:
        from rollback_drills.linting.annotations import write_annotations

        print_line(write_annotations(linted, files, partial(find_in_workspace, [])).rstrip("\n"))
    elif wanted is Format.JSON:
        print_json(
            {"documents": len(files), "findings": list(linted.findings), "warnings": list(linted.warnings)}
        )
    else:
        for finding in linted.findings:
            print_line(finding)
        for warning in linted.warnings:
            print_line(f"warning: {warning}")
        counts = (len(files), len(linted.findings), len(linted.warnings))
        print_line("documents: {}; findings: {}; warnings: {}".format(*counts))
    if linted.findings or (strict and linted.warnings):
        raise typer.Exit(1)


def _parse_format(name: str, *, as_json: bool) -> Format:
    wanted = parse_choice("--format", name, Format)
    if as_json and wanted is Format.GITHUB:
        raise UsageError("--json and --format github contradict each other; leave one out")
    return Format.JSON if as_json else wanted


def _find_files(paths: list[Path]) -> tuple[list[str], list[str]]:
    """Return the documents at some paths, and a finding for each folder that cannot be searched."""
    files: list[str] = []
    findings: list[str] = []
    for path in map(str, paths):
        is_pattern = has_magic(path) and not os.path.lexists(path)
        if not is_pattern and not _may_exist(path):
            raise UsageError(f"{show_path(path)} does not exist; fix the path")
        if not is_pattern and not os.path.isdir(path):
            files.append(path)
            continue
        found = search(path, (*DOCUMENT_ENDINGS, RECORDS_ENDING))
        documents = [
            file for file, name in found.documents if not is_yaml(name) or find_kind(name) != "other"
        ]
        if not documents and not found.problems:
            raise UsageError(
                f"{path} has no document (*.json, *.jsonl, or YAML that is called a schedule or history)"
            )
        files += documents
        findings += [f"{show_path(folder.path)}: {reason}" for folder, reason in found.problems]
    return files, findings


def _may_exist(path: str) -> bool:
    """Whether something is at a path, or may be, because its folder cannot be looked into."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
