"""What other repositories take from this one: the hook, the action of GitHub and the component of GitLab."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from tests.checkout import ROOT
from tests.reading.documentation import TEXTS, code_blocks
from tests.samples.builders import SCHEDULE
from tests.samples.repositories import copy_repository, git

PAGE: Final = TEXTS["docs/how-to/check-documents-in-ci.md"]
ACTION: Final = yaml.safe_load((ROOT / "action.yml").read_text())
COMPONENT: Final = list(yaml.safe_load_all((ROOT / "templates" / "rollback-drills.yml").read_text()))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def read_section(title: str) -> str:
    """Return the text below a heading of the page."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def read_job(title: str) -> Any:
    """Return what the YAML block below a heading says."""
    (block,) = code_blocks(read_section(title), "yaml")
    return yaml.safe_load(block)


def list_inputs(title: str) -> set[str]:
    """Return the inputs that the table below a heading names."""
    return set(
        re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", read_section(title), re.MULTILINE)))
    )


def validate(name: str, document: Any) -> None:
    """Validate a document against a published schema."""
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas", reason="run `make install` again")
    schema = schemas.get_builtin_schema(name)
    jsonschema.validators.validator_for(schema)(schema).validate(document)


def test_the_action_fits_the_published_schema() -> None:
    validate("vendor.github-actions", ACTION)
    with pytest.raises(jsonschema.ValidationError):
        validate("vendor.github-actions", {**ACTION, "runs": {"using": "composite"}})


def test_the_component_fits_the_published_schema() -> None:
    header, pipeline = COMPONENT
    validate("vendor.gitlab-ci", pipeline)
    asked = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", json.dumps(pipeline)))
    assert asked == set(header["spec"]["inputs"])


def test_the_page_uses_them_as_they_are() -> None:
    workflow = {"name": "documents", "on": "push", "jobs": read_job("GitHub")}
    validate("vendor.github-workflows", workflow)
    (job,) = workflow["jobs"].values()
    assert set(job["steps"][-1]["with"]) <= set(ACTION["inputs"]) == list_inputs("GitHub")
    pipeline = read_job("GitLab")
    validate("vendor.gitlab-ci", pipeline)
    inputs = COMPONENT[0]["spec"]["inputs"]
    needed = {name for name, each in inputs.items() if "default" not in each}
    assert set(pipeline["include"][0]["inputs"]) == needed
    assert list_inputs("GitLab") == set(inputs)
    (repository,) = read_job("Before each commit")["repos"]
    assert [each["id"] for each in repository["hooks"]] == [HOOK["id"]]


@pytest.mark.parametrize(
    ("path", "is_looked_at"),
    [
        *[
            (name, True)
            for name in ("schedule.json", "drills/pay-schedule.yaml", "a/history.jsonl", "h-history.yml")
        ],
        *[
            (name, False)
            for name in ("schedules/notes.json", "schedule.py", "package.json", "schedule.json.bak")
        ],
    ],
)
def test_the_hook_looks_at_documents_alone(path: str, is_looked_at: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) == is_looked_at


