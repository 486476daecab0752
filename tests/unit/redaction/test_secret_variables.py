"""Secrets in variables, and in files that variables name."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from rollback_drills.errors import UsageError
from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.redaction.redactor import REDACTED, redactor_in_use
from rollback_drills.redaction.secret_variables import OF_OTHERS, OWN, find_secret, open_secret_files
from rollback_drills.settings import find_database_url, read_settings
from tests.samples.commands import drills

NAME = "PREFECT_API_AUTH_STRING"
SECRET = "drills:a password that no rule of redaction finds"
URL = "postgresql+psycopg://drills:s3cr3t-value@db.example.invalid/drills"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def find(file: Path, **environ: str) -> str | None:
    return find_secret({f"{NAME}_FILE": str(file), **environ}, NAME)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(b"secret", b"secret", id="no newline"),
        pytest.param(b"secret\n", b"secret", id="one newline"),
        pytest.param(b"secret\r\n", b"secret", id="one newline of Windows"),
        pytest.param(b"secret\n\n", b"secret\n", id="two newlines"),
        pytest.param(b" secret ", b" secret ", id="spaces"),
        pytest.param("geheim-ß".encode(), "geheim-ß".encode(), id="UTF-8"),
        pytest.param(b"x" * 65_536 + b"\n", b"x" * 65_536, id="as long as it may be"),
    ],
)
def test_one_newline_at_the_end_is_taken_off(written: bytes, read: bytes, file: Path) -> None:
    file.write_bytes(written)

    assert find(file) == read.decode()


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        pytest.param(None, "cannot be read: no such file or directory", id="missing"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\n", "is empty", id="only a newline"),
        pytest.param(b"\xff\xfe", "is no text in UTF-8", id="not UTF-8"),
        pytest.param(b"a\0b", "has a NUL character", id="NUL"),
        pytest.param(b"x" * 65_537, "is larger than 64 KiB", id="too large"),
        pytest.param(b"x" * 200_000, "is larger than 64 KiB", id="far too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error_without_path_and_value(
    written: bytes | None, problem: str, file: Path
) -> None:
    if written is not None:
        file.write_bytes(written)

    with pytest.raises(UsageError, match=f"^the file that {NAME}_FILE names {problem}") as raised:
        find(file)

    assert str(file) not in str(raised.value)


@pytest.mark.parametrize("path", ["", "/", "a\0b", "drills:the-secret-itself"])
def test_a_path_that_is_none_is_never_shown(path: str) -> None:
    with pytest.raises(UsageError, match=f"{NAME}_FILE") as raised:
        find_secret({f"{NAME}_FILE": path}, NAME)

    assert "the-secret-itself" not in str(raised.value)


@pytest.mark.parametrize("value", ["", "another"])
def test_variable_and_file_together_are_one_error(value: str, file: Path) -> None:
    file.write_text(SECRET)

    with pytest.raises(UsageError, match=f"^{NAME} and {NAME}_FILE are both set; unset one of them$"):
        find(file, **{NAME: value})


def test_without_a_file_the_variable_counts() -> None:
    assert find_secret({NAME: "value"}, NAME) == "value"
    assert find_secret({}, NAME) is None


def test_what_is_in_a_file_is_redacted(file: Path) -> None:
    file.write_text(f"{SECRET} of {file}\n")
    secret = find(file)

    assert redactor_in_use().text(f"refused: {secret}!") == f"refused: {REDACTED}!"


@pytest.mark.parametrize("name", OF_OTHERS)
def test_others_get_every_secret_in_its_variable(name: str, file: Path) -> None:
    file.write_text("value\n")
    environ = {f"{name}_FILE": str(file), "SSL_CERT_FILE": "stays"}

    open_secret_files(environ)

    assert environ == {name: "value", "SSL_CERT_FILE": "stays"}


@pytest.mark.parametrize("name", sorted(OWN))
def test_settings_read_every_secret_of_this_program_from_a_file(name: str, file: Path) -> None:
    file.write_text(f"{URL}\n")
    (setting,) = (key for key, variable in VARIABLES.items() if variable == name)

    settings = read_settings({f"{name}_FILE": str(file)})

    assert getattr(settings, setting) == URL
    assert find_database_url({f"{name}_FILE": str(file)}, "sqlite:///a.db") == "sqlite:///a.db"


def test_an_error_about_what_is_in_the_file_names_the_variable_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("nonsense")

    done = drills("evidence", "list", cwd=tmp_path, DRILLS_DATABASE_URL_FILE=str(tmp_path / "url"))

    assert (done.returncode, done.stdout) == (2, "")
    begin = "drills: DRILLS_DATABASE_URL (from DRILLS_DATABASE_URL_FILE) is no usable database URL"
    assert done.stderr.startswith(begin)


def test_a_command_ends_with_one_line_if_the_file_is_missing(tmp_path: Path) -> None:
    done = drills("evidence", "list", cwd=tmp_path, DRILLS_DATABASE_URL_FILE=str(tmp_path / "none"))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "drills: the file that DRILLS_DATABASE_URL_FILE names cannot be read: no such file or directory;"
        " correct the path\n"
    )


def test_exec_becomes_a_program_that_has_the_secret(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("value\n")
    started = []
    monkeypatch.setattr(os, "execvp", lambda *call: started.append((call, dict(os.environ))))

    monkeypatch.setenv(f"{NAME}_FILE", str(file))

    drills("exec", "--", "prefect", "worker", "start", "--pool", "x", cwd=tmp_path)

    ((program, arguments), environ) = started[0]
    assert (program, arguments) == ("prefect", ["prefect", "worker", "start", "--pool", "x"])
    assert environ[NAME] == "value"
    assert f"{NAME}_FILE" not in environ


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("no-such-program", "no-such-program cannot be started: no such file or directory"),
        ("", "the name of the program is empty"),
    ],
)
def test_exec_says_which_program_is_missing(tmp_path: Path, program: str, problem: str) -> None:
    done = drills("exec", "--", program, cwd=tmp_path)

    assert done.returncode == 2
    assert problem in done.stderr


@pytest.mark.slow
def test_every_setting_of_prefect_that_may_hold_a_secret_can_be_a_file() -> None:
    from prefect.settings import Settings  # takes a second to import

    assert set(find_secret_settings(Settings)) <= set(OF_OTHERS)


def find_secret_settings(model: type[BaseModel], prefix: str = "PREFECT") -> Iterator[str]:
    """Yield the variables of settings whose type is secret, and of headers that are sent."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}_{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from find_secret_settings(field.annotation, variable)
        elif "Secret" in str(field.annotation) or name == "custom_headers":
            yield variable
