"""The models stand for code that exists, and each of their mutations is tried; `make model` explores them."""

import ast
import re
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.model.run import FOLDER, PROOFS

MODELS = sorted(FOLDER.glob("*.pml"))
SIZES = {"MESSAGES", "LEASE", "LIVE"}


def names(module: Path) -> set[str]:
    """Return the names that a module defines, those of a class with its name."""
    found = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            inner = node.body if isinstance(node, ast.ClassDef) else []
            found |= {
                f"{node.name}.{each.name}"
                for each in inner
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_step_stands_for_code_that_exists(model: Path) -> None:
    pairs = re.findall(r"Stands for (\S+)::(\S+)", model.read_text())

    assert len(pairs) > 5
    assert model.read_text().count("Stands for") == len(pairs)
    assert [pair for pair in pairs if pair[1] not in names(ROOT / pair[0])] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_switch_of_a_model_is_a_size_or_a_mutation_that_is_tried(model: Path) -> None:
    switches = set(re.findall(r"(?:#ifn?def |defined\()(\w+)", model.read_text()))
    proofs = [proof for proof in PROOFS if proof.model == model.name]
    tried = {mutation for proof in proofs for mutation in proof.mutations}

    assert switches - SIZES == tried
