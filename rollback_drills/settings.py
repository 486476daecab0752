"""What the caller asks for: parameters first, then the environment, then the defaults (contract §2)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rollback_drills.documents.evidence_texts import check_person
from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS, tidy
from rollback_drills.documents.quotation import show
from rollback_drills.errors import Field, UsageError
from rollback_drills.names.environment_variables import VARIABLES, SetVariable, find_setting, find_variable
from rollback_drills.names.similar_names import find_similar
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.states import Mode
from rollback_drills.redaction.secret_variables import OWN, find_secret

DESCRIPTIONS: Final = {
    "schedule": "Drill schedule: a file, folder, glob or .jsonl file.",
    "history": "Drill history: a file; a folder or glob for several schedules.",
    "changes": "What was promoted and when: a file.",
    "mode": "How far the backend is promoted.",
    "due_soon_days": "Days before the due time from which a drill is due soon.",
    "max_age_days": "Age in days up to which the latest drill is fresh.",
    "promotion_evidence": "Promotion evidence.",
    "rollback_plan": "Rollback plan.",
    "rollback_rehearsal": "Rollback rehearsal.",
}
"""What the settings that every edge offers mean."""

NOTHING_TO_WATCH: Final = "there is nothing to watch"
"""Begins the message of a run for which no schedule is configured."""

_LimitedDays = Annotated[float, Meta(ge=0, le=LONGEST_INTERVAL_DAYS)]

_Retention = Annotated[int, Meta(ge=12, le=1200)]

_DatabaseUrl = Annotated[str, Meta(pattern=r"^(?!sqlite(\+\w+)?:/*(:memory:)?(\?.*)?$)\S(.*\S)?\Z")]
_SQLITE_FILE: Final = re.compile(r"sqlite(?:\+\w+)?:///(?!file:)([^?]*)")
_PREFIX: Final = "DRILL"
_KNOWN: Final = frozenset((*VARIABLES.values(), *(f"{each}_FILE" for each in OWN)))
_MISSPELT: Final = 0.92
"""How much a name has in common with the one that was meant; a name of somebody's own has less."""
_OF_WORKERS: Final = "PREFECT__WORKER_NAME"
"""The variable that workers of Prefect set for their runs."""
_Owner = Annotated[str, Meta(pattern=r"^\S(.*\S)?$", max_length=200)]

_Providers = Annotated[str, Meta(pattern=r"^[^\s,]+( *, *[^\s,]+)*$")]

_RunTimeout = Annotated[float, Meta(ge=1, le=604_800)]

_Share = Annotated[float, Meta(gt=0, le=1)]

_ShardSize = Annotated[int, Meta(ge=1, le=1_000_000)]

_ShardMinutes = Annotated[float, Meta(gt=0, le=10_080)]


_AlarmPathHours = Annotated[float, Meta(gt=0, le=672)]

