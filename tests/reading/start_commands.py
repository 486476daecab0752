"""Reads what starts where the program is deployed: from Containerfile, compose file, manifests and units."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.checkout import ROOT

DEPLOYMENTS: Final = ROOT / "deployments"
CONTAINERFILE: Final = DEPLOYMENTS / "container" / "Containerfile"
COMPOSE: Final = DEPLOYMENTS / "container" / "compose.yaml"
MANIFESTS: Final = tuple(sorted((DEPLOYMENTS / "kubernetes").glob("*.yaml")))
UNITS: Final = tuple(sorted((DEPLOYMENTS / "systemd").glob("drills-*.service")))
DROP_IN: Final = DEPLOYMENTS / "systemd" / "drills-.service.d" / "hardening.conf"
_SPECIFIERS: Final = {"%S": "/var/lib", "%d": "/run/secrets"}


@dataclass(frozen=True, slots=True)
class Health:
    """The port and the path at which a process answers with 200, and the host that it is asked for."""

    port: int
    path: str
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Start:
    """One process: what starts it, with which variables, and how to know that it works."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    ends: bool = False
    """Whether it does its work and ends."""
    health: Health | None = None


_HEALTH_OF_UNITS: Final = {
    "drills-server": Health(4200, "/api/health"),
    "drills-api": Health(8000, "/healthz"),
}


def read_containerfile() -> dict[str, list[str]]:
    """Return the arguments of each instruction of the last stage of the image."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE)
    last = text.replace("\\\n", " ").rpartition("\nFROM ")[2]
    found: dict[str, list[str]] = {"FROM": [last.partition("\n")[0]]}
    for line in last.splitlines()[1:]:
        instruction, _, arguments = line.partition(" ")
        found.setdefault(instruction, []).append(arguments)
    return found


def _image() -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the entry point and the variables of the image."""
    image = read_containerfile()
    environ = dict(word.split("=", 1) for word in shlex.split(" ".join(image["ENV"])))
    path = environ["PATH"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin")
    return tuple(json.loads(image["ENTRYPOINT"][0])), {**environ, "PATH": path, "HOME": "/home/drills"}


def read_image() -> Start:
    """Return what the image starts by default."""
    entrypoint, environ = _image()
    image = read_containerfile()
    health = json.loads(image["HEALTHCHECK"][0].partition("CMD ")[2])
    return Start(
        "image",
        (*entrypoint, *json.loads(image["CMD"][0])),
        environ,
        health=Health(int(health[1]), health[2]),
    )


def read_compose() -> list[Start]:
    """Return the services of the compose file that run the image, in the order in which they start."""
    entrypoint, environ = _image()
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ours = {name: each for name, each in services.items() if each["image"].startswith("rollback-drills:")}
    return [
        Start(
            name,
            (*entrypoint, *each["command"]),
            {**environ, **each["environment"]},
            ends=each["restart"] == "on-failure",
            health=_read_healthcheck(each),
        )
        for name, each in _in_order(ours)
    ]


def _in_order(services: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each service after those that it depends on."""
    left = dict(services)
    while left:
        ready = [name for name, each in left.items() if not left.keys() & each.get("depends_on", {}).keys()]
        for name in ready:
            yield name, left.pop(name)


def _read_healthcheck(service: Any) -> Health | None:
    if "healthcheck" not in service:
        return read_image().health
    if service["healthcheck"].get("disable"):
        return None
    _, _, port, path = service["healthcheck"]["test"]
    return Health(int(port), path)


def read_manifests() -> list[dict[str, Any]]:
    """Return every object of the manifests, without the list of them."""
    return [
        document
        for path in MANIFESTS
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text())
    ]


def find_pod(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the specification of the pods that an object makes; None if it makes none."""
    spec = document.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return template["spec"] if template else None


def read_kubernetes() -> list[Start]:
    """Return what the manifests run from the image: the jobs in their order, then the rest."""
    entrypoint, environ = _image()
    documents = read_manifests()
    maps = {each["metadata"]["name"]: each["data"] for each in documents if each["kind"] == "ConfigMap"}
    found = []
    for document in documents:
        pod = find_pod(document)
        container = pod["containers"][0] if pod else {}
        if container.get("image") != "rollback-drills":
            continue
        own = {each["name"]: each["value"] for each in container.get("env", ())}
        (source,) = container["envFrom"]
        probe = container.get("readinessProbe", container.get("startupProbe", {})).get("httpGet")
        start = Start(
            f"{document['kind']} {document['metadata']['name']}",
            (*entrypoint, *container["args"]),
            {**environ, **maps[source["configMapRef"]["name"]], **own},
            ends=document["kind"] in ("Job", "CronJob"),
            health=_read_probe(probe) if probe else None,
        )
        found.append(start)
    order = ["Job prefect-migrate", "Deployment prefect", "Deployment prefect-services"]
    order += [
        "Job drills-migrate",
        "Job drills-deploy",
        "Deployment worker",
        "Deployment api",
        "CronJob console",
    ]
    return sorted(found, key=lambda each: order.index(each.name))


def _read_probe(probe: Any) -> Health:
    headers = {each["name"]: each["value"] for each in probe.get("httpHeaders", ())}
    return Health(probe["port"], probe["path"], headers.get("Host", f"10.1.2.3:{probe['port']}"))


def read_unit(path: Path) -> dict[str, list[str]]:
    """Return the values of each setting of a unit."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().replace("\\\n", " ").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def read_units() -> list[Start]:
    """Return what the units start: the server, then the others."""
    found = []
    order = ["drills-server", "drills-worker", "drills-api", "drills-console", "drills-backup"]
    for path in sorted(UNITS, key=lambda each: order.index(each.stem)):
        unit = read_unit(path)
        lines = [*read_unit(DROP_IN)["Environment"], *unit.get("Environment", ())]
        environ = dict(word.split("=", 1) for line in lines for word in shlex.split(_expand(line)))
        for before in unit.get("ExecStartPre", ()):
            command = tuple(shlex.split(_expand(before)))
            found.append(Start(f"{path.stem}: {' '.join(command[1:])}", command, environ, ends=True))
        (line,) = unit["ExecStart"]
        found.append(
            Start(
                path.stem,
                tuple(shlex.split(_expand(line))),
                environ,
                ends=unit.get("Type") == ["oneshot"],
                health=_HEALTH_OF_UNITS.get(path.stem),
            )
        )
    return found


def _expand(text: str) -> str:
    for specifier, value in _SPECIFIERS.items():
        text = text.replace(specifier, value)
    return text
