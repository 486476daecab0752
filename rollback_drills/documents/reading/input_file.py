"""Reads files that people write for a command, as YAML or JSON."""

from pathlib import Path
from typing import TypeVar

from rollback_drills.documents.fields import Document
from rollback_drills.documents.reading.careful_reader import read_carefully
from rollback_drills.documents.reading.reader import BOM, hide_folder, read_bytes
from rollback_drills.documents.reading.yaml_text import is_yaml, to_json
from rollback_drills.documents.unusable_document import UnusableDocumentError
from rollback_drills.errors import UsageError

D = TypeVar("D", bound=Document)


def read_input_file(model: type[D], path: Path) -> D:
    """Read a file, YAML by its ending and JSON otherwise.

    Raises:
        UsageError: It cannot be read or used; the message names the file, the place and the remedy.
    """
    shown = hide_folder(str(path))
    try:
        data = read_bytes(str(path))
        if is_yaml(str(path)):
            data = to_json(data)
        return read_carefully(model, data.removeprefix(BOM))[0]
    except UnusableDocumentError as error:
        text = str(error)
        raise UsageError(text if text.startswith((shown, str(path))) else f"{shown}: {text}") from None