_PORT: Final = r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]"
_HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[^\s?#/@:\[\]]+"
_WebAddress = Annotated[str, Meta(pattern=rf"^https?://({_HOST})(:({_PORT}))?(/[^\s?#]*)?$", max_length=300)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is configured outside the documents. None means: not configured."""

    mode: Mode = Mode.DISABLED
    history: str | None = None
    schedule: str | None = None
    changes: str | None = None
    """After what is promoted, proofs from before it are stale."""
    promotion_evidence: str | None = None
    rollback_plan: str | None = None
    rollback_rehearsal: str | None = None
    due_soon_days: _LimitedDays = Criteria.due_soon_days
    max_age_days: _LimitedDays = Criteria.max_age_days
    connector_config: str | None = None
    database_url: _DatabaseUrl | None = None
    older_than_months: _Retention = 24
    platform_owner: _Owner = "platform"
    platform_providers: _Providers | None = None
    turned_bad_share: _Share = 0.5
    auto_upgrade: bool = True
    run_timeout_seconds: _RunTimeout = 3600.0
    shard_size: _ShardSize = 10_000
    """A larger fleet is checked in shards of at most about this many schedules."""
    shard_minutes: _ShardMinutes = 15.0
    """After this many minutes a shard that has not ended is given up."""
    public_url: _WebAddress | None = None
    """Where people reach the API and the console: messages link to it."""
    runbook_base_url: _WebAddress | None = None
    """Where the runbooks are that schedules name by a path: messages link to them."""
    alarm_path_hours: _AlarmPathHours = 24.0
    """Within this many hours the drill of an alarm path is acknowledged, or its route is a finding."""

    login_header: str | None = None
    """In which header a trusted proxy names the person who logged in; only the API reads these three."""
    trusted_proxies: str | None = None
    """The addresses and networks that the proxy connects from, separated by commas."""
    login_scope: str | None = None
    """What people who logged in may do."""

    @property
    def criteria(self) -> Criteria:
        """What a judgement is made against."""
        return Criteria(self.mode, tidy(self.due_soon_days), tidy(self.max_age_days))

    @property
    def evidence_url(self) -> str:
        """Where evidence and outbox are kept: as configured, else in the home folder.

        Raises:
            UsageError: Nothing is configured, and there is no home folder that can be used.
        """
        return self.database_url or _find_default_url()


def read_settings(environ: Mapping[str, str], **given: Any) -> Settings:
    """Resolve every setting: as given, else from the environment, else the default.

    Raises:
        UsageError: A value is unusable, or a variable is set under both of its names to different values; the
            message names the parameter or the variable. Or a variable is misspelt, or the database would
            vanish with the run.
    """
    _refuse_misspelt(environ)
    settings = Settings()
    for field in msgspec.structs.fields(Settings):
        name = field.name
        if given.get(name) is not None:
            value = _convert(given[name], field.type, field=name)
        elif found := _find(name, environ):
            value = _convert(found.text, field.type, variable=found.name)
            if name == "platform_owner":
                _check_owner(value, found.name)
        else:
            continue
        settings = msgspec.structs.replace(settings, **{name: value})
    _refuse_vanishing_file(settings.database_url or "", environ)
    return settings


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly one of ours, in whose place a default would be used in silence."""
    for name in sorted(environ.keys() - _KNOWN):
        if not name.upper().startswith(_PREFIX):
            continue
        meant = _find_abbreviated(name.upper()) or find_similar(name, _KNOWN, similar=_MISSPELT)
        if meant and not {meant, f"{meant}_FILE"} & (environ.keys() - {name}):
            raise UsageError(f"{name} is no variable of this program; did you mean {meant}? Correct the name")


def _find_abbreviated(name: str) -> str:
    """Return the variable of which a name lacks the last word, or that it calls a path; empty if none is."""
    full = name.replace("_DB_", "_DATABASE_").removesuffix("_PATH").removesuffix("_FILE")
    known = [each for each in VARIABLES.values() if full in (each, each.rpartition("_")[0])]
    return known[0] if len(known) == 1 and known[0] != name else ""


def _refuse_vanishing_file(url: str, environ: Mapping[str, str]) -> None:
    """Refuse a database below the working folder that a worker of Prefect makes for one run, and removes."""
    file = _SQLITE_FILE.match(url)
    if not file or os.path.isabs(file[1]) or _OF_WORKERS not in environ:
        return
    import tempfile  # only runs of workers need it

    if Path.cwd().is_relative_to(Path(tempfile.gettempdir()).resolve()):
        raise UsageError(
            find_setting("database_url", environ),
            " names a file below the working folder, and each run of a worker has a new one that is removed:"
            " nothing would be remembered, and everybody notified again; write an absolute path:"
            " sqlite:////PATH/evidence.db",
        )


def _find(setting: str, environ: Mapping[str, str]) -> SetVariable | None:
    variable = VARIABLES[setting]
    if variable not in OWN:
        return find_variable(setting, environ)
    text = find_secret(environ, variable)
    return None if text is None else SetVariable(variable, text)


def find_run_timeout(environ: Mapping[str, str]) -> float:
    """Return after how many seconds a flow run is given up; flows need it before all other settings.

    Raises:
        UsageError: The variable is unusable.
    """
    name = VARIABLES["run_timeout_seconds"]
    return read_settings({name: environ[name]} if name in environ else {}).run_timeout_seconds


def _check_owner(name: str, variable: str) -> None:
    try:
        check_person(name, field="platform_owner")  # as all owners, since messages and evidence have it
    except UsageError as error:
        raise UsageError(f"{variable} {error.problem}") from None


def _convert(value: Any, wanted: Any, *, field: str | None = None, variable: str = "") -> Any:
    place = f"{variable} " if variable else ""
    if isinstance(value, str) and not value.strip():
        raise UsageError(f"{place}is empty; give it a value or leave it out", field=field)
    try:
        return msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError:
        demand = _DEMANDS.get(wanted, "must be a text")
        shown = show(tidy(value) if isinstance(value, float) else value)
        raise UsageError(f"{place}is {shown}; {demand}", field=field) from None


_DEMANDS: Final = {
    Mode: f"must be one of {', '.join(Mode)}",
    _Retention: "must be a number of months from 12, which auditors ask for, to 1200",
    _DatabaseUrl | None: "must be a URL without blanks around it, and not that of a database in memory, which"
    " keeps nothing; name a file, such as sqlite:///evidence.db",
    _Owner: "must be a name of at most 200 characters, without spaces around it",
    _Providers | None: "must be names of providers, separated by commas",
    _WebAddress | None: "must be an address such as https://drills.example, without user, password and query",
    bool: "must be 1 or 0",
    _RunTimeout: "must be a number of seconds from 1 to 604800, a week",
    _Share: "must be a number greater than 0 and at most 1",
    _ShardSize: "must be a number of schedules from 1 to 1,000,000",
    _AlarmPathHours: "must be a number of hours greater than 0 and at most 672, which is four weeks",
    _ShardMinutes: "must be a number of minutes greater than 0 and at most 10,080, which is a week",
    _LimitedDays: f"must be a number of days from 0 to {LONGEST_INTERVAL_DAYS}",
}


def require_watched(settings: Settings) -> None:
    """Ensure that there is something to watch, for runs whose silence looks like health.

    In the mode `promoted` a missing schedule is a finding of the check itself.

    Raises:
        UsageError: No schedule is configured.
    """
    if settings.schedule is None and settings.mode is not Mode.PROMOTED:
        raise UsageError(
            f"{NOTHING_TO_WATCH}: {VARIABLES['schedule']} is not set; set it to the path of a schedule or a"
            " folder, or name one with ",
            Field("schedule"),
        )


def find_database_url(environ: Mapping[str, str], given: str | None = None) -> str:
    """Return where evidence and outbox are kept: as given, else by the environment, else in the home folder.

    Raises:
        UsageError: What is given or in the environment is empty, or there is no home folder that can be used.
    """
    return read_settings(environ, database_url=given).evidence_url


def _find_default_url() -> str:
    """Return the database in the home folder.

    Raises:
        UsageError: The user has no home folder, as one without an entry in the list of users has none. Or its
            path is relative: another folder would be another database.
    """
    try:
        home = Path.home()
    except RuntimeError:
        raise UsageError(
            f"the user {os.getuid()} has no home folder for the evidence;"
            f" set {VARIABLES['database_url']}, or HOME"
        ) from None
    if not home.is_absolute():
        raise UsageError(f"HOME is {show(str(home))}, a relative path; write an absolute one")
    return f"sqlite:///{home / '.rollback-drills' / 'evidence.db'}"
