"""Explores the models of this folder with Spin: each proof must hold, and each mutation must be refuted."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
MEMORY_MIB: Final = 1900
DEEPEST: Final = 1_000_000
"""Steps of one execution. Spin stops at a deeper one, which is an error here."""
_STUCK: Final = re.compile(
    "search depth too small|memory limit|out of memory|^pan:.*invalid end", re.MULTILINE
)
REMEDY: Final = "Spin and a C compiler are needed. On Debian and Ubuntu: apt-get install spin gcc"


@dataclass(frozen=True, slots=True)
class Proof:
    """A property of a model at one size, and the mutations that it must refute at a smaller one."""

    model: str
    property: str
    size: tuple[str, ...]
    mutations: tuple[str, ...]
    small: tuple[str, ...]
    must_end: bool = False
    """Whether it is also proven that nothing can go on for ever."""


PROOFS: Final = (
    Proof(
        "outbox.pml",
        "nothing is lost, what may repeat says so, the evidence has each outcome once",
        ("MESSAGES=2",),
        (
            *("RECORD_BEFORE_SEND", "NO_CLAIM", "NO_EXPIRY_CHECK", "NO_MARK", "NO_LEASE_CHECK"),
            *("ONE_CLAIM_FOR_A_RUN", "LATE_RESULT_COUNTS", "CLOCKS_DIFFER", "REPLAY_UNMARKED"),
            *("MARK_BEFORE_APPEND", "APPEND_BEFORE_MARK", "NEVER_MARK"),
        ),
        ("MESSAGES=1",),
    ),
    Proof(
        "outbox.pml",
        "each message ends delivered, dead or discarded, and in the evidence",
        ("MESSAGES=1", "LEASE=3", "LIVE"),
        ("NO_TAKEOVER", "TAKEOVER_IS_NO_ATTEMPT"),
        ("MESSAGES=1", "LEASE=3", "LIVE"),
        must_end=True,
    ),
    Proof(
        "route.pml",
        "whoever may know of a problem is told that it is over; what is replaced has a successor",
        (),
        (
            *("ONLY_WHAT_WAS_DELIVERED", "REFUSED_IS_NOT_SENT", "LEAVE_WHATEVER_CAME"),
            *("CLOSE_WHATEVER_CAME", "REPLACE_WHAT_WAS_SENT", "REPLACE_WHAT_IS_UNCERTAIN"),
        ),
        (),
    ),
    Proof(
        "check.pml",
        "nothing is called unchanged that was not looked at, or has no plan",
        (),
        (
            *("BELIEVE_THE_TABLE", "BELIEVE_AFTER_PRUNING", "DIGEST_OF_THE_TABLE"),
            *("GONE_IS_NOT_NAMED", "NO_LOCK"),
        ),
        (),
    ),
    Proof(
        "plans.pml",
        "each notification has its plan in the evidence, and its decisions once",
        (),
        (
            *("PLAN_AFTER_NOTIFICATIONS", "DO_NOT_ASK_WHO_HAS_IT", "MARK_BEFORE_APPEND"),
            *("REMOVE_WHAT_IS_TAKEN", "LEAVE_IT"),
        ),
        (),
    ),
    Proof(
        "publication.pml",
        "each change in the evidence was published, or the next check publishes it",
        (),
        ("FORGET_WHATEVER_CAME", "FORGET_FIRST", "KEEP_LATER"),
        (),
    ),
    Proof(
        "shards.pml",
        "the same of a check in shards, and each of them has looked since the check began",
        (),
        (
            *("BELIEVE_THE_TABLE", "BELIEVE_AFTER_PRUNING", "GONE_IS_NOT_NAMED", "BELIEVE_THE_SHARDS"),
            *("RECORD_WITHOUT_A_SHARD", "SHARDS_OF_EARLIER_CHECKS", "BELIEVE_THE_ROWS"),
        ),
        (),
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What Spin found."""

    states: int
    depth: int
    seconds: float
    memory_mib: float
    error: str
    """The assertion that is violated, or that something goes on for ever; empty if there is no error."""


class ModelError(Exception):
    """Spin or the C compiler refused a model, or could not explore it to the end."""


def explore(model: str, switches: tuple[str, ...], *, must_end: bool, is_short: bool = False) -> Found:
    """Explore all states of a model, or those until the first error.

    Args:
        model: The file.
        switches: Size and mutation.
        must_end: Whether it is an error if something can go on for ever.
        is_short: Whether the search is so short that it is not worth optimizing the code for it.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(FOLDER / model, folder)
        _run(folder, "spin", *(f"-D{each}" for each in switches), "-a", model)
        kind, search = ("-DNP", ["-l"]) if must_end else ("-DSAFETY", [])
        _run(
            folder,
            "gcc",
            "-O0" if is_short else "-O2",
            "-w",
            kind,
            f"-DMEMLIM={MEMORY_MIB}",
            "-o",
            "pan",
            "pan.c",
        )
        said = _run(folder, "./pan", *search, "-n", f"-m{DEEPEST}")
    states = re.search(r"(\d+) states, stored", said)
    depth = re.search(r"depth reached (\d+)", said)
    memory = re.search(r"([\d.]+)\s+total actual memory usage", said)
    error = re.search(r"^pan:\d+: (.+?)(?: \(at depth \d+\))?$", said, re.MULTILINE)
    is_stuck = _STUCK.search(said)
    if not (states and depth and memory) or is_stuck:
        raise ModelError(f"{model} was not explored to the end:\n{said}")
    seconds = time.monotonic() - began
    return Found(int(states[1]), int(depth[1]), seconds, float(memory[1]), error[1] if error else "")


def _run(folder: str, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def report() -> bool:
    """Print a line for each proof and each mutation, and return whether all is as it must be."""
    is_good = True
    for proof in PROOFS:
        found = explore(proof.model, proof.size, must_end=proof.must_end)
        is_good &= not found.error
        _print(proof, " ".join(proof.size), found, found.error or f"proven: {proof.property}")
    for proof in PROOFS:
        for mutation in proof.mutations:
            switches = (*proof.small, mutation)
            found = explore(proof.model, switches, must_end=proof.must_end, is_short=True)
            is_good &= bool(found.error)
            _print(proof, mutation, found, "refuted" if found.error else "NOT REFUTED")
    return is_good


def _print(proof: Proof, name: str, found: Found, result: str) -> None:
    cost = f"{found.states:>10,} states  depth {found.depth:>7,}  {found.seconds:>5.1f} s"
    print(f"{proof.model:<11} {name:<23} {cost}  {found.memory_mib:>4.0f} MiB  {result}", flush=True)  # noqa: T201 - this is the report


if __name__ == "__main__":
    if missing := [each for each in ("spin", "gcc") if shutil.which(each) is None]:
        sys.exit(f"{' and '.join(missing)} not found. {REMEDY}")
    try:
        sys.exit(not report())
    except ModelError as error:
        sys.exit(str(error))
