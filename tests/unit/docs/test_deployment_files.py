"""The files of deployments fit published schemas, and give a process no more rights than it needs."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from pytest_httpserver import HTTPServer

from rollback_drills.names.environment_variables import VARIABLES
from rollback_drills.redaction.secret_variables import OF_OTHERS, OWN
from tests.checkout import ROOT
from tests.reading.commands import COMMANDS
from tests.reading.start_commands import (
    COMPOSE,
    CONTAINERFILE,
    DEPLOYMENTS,
    Start,
    find_pod,
    read_compose,
    read_containerfile,
    read_image,
    read_kubernetes,
    read_manifests,
    read_units,
)

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE: Final = f"rollback-drills:{PROJECT['project']['version']}"
SERVICES: Final[dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
MANIFESTS: Final = read_manifests()
PODS: Final = {
    f"{each['kind']} {each['metadata']['name']}": pod for each in MANIFESTS if (pod := find_pod(each))
}
STARTS: Final = {
    each.name: each for each in (read_image(), *read_compose(), *read_kubernetes(), *read_units())
}
UNITS: Final = sorted(each for each in (DEPLOYMENTS / "systemd").iterdir() if each.is_file())
KUBERNETES: Final = ("1.30", "1.37")
"""The oldest version that is tried, and the newest."""
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


def test_the_compose_file_fits_the_compose_specification() -> None:
    schema = get_builtin_schema("vendor.compose-spec")
    validator = jsonschema.Draft202012Validator(schema)
    document = yaml.safe_load(COMPOSE.read_text())

    validator.validate(document)

    document["services"]["api"]["read_onyl"] = True
    assert not validator.is_valid(document)


@pytest.mark.slow
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_fits_the_schemas_of_kubernetes(version: str) -> None:
    for document in MANIFESTS:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_of_kubernetes_refuse_a_slip() -> None:
    (worker,) = (each for each in read_manifests() if each["metadata"]["name"] == "worker")
    worker["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(worker, KUBERNETES[-1], strict=True)


def lint_containerfile(path: Path) -> str:
    """Return what hadolint finds."""
    program = Path(sysconfig.get_paths()["scripts"], "hadolint")
    return subprocess.run([program, "--no-color", path], check=False, capture_output=True, text=True).stdout


def test_hadolint_finds_nothing_in_the_containerfile(tmp_path: Path) -> None:
    assert lint_containerfile(CONTAINERFILE) == ""

    slip = tmp_path / "Containerfile"
    slip.write_text(CONTAINERFILE.read_text().replace("3.13-slim-trixie\n", "latest\n"))
    assert "DL3007" in lint_containerfile(slip)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copy the units, with programs that exist here: systemd looks for them."""
    folder = tmp_path / "units"
    shutil.copytree(DEPLOYMENTS / "systemd", folder)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/drills/bin", sysconfig.get_paths()["scripts"]))
    return folder


def analyze(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Call systemd-analyze."""
    return subprocess.run(["systemd-analyze", *words], check=False, capture_output=True, text=True)


@pytest.mark.slow
@needs_systemd
def test_systemd_finds_nothing_in_the_units(units: Path) -> None:
    done = analyze("verify", "--man=no", "--recursive-errors=yes", *(units / each.name for each in UNITS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    slip = units / "drills-api.service"
    slip.write_text(slip.read_text().replace("Restart=on-failure", "Restrat=on-failure"))
    assert "Restrat" in analyze("verify", "--man=no", slip).stderr


@needs_systemd
@pytest.mark.parametrize("unit", [each.name for each in UNITS if each.suffix == ".service"])
def test_systemd_rates_the_exposure_of_a_unit_as_low(unit: str, units: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=15", units / unit)  # of 100
    assert done.returncode == 0, done.stdout

    shutil.rmtree(units / "drills-.service.d")
    assert analyze("security", "--offline=true", "--threshold=15", units / unit).returncode != 0


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    """Return the objects as kubectl applies them."""
    command = ["kubectl", "kustomize", str(DEPLOYMENTS / "kubernetes")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.slow
@needs_kubectl
def test_kustomize_renders_every_manifest(rendered: list[dict[str, Any]]) -> None:
    assert sorted((each["kind"], each["metadata"]["name"]) for each in rendered) == sorted(
        (each["kind"], each["metadata"]["name"]) for each in MANIFESTS
    )
    for each in rendered:
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "drills"
        for container in (find_pod(each) or {"containers": []})["containers"]:
            assert container["image"] in (IMAGE, SERVICES["redis"]["image"])


@pytest.mark.slow
@needs_kubectl
def test_the_network_policies_let_in_what_needs_the_server_and_nothing_else(
    rendered: list[dict[str, Any]],
) -> None:
    labels = {each["metadata"]["name"]: labels_of(each) for each in rendered if find_pod(each)}
    admitted = {
        policy["metadata"]["name"]: {
            name
            for name, has in labels.items()
            for peer in policy["spec"]["ingress"][0]["from"]
            if selects(peer["podSelector"], has)
        }
        for policy in rendered
        if policy["kind"] == "NetworkPolicy"
    }

    assert admitted == {"redis": {"prefect", "prefect-services"}, "prefect": set(labels)}


def labels_of(document: Any) -> dict[str, str]:
    """Return the labels of the pods that an object makes."""
    spec = document["spec"]
    found: dict[str, str] = spec.get("jobTemplate", {}).get("spec", spec)["template"]["metadata"]["labels"]
    return found


def selects(selector: Any, labels: dict[str, str]) -> bool:
    """Whether a selector of pods takes some labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", ())
    )


