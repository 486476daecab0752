import tempfile
from pathlib import Path
from typing import Any

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import NAMES_OF_CAVRA, VARIABLES
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.states import Mode
from rollback_drills.settings import Settings, read_settings


def test_without_anything_the_defaults_of_the_contract_hold() -> None:
    settings = read_settings({})

    assert settings == Settings()
    assert settings.criteria == Criteria(Mode.DISABLED, 14.0, 90.0)
    assert (settings.history, settings.schedule, settings.connector_config) == (None, None, None)


OF_CAVRA = {
    "CAVRA_GO_BACKEND_MODE": "promoted",
    "CAVRA_GO_ROLLBACK_DRILL_HISTORY": "h.json",
    "CAVRA_GO_ROLLBACK_DRILL_SCHEDULE": "s.json",
    "CAVRA_GO_PROMOTION_EVIDENCE": "p.json",
    "CAVRA_GO_ROLLBACK_PLAN": "l.json",
    "CAVRA_GO_ROLLBACK_REHEARSAL_EVIDENCE": "r.json",
    "CAVRA_GO_ROLLBACK_DRILL_DUE_SOON_DAYS": "7",
    "CAVRA_GO_ROLLBACK_DRILL_MAX_AGE_DAYS": "30.5",
    "CAVRA_CONNECTOR_CONFIG": "c.json",
}
OURS = {
    "DRILLS_MODE": "promoted",
    "DRILLS_HISTORY": "h.json",
    "DRILLS_SCHEDULE": "s.json",
    "DRILLS_PROMOTION_EVIDENCE": "p.json",
    "DRILLS_ROLLBACK_PLAN": "l.json",
    "DRILLS_ROLLBACK_REHEARSAL": "r.json",
    "DRILLS_DUE_SOON_DAYS": "7",
    "DRILLS_MAX_AGE_DAYS": "30.5",
    "DRILLS_CONNECTOR_CONFIG": "c.json",
}


@pytest.mark.parametrize("environ", [OURS, OF_CAVRA, OURS | OF_CAVRA], ids=["ours", "of CAVRA", "both"])
def test_the_environment_is_read_under_our_names_and_those_of_cavra(environ: dict[str, str]) -> None:
    settings = read_settings(environ | {"DRILLS_DATABASE_URL": "sqlite:///e.db", "UNRELATED": "x"})

    assert settings == Settings(
        mode=Mode.PROMOTED,
        history="h.json",
        schedule="s.json",
        promotion_evidence="p.json",
        rollback_plan="l.json",
        rollback_rehearsal="r.json",
        due_soon_days=7.0,
        max_age_days=30.5,
        connector_config="c.json",
        database_url="sqlite:///e.db",
    )


@pytest.mark.parametrize("setting", NAMES_OF_CAVRA)
@pytest.mark.parametrize(("ours", "theirs"), [("7", "8"), ("", "7"), ("7", ""), ("7", "7.0")])
def test_two_names_with_different_values_are_an_error_without_the_values(
    setting: str, ours: str, theirs: str
) -> None:
    name, other = VARIABLES[setting], NAMES_OF_CAVRA[setting]

    with pytest.raises(UsageError) as caught:
        read_settings({name: ours, other: theirs})

    assert str(caught.value) == f"{name} and {other} are both set, to different values; unset {other}"


def test_what_is_given_goes_before_both_names() -> None:
    assert read_settings({"DRILLS_MODE": "shadow", "CAVRA_GO_BACKEND_MODE": "x"}, mode="enforce") == Settings(
        mode=Mode.ENFORCE
    )


@pytest.mark.parametrize("name", [VARIABLES["due_soon_days"], NAMES_OF_CAVRA["due_soon_days"]])
def test_an_unusable_value_is_blamed_on_the_name_that_is_set(name: str) -> None:
    with pytest.raises(UsageError, match=f'^{name} is "soon"; must be a number of days'):
        read_settings({name: "soon"})


def test_what_is_given_goes_before_the_environment() -> None:
    environ = {VARIABLES["mode"]: "shadow", VARIABLES["due_soon_days"]: "nonsense"}

    settings = read_settings(environ, mode="enforce", due_soon_days=0, max_age_days=None)

    assert settings.mode is Mode.ENFORCE
    assert (settings.due_soon_days, settings.max_age_days) == (0.0, 90.0)


@pytest.mark.parametrize("value", ["0", "36525", "14", "0.5"])
def test_the_bounds_of_a_number_of_days_belong_to_it(value: str) -> None:
    assert read_settings({VARIABLES["max_age_days"]: value}).max_age_days == float(value)


