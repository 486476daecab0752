"""`drills api-token create|list|revoke`: the tokens of the HTTP API, kept as Secret blocks."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rollback_drills.documents.utc import write_instant
from rollback_drills_cli.command_group import CommandGroup
from rollback_drills_cli.options.shared import JsonOption, parse_choice
from rollback_drills_cli.quiet_prefect import asking_prefect
from rollback_drills_cli.terminal.output import print_json, print_line, print_problem, print_table

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="Manage the tokens of the HTTP API.")

NameArgument = Annotated[str, typer.Argument(help="The name of the token; the evidence records it.")]


@app.command()
def create(
    name: NameArgument,
    scope: Annotated[str, typer.Option(metavar="read|record|operate|admin", help="What the token may do.")],
    expires_days: Annotated[
        float | None, typer.Option(min=0.001, max=3650, help="Days until it expires. (default: never)")
    ] = None,
) -> None:
    """Create a token and print it once. Only its digest is stored.

    Scopes: read; record, to record drills and nothing else; operate, which includes read; and admin, for
    everything.

    Example: drills api-token create ci --scope record --expires-days 90
    """
    from rollback_drills.access.api_token import Scope, issue_token

    wanted = parse_choice("--scope", scope, Scope)
    ends = None if expires_days is None else datetime.now(UTC) + timedelta(days=expires_days)
    token, secret = issue_token(name, wanted, ends)
    with asking_prefect("saving"):
        from blocks.api_tokens import save_token

        save_token(token)
    print_problem("this token is shown only once; store it as a secret")
    typer.echo(secret)


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the tokens with scope and expiry."""
    with asking_prefect("asking the Prefect server"):
        from blocks.api_tokens import find_tokens

        found = find_tokens()
    for problem in found.problems:
        print_problem(problem)
    now = datetime.now(UTC)
    ends = [write_instant(each.expires_at) if each.expires_at else None for each in found.tokens]
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "scope": str(each.scope),
                    "expires_at": end,
                    "expired": each.is_expired(now),
                }
                for each, end in zip(found.tokens, ends, strict=True)
            ]
        )
        return
    rows = [
        (each.name, str(each.scope), end or "never", "yes" if each.is_expired(now) else "no")
        for each, end in zip(found.tokens, ends, strict=True)
    ]
    print_table("Tokens", ("name", "scope", "ends", "over"), rows)
    if not rows and not found.problems:
        print_line("There is no token yet. `drills api-token create NAME --scope SCOPE` makes one.")


@app.command()
def revoke(name: NameArgument) -> None:
    """Revoke a token. Running servers refuse it within 15 seconds."""
    with asking_prefect("revoking"):
        from blocks.api_tokens import delete_token

        delete_token(name)
    print_line(f"{name} is revoked")