def run_step(name: str, workspace: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as GitHub does, with inputs in the place of its expressions."""
    (step,) = (each for each in ACTION["runs"]["steps"] if each.get("name") == name)
    assert "${{" not in step["run"]  # an input in a script would be run as code
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DRILLS_", "CAVRA_"))}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=workspace,
        env={
            **kept,
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(workspace.parent / "temp"),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Hold a folder of documents, one of which has a slip."""
    folder = tmp_path / "workspace" / "our drills"
    folder.mkdir(parents=True)
    (folder / "a-schedule.json").write_text(json.dumps({**SCHEDULE, "intervall_days": 3}))
    holidays = {"calendars": {"berlin": {"holidays": "DE-BE"}}}  # which need an extra
    (folder / "b-schedule.json").write_text(json.dumps({**SCHEDULE, "schedule_id": "b", **holidays}))
    return folder.parent


@pytest.fixture
def installed(tmp_path: Path) -> None:
    """Put the program where the step "Install" puts it."""
    (tmp_path / "temp" / "drills" / "bin").mkdir(parents=True)
    (tmp_path / "temp" / "drills" / "bin" / "drills").symlink_to(Path(sys.executable).parent / "drills")


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_the_action_shows_mistakes_beside_their_files(workspace: Path) -> None:
    found = run_step("Lint", workspace, PATHS="\nour drills\n", STRICT="false")
    assert found.returncode == 1, found.stderr
    assert found.stdout.startswith("::error file=our drills/a-schedule.json,title=")
    fine = run_step("Lint", workspace, PATHS="our drills/b-schedule.json", STRICT="true")
    assert (fine.returncode, fine.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_the_gate_of_the_action_is_configured_by_the_environment(workspace: Path) -> None:
    blocked = run_step("Gate", workspace, DRILLS_SCHEDULE="our drills/b-schedule.json")

    assert blocked.returncode == 1, blocked.stderr
    assert "::error file=our drills/b-schedule.json,title=" in blocked.stdout


@pytest.mark.chaos
def test_the_action_installs_the_program(workspace: Path) -> None:
    (workspace.parent / "temp").mkdir()
    done = run_step("Install", workspace, PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    test_the_action_shows_mistakes_beside_their_files(workspace)


@pytest.mark.chaos
def test_the_jobs_of_the_component_run(workspace: Path, tmp_path: Path) -> None:
    source, commit = copy_repository(tmp_path / "source")
    inputs = {"source": str(source), "commit": commit, "lint": "our drills"}
    text = re.sub(
        r"\$\[\[ inputs\.(\w+) \]\]", lambda found: inputs.get(found[1], ""), json.dumps(COMPONENT[1])
    )
    pipeline = json.loads(text)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "image"], check=True)
    environ = {
        "PATH": f"{tmp_path / 'image' / 'bin'}:{os.environ['PATH']}",
        "CI_BUILDS_DIR": str(tmp_path),
        "DRILLS_SCHEDULE": "our drills/b-schedule.json",
    }
    ended = {}
    for name in ("drill-documents", "rollback-gate"):
        shutil.rmtree(tmp_path / "rollback-drills", ignore_errors=True)
        script = "\n".join([*pipeline[".rollback-drills"]["before_script"], *pipeline[name]["script"]])
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=workspace,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        ended[name] = (done.returncode, done.stdout + done.stderr)
    assert {name: code for name, (code, _) in ended.items()} == {"drill-documents": 1, "rollback-gate": 1}, (
        ended
    )
    assert "$.intervall_days is an unknown key" in ended["drill-documents"][1]
    assert "needs the extra" not in str(ended)
    report = pipeline["rollback-gate"]["artifacts"]["reports"]["junit"]
    assert "<failure" in (workspace / report).read_text()


@pytest.mark.chaos
def test_the_hook_refuses_a_commit_with_a_mistake(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit", reason="run `make docs` once")
    source, commit = copy_repository(tmp_path / "source")
    (block,) = code_blocks(read_section("Before each commit"), "yaml")
    address = read_job("Before each commit")["repos"][0]["repo"]
    (workspace / ".pre-commit-config.yaml").write_text(
        block.replace(address, str(source)).replace("COMMIT", commit)
    )
    (commands,) = code_blocks(read_section("Before each commit"), "sh")
    run = [shlex.split(line) for line in commands.splitlines()]
    git(workspace, "init", "--quiet")
    git(workspace, "add", "--all")
    environ = {
        **os.environ,
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def commit_it() -> subprocess.CompletedProcess[str]:
        words = [
            "git",
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.invalid",
            "commit",
            "-m",
            "Add documents",
        ]
        return subprocess.run(words, cwd=workspace, env=environ, capture_output=True, text=True, check=False)

    done = [
        subprocess.run(each, cwd=workspace, env=environ, capture_output=True, text=True, check=False)
        for each in run
    ]
    assert done[0].returncode == 0, done[0].stderr
    assert "$.intervall_days is an unknown key" in done[1].stdout + done[1].stderr, done[1]
    assert commit_it().returncode == 1

    (workspace / "our drills" / "a-schedule.json").write_text(json.dumps(SCHEDULE))
    git(workspace, "add", "--all")
    committed = commit_it()
    assert committed.returncode == 0, committed.stdout + committed.stderr
