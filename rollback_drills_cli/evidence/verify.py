"""`drills evidence verify`: detects and locates changes to the evidence; it needs no server."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollback_drills.errors import DrillsError, UsageError, reason_of
from rollback_drills.errors.pipes import refuse_named_pipe
from rollback_drills.evidence.verify.findings import Verification
from rollback_drills.rendering.counts import write_count
from rollback_drills.rendering.times import write_time
from rollback_drills_cli.database import DatabaseOption, open_existing
from rollback_drills_cli.evidence.remembered_head import WITNESS, NotAskedError, ask_for_head
from rollback_drills_cli.options.flags import describe
from rollback_drills_cli.options.shared import JsonOption
from rollback_drills_cli.terminal.output import print_json, print_line, print_table
from rollback_drills_cli.terminal.progress import show_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollback_drills.database.connections import Database
    from rollback_drills.evidence.ledger.checkpoint import Checkpoint
    from rollback_drills.evidence.verify.auditor import Trust

_LONGEST: Final = 1_000_000


def verify(
    export: Annotated[
        Path | None,
        typer.Argument(metavar="[EXPORT]", help="Folder of an export. (default: the database)"),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Heads that were kept elsewhere, from artifacts or notifications; may be repeated.",
        ),
    ] = None,
    public_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The public key that you kept, or its file."),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that no evidence was changed, removed, inserted, reordered or truncated.

    Reads only. To detect a replaced ledger, pass a head or key that was kept elsewhere. The database is also
    compared with the head that the Prefect server remembers, if one is configured and answers.
    Exit code 0: everything is as it was signed. 1: there are findings. 2: it cannot be verified, for example
    because there is no evidence.
    """
    try:
        if export is not None:
            if database is not None:
                raise UsageError("pass either EXPORT or --database")
            _refuse_own_files(export, {"--checkpoint": checkpoint or [], "--public-key": [public_key or ""]})
        result = _verify(export, database, _read_trust(checkpoint or [], public_key))
    except DrillsError as error:
        if as_json:
            print_json(Verification().report(describe(error)))
        raise
    if as_json:
        print_json(result.report())
    else:
        _print_result(result, str(export) if export else "the database")
    if not result.is_intact:
        raise typer.Exit(1)


def _verify(export: Path | None, database: str | None, trust: "Trust") -> Verification:
    with show_count("rows") as show:
        if export is not None:
            from rollback_drills.evidence.verify.bundle import verify_bundle

            return verify_bundle(export, trust, show)
        from rollback_drills.evidence.verify.ledger import TABLES, verify_ledger

        opened = open_existing(database, *TABLES).database
        remembered, remarks = _ask(opened)
        known = replace(trust, witnesses=[*trust.witnesses, *remembered])
        result = verify_ledger(opened, known, show)
        result.remarks += remarks
        return result


def _ask(database: "Database") -> "tuple[list[tuple[str, Checkpoint]], list[str]]":
    """Return the head that the Prefect server remembers, or why it is not compared with."""
    try:
        head = ask_for_head(database)
    except NotAskedError as error:
        return [], [f"not compared with {WITNESS}: {error}"]
    return [(WITNESS, head)] if head else [], []


def _refuse_own_files(export: Path, kept: "Mapping[str, Sequence[Path | str]]") -> None:
    """Ensure that an export is not compared with itself: whoever changed it has changed its files too."""
    for flag, files in kept.items():
        for file in files:
            if os.path.isfile(file) and Path(file).resolve().is_relative_to(export.resolve()):
                raise UsageError(
                    f"{flag} {file} is a file of the export itself, which proves nothing; pass one that"
                    " reached you another way, or leave it out"
                )


def _read_trust(checkpoints: list[Path], public_key: str | None) -> "Trust":
    from rollback_drills.evidence.ledger.checkpoint import read_witnesses
    from rollback_drills.evidence.ledger.keys import PublicKey
    from rollback_drills.evidence.verify.auditor import Trust

    witnesses = []
    for file in checkpoints:
        text = _read("--checkpoint", file)
        try:
            witnesses += [(str(file), each) for each in read_witnesses(text)]
        except UsageError as error:
            raise UsageError(f"--checkpoint {file}: {error}") from None
    if public_key is None:
        return Trust(witnesses)
    is_file = os.path.isfile(public_key)
    key = _read("--public-key", Path(public_key)) if is_file else public_key
    try:
        return Trust(witnesses, PublicKey.parse(key))
    except UsageError as error:
        no_file = "" if is_file or "+" in public_key else "there is no such file, and "
        raise UsageError(f"--public-key: {no_file}{error}") from None


def _read(flag: str, file: Path) -> str:
    try:
        refuse_named_pipe(file)
        with file.open(encoding="utf-8-sig") as opened:
            return opened.read(_LONGEST)
    except OSError as error:
        raise UsageError(f"{flag} {file} cannot be read: {reason_of(error)}; fix the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{flag} {file} is not UTF-8 text; save it as UTF-8") from None


def _print_result(result: Verification, place: str) -> None:
    facts = [
        ("ledger", result.origin),
        ("rows", f"{result.size:,} ({result.row_count:,} looked at, {result.pruned_count:,} pruned)"),
        ("newest row", _write_time(result.newest_at)),
        ("signed heads", f"{result.head_count:,}"),
        ("checks recomputed", f"{result.check_count:,}"),
        ("root", result.root),
        ("public key", result.public_key),
        ("compared with", ", ".join(result.compared) or "no copy"),
    ]
    print_table(f"Evidence in {place}", ("what", ""), facts)
    for remark in result.remarks:
        print_line(f"note: {remark}")
    for finding in result.findings:
        print_line(f"{finding.kind.replace('_', ' ')}: {finding.message}")
    if result.finding_count > len(result.findings):
        more = write_count(result.finding_count - len(result.findings), "more finding")
        print_line(f"… and {more}")
    if not result.is_intact:
        print_line(f"NOT VERIFIED: {write_count(result.finding_count, 'finding')}.")
    elif result.compared:
        print_line("Verified: everything is as it was signed.")
    else:
        print_line(
            "Verified: everything is as it was signed. To detect a replaced ledger, compare with a head or"
            " key that was kept elsewhere: --checkpoint, --public-key."
        )


def _write_time(instant: str) -> str:
    """Write a time for people; whatever a row says instead of one is shown as it is."""
    try:
        return write_time(datetime.fromisoformat(instant))
    except ValueError:
        return instant or "unknown"
