"""Starts everything that a deployment starts, on a machine of its own, as the user of the image; for root.

To be called in namespaces of its own (`unshare`): the network is a loopback without ports in use, the file
system is read-only but for what the files of the deployment mount, and every process ends with this one.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

USER: Final = "10001"
_NAMES: Final = "127.0.0.1 localhost postgres redis prefect api\n"
_AS_USER: Final = (
    "setpriv",
    "--reuid",
    USER,
    "--regid",
    USER,
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
)
_MEMORY: Final = ("/root", "/tmp", "/run", "/srv", "/var/lib", "/var/backups", "/home", "/opt")
_ASIDE: Final = "/mnt"
_WRITABLE: Final = ("/srv/drills", "/srv/console", "/var/lib/drills", "/var/backups/drills")
_WITHIN_SECONDS: Final = 180
_STAYS_SECONDS: Final = 10


def main(plan_file: str) -> None:
    """Carry out a plan; print a line of JSON for each process: its name, and what went wrong or nothing."""
    plan = json.loads(Path(plan_file).read_text())
    logs = Path(plan["logs"])
    _lay_out(plan)
    if plan["postgres"]:
        _start_postgres(plan)
        _start(
            ("redis-server", "--dir", "/srv/redis", "--save", "", "--appendonly", "no"), {}, logs / "redis"
        )
    running: dict[str, subprocess.Popen[bytes]] = {}
    for each in plan["starts"]:
        process = _start(each["command"], each["environ"], logs / each["name"])
        _report(each["name"], _wait(process, each))
        if not each["ends"]:
            running[each["name"]] = process
    for words in plan["then"]:
        done = _start(words["command"], words["environ"], logs / words["name"])
        _report(words["name"], _wait(done, words))
    for name, process in running.items():
        if process.poll() is not None:
            _report(name, f"ended with {process.poll()} later")


def _report(name: str, problem: str) -> None:
    sys.stdout.write(json.dumps([name, problem]) + "\n")


def _lay_out(plan: Mapping[str, Any]) -> None:
    """Make the file system that the files of the deployment promise."""
    _run("ip", "link", "set", "lo", "up")
    _run("mount", "-t", "tmpfs", "none", _ASIDE)
    kept = (plan["environment"], plan["logs"], plan["packages"], *plan["tools"])
    for folder in _MEMORY:
        _hide(folder, kept)
    for folder in (*_WRITABLE, "/run/secrets", "/srv/redis", "/srv/postgres", "/home/drills", "/opt/drills"):
        os.makedirs(folder)
    for folder in (*_WRITABLE, "/srv/redis"):
        os.chown(folder, int(USER), int(USER))
    os.chmod("/tmp", 0o1777)
    _run("mount", "--bind", plan["environment"], "/opt/drills")
    shutil.copytree(plan["documents"], "/srv/drills", dirs_exist_ok=True)
    for folder, _, files in os.walk("/srv/drills"):
        for name in ("", *files):
            os.chown(os.path.join(folder, name), int(USER), int(USER))
    for name, text in plan["secrets"].items():
        Path("/run/secrets", name).write_text(text)
    Path("/run/hosts").write_text(_NAMES)
    _run("mount", "--bind", "/run/hosts", "/etc/hosts")
    _run("mount", "-o", "remount,bind,ro", "/opt/drills")
    _run("mount", "-o", "remount,bind,ro", "/")


def _hide(folder: str, kept: Sequence[str]) -> None:
    """Put an empty file system in a folder's place, with what is still needed from below it."""
    below = {each: f"{_ASIDE}/{index}" for index, each in enumerate(kept) if each.startswith(f"{folder}/")}
    for path, aside in below.items():
        os.makedirs(aside)
        _run("mount", "--bind", path, aside)
    _run("mount", "-t", "tmpfs", "none", folder)
    for path, aside in below.items():
        os.makedirs(path, exist_ok=True)  # a kept folder may lie in another one
        _run("mount", "--bind", aside, path)


def _start_postgres(plan: Mapping[str, Any]) -> None:
    """Start PostgreSQL as the compose file has it: user, password and databases."""
    shutil.chown("/srv/postgres", "postgres")
    programs, password = Path(plan["postgres"]), "/run/secrets/postgres-password"
    as_postgres = ("setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups")
    made = (
        "--pgdata",
        "/srv/postgres",
        "--username",
        "drills",
        "--pwfile",
        password,
        "--auth",
        "scram-sha-256",
    )
    _run(*as_postgres, str(programs / "initdb"), *made)
    command = (str(programs / "postgres"), "-D", "/srv/postgres", "-k", "/tmp", "-c", "fsync=off")
    with open(Path(plan["logs"], "postgres"), "wb") as log:
        subprocess.Popen((*as_postgres, *command), stdout=log, stderr=log)
    sql = "CREATE DATABASE prefect;\n" + Path(plan["databases"]).read_text()
    environ = {**os.environ, "PGPASSWORD": Path(password).read_text()}
    until = time.monotonic() + _WITHIN_SECONDS
    while time.monotonic() < until:
        psql = (
            str(programs / "psql"),
            "-h",
            "127.0.0.1",
            "-U",
            "drills",
            "-d",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
        )
        if (
            subprocess.run(psql, input=sql.encode(), env=environ, check=False, capture_output=True).returncode
            == 0
        ):
            return
        time.sleep(0.3)
    sys.exit("PostgreSQL did not start")


def _start(command: Sequence[str], environ: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with open(log, "wb") as file:
        path = environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
        return subprocess.Popen(
            (*_AS_USER, *command),
            env={**environ, "PATH": path},
            cwd="/var/lib/drills" if "/var/lib" in environ.get("HOME", "") else "/home/drills",
            stdout=file,
            stderr=file,
            umask=0o077,
        )


def _wait(process: "subprocess.Popen[bytes]", start: Mapping[str, Any]) -> str:
    """Wait until a process has ended or works; return what went wrong."""
    if start["ends"]:
        try:
            code = process.wait(_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            return f"did not end within {_WITHIN_SECONDS} s"
        return f"ended with {code}" if code else ""
    health = start["health"]
    until = time.monotonic() + (_WITHIN_SECONDS if health else _STAYS_SECONDS)
    answer = "nothing"
    while time.monotonic() < until:
        if process.poll() is not None:
            return f"ended with {process.poll()}"
        if health and (answer := _ask(**health)) == "200":
            return ""
        time.sleep(0.3)
    return f"answered {answer}" if health else ""


def _ask(port: int, path: str, host: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        return str(connection.getresponse().status)
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr.decode()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