@pytest.mark.parametrize(
    "value", ["", "nan", "inf", "-1", "36526", "1e9", "two weeks", "true", "14 days", "0x10", "14,0"]
)
@pytest.mark.parametrize("name", ["due_soon_days", "max_age_days"])
def test_a_variable_that_does_not_parse_is_named_and_never_falls_back(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=VARIABLES[name]) as caught:
        read_settings({VARIABLES[name]: value})

    assert value in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "Promoted"}, 'mode is "Promoted"; must be one of disabled, shadow, enforce, promoted'),
        ({"due_soon_days": True}, "due_soon_days is true; must be a number of days from 0 to 36525"),
        ({"max_age_days": float("nan")}, "max_age_days is NaN"),
        ({"schedule": ""}, "schedule is empty"),
        ({"history": ""}, "history is empty"),
    ],
)
def test_a_flag_that_does_not_parse_is_named_with_its_value(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({}, **given)

    assert message in str(caught.value)


def test_a_secret_in_the_wrong_variable_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({VARIABLES["mode"]: "https://hooks.slack.com/services/T0/B0/secret"})

    assert "secret" not in str(caught.value)


def test_who_answers_for_the_source_is_a_setting() -> None:
    settings = read_settings(
        {
            "DRILLS_PLATFORM_OWNER": "site reliability",
            "DRILLS_PLATFORM_PROVIDERS": "pagerduty, slack",
            "DRILLS_TURNED_BAD_SHARE": "0.25",
        }
    )

    assert (settings.platform_owner, settings.platform_providers) == ("site reliability", "pagerduty, slack")
    assert settings.turned_bad_share == 0.25
    assert (Settings().platform_owner, Settings().platform_providers) == ("platform", None)


@pytest.mark.parametrize("value", ["1e-9", "0.5", "1"])
def test_a_share_is_more_than_0_and_at_most_1(value: str) -> None:
    assert read_settings({VARIABLES["turned_bad_share"]: value}).turned_bad_share == float(value)


@pytest.mark.parametrize(
    ("name", "value", "demand"),
    [
        *(
            ("turned_bad_share", value, "must be a number greater than 0 and at most 1")
            for value in ("0", "-0.5", "1.01", "50", "50%", "half", "nan", "inf")
        ),
        ("turned_bad_share", "", "is empty"),
        *(
            ("run_timeout_seconds", value, "must be a number of seconds from 1 to 604800, a week")
            for value in ("0", "0.9", "604801", "-1", "1h", "inf", "nan")
        ),
        *(("auto_upgrade", value, "must be 1 or 0") for value in ("2", "maybe", "-1")),
        ("platform_owner", " ", "is empty; give it a value or leave it out"),
        ("platform_owner", "sre ", "must be a name"),
        ("platform_owner", "x" * 201, "must be a name"),
        ("platform_owner", "s\u200bre", r"holds an invisible character \(U\+200B\); a name is one line"),
        ("platform_owner", "ana@example.com", "holds an e-mail address, which evidence must not name"),
        ("platform_owner", "password=hunter2hunter2", "holds what looks like a credential"),
        *(
            ("platform_providers", value, "must be names of providers, separated by commas")
            for value in (",", "slack,", "slack,,teams", "slack teams")
        ),
    ],
)
def test_a_setting_of_the_guard_that_does_not_parse_is_named(name: str, value: str, demand: str) -> None:
    with pytest.raises(UsageError, match=f"^{VARIABLES[name]} .*{demand}"):
        read_settings({VARIABLES[name]: value})


@pytest.mark.parametrize(
    "variable", ["DRILLS_SCHEDULE", "DRILLS_HISTORY", "DRILLS_CHANGES", "DRILLS_DATABASE_URL"]
)
def test_a_blank_variable_is_no_path(variable: str) -> None:
    with pytest.raises(UsageError, match=f"{variable} is empty; give it a value or leave it out"):
        read_settings({variable: " \t"})


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite+pysqlite://", "sqlite:///", "sqlite://?a=1"]
)
def test_evidence_is_not_kept_in_memory(url: str) -> None:
    with pytest.raises(UsageError, match="in memory, which keeps nothing; name a file"):
        read_settings({"DRILLS_DATABASE_URL": url})


