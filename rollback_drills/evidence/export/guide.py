"""The guide of an export: how to verify it, with this program and without."""

from importlib.resources import files
from pathlib import Path
from string import Template

from rollback_drills.evidence.heads import Head


def write_guide(path: Path, head: Head) -> None:
    """Write the guide."""
    template = (files("rollback_drills.evidence.export") / "VERIFY.md").read_text(encoding="utf-8")
    checkpoint = head.checkpoint
    filled = Template(template).substitute(
        origin=checkpoint.origin, size=checkpoint.size, public_key=head.public_key.text
    )
    path.write_text(filled, encoding="utf-8")
