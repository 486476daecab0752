"""What is wrong around a command is one line and an exit code: server, password, home folder, output."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pytest_httpserver import HTTPServer

from rollback_drills.database.connections import Database
from rollback_drills_cli.environment_errors import explain
from rollback_drills_cli.main import main
from tests.checkout import ROOT
from tests.samples.builders import SCHEDULE

Ask = Callable[..., str]
DRILLS = Path(sys.executable).with_name("drills")
OF_THE_SERVER = [
    ("deliver", "--schedule", "schedule.json"),
    ("connectors", "list"),
    ("connectors", "test", "hook"),
    ("api-token", "list"),
    ("deploy",),
]
OF_THE_HOME = [
    *OF_THE_SERVER,
    ("evidence", "list"),
    ("outbox", "list"),
    ("dashboard",),
    ("routes",),
    ("trust", "--all", "--by", "me", "--reason", "why"),
    ("console", "--schedule", "schedule.json", "--out", "pages"),
]
WITHOUT_A_HOME = """
import json, os, pwd, sys
os.environ.pop("HOME", None)
pwd.getpwuid = lambda _: {}["nobody"]
from rollback_drills_cli.main import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["drills", *words]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
"""
"""Calls commands one after the other; each ends before it has imported Prefect."""
PRINTING = [
    ("check", "--schedule", "schedule.json"),
    ("check", "--schedule", "schedule.json", "--json"),
    ("plan", "--schedule", "schedule.json"),
    ("gate", "--schedule", "schedule.json"),
    ("lint", "schedule.json"),
    ("calendar", "--schedule", "schedule.json"),
    ("check", "--help"),
    ("--version",),
]
BADGE = ("badge", "PAY–支付 ", "--schedule", "schedule.json")
FULL = "drills: the output cannot be written: no space left on device\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a schedule whose names are not ASCII."""
    document = {**SCHEDULE, "schedule_id": "pay–支付", "owners": ["Zoë"]}
    (tmp_path / "schedule.json").write_text(json.dumps(document, ensure_ascii=False))
    return tmp_path


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a folder that is its home, too."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **changes}
    return subprocess.run([DRILLS, *arguments], cwd=folder, env=environment, capture_output=True, check=False)