@pytest.mark.parametrize("url", ["sqlite:///a.db", "sqlite:////tmp/a.db", "postgresql+psycopg://u@h/d"])
def test_a_database_that_lasts_is_taken(url: str) -> None:
    assert read_settings({"DRILLS_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize("url", ["sqlite:///evidence.db", "sqlite+pysqlite:///kept/evidence.db?timeout=5"])
def test_a_database_that_vanishes_with_the_run_of_a_worker_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "x8prefect").mkdir()
    monkeypatch.chdir(tmp_path / "x8prefect")
    of_run = {"DRILLS_DATABASE_URL": url, "PREFECT__WORKER_NAME": "worker 1"}

    with pytest.raises(UsageError, match="DRILLS_DATABASE_URL names a file below the working folder"):
        read_settings(of_run)
    assert read_settings({"DRILLS_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    ("url", "folder"),
    [("sqlite:////srv/evidence.db", "temporary"), ("sqlite:///evidence.db", "kept")],
)
def test_a_worker_may_use_a_database_that_stays(
    url: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)

    assert read_settings({"DRILLS_DATABASE_URL": url, "PREFECT__WORKER_NAME": "worker 1"}).database_url == url


@pytest.mark.parametrize(
    "url", ["sqlite:////srv/evidence.db ", " sqlite:////srv/evidence.db", "postgresql://x/y\n"]
)
def test_a_database_url_has_no_blanks_around_it(url: str) -> None:
    with pytest.raises(UsageError, match="must be a URL without blanks around it"):
        read_settings({"DRILLS_DATABASE_URL": url})


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("DRILLS_DATABASE_URI", "DRILLS_DATABASE_URL"),
        ("DRILLS_SCHEDULES", "DRILLS_SCHEDULE"),
        ("DRILLS_PLATFORM_PROVIDER", "DRILLS_PLATFORM_PROVIDERS"),
        ("drills_mode", "DRILLS_MODE"),
        ("DRILL_SCHEDULE", "DRILLS_SCHEDULE"),
        ("DRILLS_DATABASE_URL_FIL", "DRILLS_DATABASE_URL_FILE"),
        ("DRILLS_DATABASE", "DRILLS_DATABASE_URL"),
        ("DRILLS_DB_URL", "DRILLS_DATABASE_URL"),
        ("DRILLS_DUE_SOON", "DRILLS_DUE_SOON_DAYS"),
        ("DRILLS_SCHEDULE_PATH", "DRILLS_SCHEDULE"),
        ("DRILLS_HISTORY_FILE", "DRILLS_HISTORY"),
    ],
)
def test_a_variable_that_is_misspelt_does_not_leave_the_default_in_its_place(
    misspelt: str, meant: str
) -> None:
    with pytest.raises(UsageError, match=f"{misspelt} is no variable of this program; did you mean {meant}"):
        read_settings({misspelt: "x"})


@pytest.mark.parametrize(
    "name",
    [
        "DRILLS_SLACK_URL",
        "DRILLS_API_PORT",
        "DRILLS_DATABASE_URL_OLD",
        "DRILL_HOME",
        "SCHEDULE",
        "DRILLS_API",
    ],
)
def test_a_variable_of_somebody_else_is_left_alone(name: str) -> None:
    assert read_settings({name: "x"}) == Settings()


@pytest.mark.parametrize("name", ["DRILLS_PUBLIC_URL", "DRILLS_RUNBOOK_BASE_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "drills.example",
        "ftp://drills.example",
        "https://",
        "https://robot:s3cr3t@drills.example/",
        "https://drills.example:99999",
        "https://drills.example:",
    ],
)
def test_what_messages_link_to_is_an_address_without_credentials(name: str, address: str) -> None:
    with pytest.raises(
        UsageError, match=f"{name} is .*; must be an address such as https://drills"
    ) as refused:
        read_settings({name: address})
    assert "s3cr3t" not in str(refused.value)


def test_a_path_that_messages_link_to_may_have_an_at_sign() -> None:
    address = "https://wiki.example/@team/runbooks"
    assert read_settings({"DRILLS_RUNBOOK_BASE_URL": address}).runbook_base_url == address


@pytest.mark.parametrize("address", ["http://[2001:db8::1]:8000/drills", "https://bücher.example:65535"])
def test_what_messages_link_to_may_have_a_port(address: str) -> None:
    assert read_settings({"DRILLS_PUBLIC_URL": address}).public_url == address


def test_a_variable_that_is_set_may_have_a_copy_beside_it() -> None:
    assert read_settings({"DRILLS_SCHEDULE": "a", "DRILLS_SCHEDULE2": "b"}).schedule == "a"
    assert read_settings({"DRILLS_SCHEDULE": "a", "DRILLS_SCHEDULE_PATH": "b"}).schedule == "a"


def test_a_variable_whose_value_is_in_a_file_may_have_a_copy_beside_it(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:////srv/evidence.db")
    named = {"DRILLS_DATABASE_URL_FILE": str(tmp_path / "url"), "DRILLS_DATABASE": "b"}
    assert read_settings(named).database_url == "sqlite:////srv/evidence.db"


def test_a_home_folder_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "home/drills")
    with pytest.raises(UsageError, match='HOME is "home/drills", a relative path'):
        _ = Settings().evidence_url