def test_the_image_runs_as_a_user_without_rights_and_is_built_from_the_checkout() -> None:
    text = CONTAINERFILE.read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)

    assert read_containerfile()["USER"] == ["10001:10001"]
    assert len({*bases}) == 1
    assert "COPY . ." in text
    assert not re.search(r"install[^&]* rollback[-_]drills", text.replace("\\\n", ""))


def test_only_what_the_wheel_needs_is_sent_to_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    needed = [line[1:] for line in ignored if line.startswith("!")]
    packages = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]

    assert {each.rstrip("*") for each in packages} <= {*needed}
    assert all((ROOT / each).exists() for each in needed)
    assert "deployments/container/secrets" in ignored
    assert "/deployments/container/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", [name for name, each in SERVICES.items() if "build" in each])
def test_a_service_cannot_write_to_its_image_or_gain_rights(name: str) -> None:
    service = SERVICES[name]

    assert service["image"] == IMAGE
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert all(each.startswith("127.0.0.1:") for each in service.get("ports", ()))


@pytest.mark.parametrize("name", PODS)
def test_a_pod_passes_the_restricted_pod_security_standard(name: str) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    pod = PODS[name]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False  # a service `prefect` would set variables like those of Prefect
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def words_of(start: Start) -> list[str]:
    """Return the command that `drills exec` starts, or the command itself, without folders."""
    words = list(start.command)
    words = words[words.index("--") + 1 :] if "--" in words else words
    return [Path(words[0]).name, *words[1:]]


@pytest.mark.parametrize("name", STARTS)
def test_every_start_command_of_the_program_can_be_run(name: str) -> None:
    program, *words = words_of(STARTS[name])
    if program == "drills":
        (path,) = (path for path in COMMANDS if tuple(words[: len(path)]) == path)
        COMMANDS[path].make_context("drills", words[len(path) :])
    else:
        assert program == "prefect"  # its commands are started by tests/e2e/test_start_commands.py


@pytest.mark.parametrize("name", STARTS)
def test_every_variable_is_known_and_every_secret_comes_from_a_file(name: str) -> None:
    environ = STARTS[name].environ
    files = {each.removesuffix("_FILE"): value for each, value in environ.items() if each.endswith("_FILE")}
    ours = {each.removesuffix("_FILE") for each in environ if each.startswith("DRILLS_")}

    assert ours <= {*VARIABLES.values()}
    assert files.keys() <= {*OWN, *OF_OTHERS}
    assert all(value.startswith("/run/secrets/") for value in files.values())
    assert not [value for value in environ.values() if re.search(r"://[^/]*:[^/]*@", value)]


def secrets_needed(start: Start) -> set[str]:
    """Return the secrets that the variables of a process name."""
    return {Path(value).name for each, value in start.environ.items() if each.endswith("_FILE")}


def test_every_process_has_the_secrets_that_its_variables_name_and_no_other() -> None:
    for start in read_compose():
        assert {*SERVICES[start.name]["secrets"]} == secrets_needed(start), start.name
    for start in read_kubernetes():
        (volume,) = (each for each in PODS[start.name]["volumes"] if each["name"] == "secrets")
        assert {each["path"] for each in volume["secret"]["items"]} == secrets_needed(start), start.name


def settings(starts: list[Start]) -> dict[tuple[str, ...], dict[str, str]]:
    """Return by command the variables, without those that containers and pods are given in different ways."""
    apart = ("PREFECT_SERVER_DATABASE_", "PREFECT_UI_URL")
    return {
        tuple(words_of(each)[:3]): {
            name: value for name, value in each.environ.items() if not name.startswith(apart)
        }
        for each in starts
    }


def test_containers_and_pods_have_the_same_settings() -> None:
    of_pods = settings(read_kubernetes())
    del of_pods["drills", "console", "--out"]  # only Kubernetes starts it at times

    assert settings(read_compose()) == of_pods


def test_whatever_listens_is_asked_whether_it_works() -> None:
    for starts in (read_compose(), read_kubernetes()):
        asked = {tuple(words_of(each)[:3]): each.health.port for each in starts if each.health}
        assert asked == {
            ("prefect", "server", "start"): 4200,
            ("prefect", "worker", "start"): 8080,
            ("drills", "api", "--host"): 8000,
        }


@pytest.mark.slow
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (302, 1), (None, 1)])
def test_the_health_check_asks_the_port_itself(status: int | None, code: int, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/healthz").respond_with_data("", status=status or 200)
    port = str(httpserver.port) if status else "9"
    script = DEPLOYMENTS / "container" / "healthcheck.py"
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

    done = subprocess.run(
        [sys.executable, script, port, "/healthz"], check=False, env=proxy, capture_output=True, text=True
    )

    assert done.returncode == code
    assert done.stderr.count("\n") == code