def call(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Call a command in this process, with the standard output that it finds; return its exit code."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["drills", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def the_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the one line that a command printed about its problem."""
    assert done.stderr.count(b"\n") == 1, done.stderr.decode()
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("drills: ")
    assert done.stdout == b""
    assert done.returncode == 2
    return line


@pytest.fixture
def ask(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call a command with other settings of Prefect; a flow in a process of its own, the others in this one.

    A process that imports Prefect takes seconds.
    """

    # what else is logged in this process, such as the requests of the receiver, would go to Prefect's
    # handler, and so to these lines
    monkeypatch.setattr(logging.getLogger("werkzeug"), "handle", lambda _: None)
    quiet = {"PREFECT_LOGGING_TO_API_ENABLED": "false"}

    def ask_server(*arguments: str, **variables: str) -> str:
        if arguments[0] == "deliver":
            return the_line(run(folder, *arguments, **variables))
        import prefect.settings
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all()  # what earlier tests have logged, for servers that are gone by now
        capfd.readouterr()
        changed = {getattr(prefect.settings, name): value for name, value in (variables | quiet).items()}
        with prefect.settings.temporary_settings(changed):
            code = call(folder, monkeypatch, *arguments)
        printed = capfd.readouterr()
        done = subprocess.CompletedProcess(arguments, code, printed.out.encode(), printed.err.encode())
        return the_line(done)

    return ask_server


@pytest.mark.slow
@pytest.mark.parametrize("arguments", OF_THE_SERVER)
def test_a_server_that_is_down_is_one_line(arguments: tuple[str, ...], ask: Ask) -> None:
    line = ask(*arguments, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert "cannot be reached (ConnectError)" in line
    assert "PREFECT_API_URL" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        *((arguments, 401, "PREFECT_API_AUTH_STRING") for arguments in OF_THE_SERVER),
        *((arguments, 500, "answered 500") for arguments in OF_THE_SERVER if arguments[0] != "deliver"),
    ],
)
def test_a_server_that_refuses_is_one_line(
    arguments: tuple[str, ...], status: int, what: str, ask: Ask, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_json({"exception_message": "no"}, status)
    variables = {"PREFECT_API_URL": httpserver.url_for("/api"), "PREFECT_CLIENT_MAX_RETRIES": "0"}
    line = ask(*arguments, **variables, PREFECT_API_AUTH_STRING="admin:wrong")
    assert what in line
    assert "wrong" not in line


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("connectors", "list"), ("deliver", "--schedule", "schedule.json")])
def test_another_server_than_that_of_prefect_is_one_line(
    arguments: tuple[str, ...], ask: Ask, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data("<h1>Welcome</h1>")

    line = ask(*arguments, PREFECT_API_URL=httpserver.url_for("/api"))

    assert (
        "is not JSON; does another program answer? Is PREFECT_API_URL its address, with /api at the end?"
        in line
    )


def test_json_that_this_program_reads_is_no_answer_of_a_server() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")

    assert explain(caught.value) is None


@pytest.mark.slow
def test_a_user_without_a_home_folder_is_one_line_of_every_command(folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_HOME, json.dumps(OF_THE_HOME)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[1::2] == ["2"] * len(OF_THE_HOME)
    assert [line for line in lines[::2] if not re.match("drills: .*has no home folder", line)] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("arguments", PRINTING)
def test_an_output_that_takes_nothing_is_one_line(
    arguments: tuple[str, ...],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        code = call(folder, monkeypatch, *arguments)
    assert (code, capfd.readouterr().err) == (2, FULL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_process_whose_output_takes_nothing_ends_with_one_line(folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [DRILLS, *PRINTING[0]],
            cwd=folder,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr.decode()) == (2, FULL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.slow
def test_the_log_of_prefect_is_shown_only_on_request(tmp_path: Path) -> None:
    """A server that goes away in a run lets Prefect log every event that it could not send."""
    script = (
        "import sys; from rollback_drills_cli.quiet_prefect import quieten_prefect;"
        "quieten_prefect(verbose=sys.argv[1] == 'verbose'); import logging;"
        "logging.getLogger('prefect.events.utilities').error('an error'); from prefect import flow;"
        "[logging.getLogger(each).error('an error') for each in sys.argv[2:]]"
    )
    loggers = ("prefect.flow_runs", "prefect.client", "prefect._internal.concurrency", "prefect.server")

    def log(verbosity: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", script, verbosity, *loggers],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        ).stderr

    assert log("quiet") == ""
    assert log("verbose").count("an error") > len(loggers)


def test_an_error_that_nobody_can_be_told_is_an_exit_code(folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [DRILLS, "check", "--now", "x"], cwd=folder, env=environment, stderr=full, check=False
        )
    assert done.returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("arguments", PRINTING)
def test_every_terminal_can_show_it(
    arguments: tuple[str, ...], encoding: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding=encoding))
    assert call(folder, monkeypatch, *arguments) in (0, 1)
    assert printed.getvalue()


@pytest.mark.slow
def test_json_is_utf_8_on_every_terminal(folder: Path) -> None:
    done = run(folder, "check", "--schedule", "schedule.json", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.decode("utf-8"))["schedule"]["schedule_id"] == "pay–支付"


@pytest.mark.slow
def test_a_file_name_that_is_no_text_is_one_line(folder: Path) -> None:
    done = run(folder, "lint", os.fsdecode(b"gone-\xff.json"))
    assert "does not exist" in the_line(done)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["outbox", "show", os.fsdecode(b"gordmsg-\xff")], {}, r"the argument 'gordmsg-\udcff' is not UTF-8"),
        (
            ["check", "--schedule", "schedule.json"],
            {"DRILLS_MODE": os.fsdecode(b"\xff")},
            "DRILLS_MODE is not UTF-8",
        ),
    ],
)
def test_bytes_that_are_no_text_are_named(
    folder: Path, arguments: list[str], variables: dict[str, str], named: str
) -> None:
    Database.open(f"sqlite:///{folder}/drills.db").engine.dispose()
    done = run(folder, *arguments, DRILLS_DATABASE_URL=f"sqlite:///{folder}/drills.db", **variables)
    assert named in the_line(done)


@pytest.mark.parametrize("arguments", [*PRINTING, BADGE])
def test_an_output_that_is_closed_is_no_mistake(
    arguments: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)  # as in a process that is started without it
    assert call(folder, monkeypatch, *arguments) in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [PRINTING[1], BADGE])
def test_a_process_whose_output_is_closed_ends_without_a_traceback(
    arguments: tuple[str, ...], folder: Path
) -> None:
    closing = ["sh", "-c", 'exec "$@" >&-', "sh", str(DRILLS), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUTF8": "1"}
    done = subprocess.run(closing, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode in (0, 1)
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [*PRINTING[:5], ("schema",), ("schema", "schedule"), BADGE])
def test_a_reader_that_has_seen_enough_does_not_change_the_exit_code(
    arguments: tuple[str, ...], folder: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}

    def run(stdout: int) -> tuple[int, bytes]:
        done = subprocess.run(
            [DRILLS, *arguments],
            cwd=folder,
            env=environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
        return done.returncode, done.stderr

    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(writer) == run(subprocess.DEVNULL)
    finally:
        os.close(writer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PREFECT_API_REQUEST_TIMEOUT", "soon", "the setting request_timeout of Prefect cannot be used"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "geheim", "the setting custom_headers of Prefect cannot be used"),
        ("PREFECT_API_URL", "http://[::1/api", "a setting of Prefect cannot be used"),
        ("PREFECT_API_URL", "127.0.0.1:4200/api", "PREFECT_API_URL does not begin with http:// or https://"),
        ("PREFECT_API_URL", "", "PREFECT_API_URL is empty; give it a value or leave it out"),
        ("PREFECT_API_URL", " ", "PREFECT_API_URL is empty; give it a value or leave it out"),
        ("PREFECT_HOME", "schedule.json/x", "the folder schedule.json/x cannot be created or written"),
    ],
)
def test_a_setting_that_prefect_cannot_use_is_one_line(
    variable: str, value: str, said: str, folder: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), variable: value}
    done = subprocess.run(
        [DRILLS, "connectors", "list"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(f"drills: {said}")
    assert "geheim" not in line


def test_a_working_directory_that_was_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr("sys.argv", ["drills", "connectors", "list"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(
        "drills: the working directory was removed, and Prefect needs one"
    )


@pytest.mark.slow
def test_what_a_command_starts_has_standard_streams_although_they_were_closed(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys; from rollback_drills_cli.terminal.streams import prepare_streams;"
        " prepare_streams(); started = subprocess.run([sys.executable, '-c', 'print(1)']);"
        " opened = os.open('evidence.db', os.O_CREAT);"
        " sys.exit(started.returncode if opened > 2 else 9)"
    )
    closing = ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    assert subprocess.run(closing, cwd=tmp_path, env=environment, check=False).returncode == 0


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("HTTPS_PROXY", "socks5://127.0.0.1:9", "names a SOCKS proxy, which cannot be used"),
        ("ALL_PROXY", "ftp://127.0.0.1:9", "has a scheme other than http and https"),
        ("HTTP_PROXY", "http://127.0.0.1:9\n", "is not a valid URL; correct it"),
        ("NO_PROXY", "[::1", "is not a valid URL; correct it"),
        ("SSL_CERT_FILE", "/nonexistent", "SSL_CERT_FILE does not name a readable file of certificates"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE does not name a readable file of certificates"),
    ],
)
def test_a_variable_with_which_no_client_can_begin_is_named(
    variable: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises((ImportError, ValueError, OSError, httpx.InvalidURL)) as caught:
        httpx.Client()

    found = explain(caught.value)
    assert found
    assert variable in found
    assert problem in found


def test_a_server_behind_a_proxy_that_is_not_wanted_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "127.0.0.1:9")
    found = explain(httpx.ConnectError("refused"))
    assert found
    assert found.endswith("or add its host to NO_PROXY, because ALL_PROXY is set")


@pytest.mark.slow
def test_a_file_of_certificates_that_is_gone_is_one_line(folder: Path) -> None:
    done = run(folder, "connectors", "list", SSL_CERT_FILE="/nonexistent")
    assert "SSL_CERT_FILE does not name a readable file of certificates" in the_line(done)
    assert done.returncode == 2
