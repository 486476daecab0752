"""Finds the documents below a folder or of a pattern, and what could not be searched."""

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from operator import itemgetter
from typing import Final, NamedTuple

from rollback_drills.documents.reading.yaml_text import ENDINGS as YAML_ENDINGS
from rollback_drills.errors import reason_of

DOCUMENT_ENDINGS: Final = (".json", *YAML_ENDINGS)
RECORDS_ENDING: Final = ".jsonl"
_SCHEMA_ENDING: Final = ".schema.json"
"""Of a JSON Schema that lies beside the documents for editors, and is none of them."""
_EVERYWHERE: Final = "**"
_Entries = list["os.DirEntry[str]"]


class Found(NamedTuple):
    """A document, or a folder that could not be looked into."""

    path: str
    """Where it lies, as the configured place has it."""
    name: str
    """Its path below the configured place: the same wherever that is, and however it is written."""


class Searched(NamedTuple):
    """What is below a configured place."""

    documents: list[tuple[str, str]]
    """Path and name of each, in the order of their paths."""
    problems: list[tuple[Found, str]]
    """Folders that were left out, with the reason and the remedy."""
    folders: list[str]
    """Those that were listed."""


def search(place: str, endings: tuple[str, ...] = DOCUMENT_ENDINGS) -> Searched:
    """Find every document below a folder, or all that match a glob, by these endings of their names.

    JSON Schemas are left out, and names that begin with a dot, unless the pattern has the dot. Linked
    folders are searched once, after those that are not linked, so that a further link changes no name.
    """
    seeker = _Seeker(endings)
    base = _base_of(place)
    if base == place:
        base = base.rstrip("/") or "/"
        found = list(seeker.find_below(_Folder(base, "" if base == "." else f"{base.rstrip('/')}/", "")))
    else:
        prefix = f"{base.rstrip('/')}/" if base else ""
        parts = [part for part in place[len(base) :].split("/") if part not in ("", ".")]
        found = list(set(seeker.match(_Folder(base or ".", prefix, ""), parts)))
    found.sort(key=itemgetter(0))  # paths alone compare faster, and no two are the same
    return Searched(found, sorted(seeker.problems.items()), seeker.listed)


def find_shown(place: str, shown: str) -> str:
    """Return the file at an absolute place that people see as `shown`; empty if there is none."""
    if not os.path.isabs(place):
        return ""
    if os.path.basename(place) == shown:
        return place
    file = os.path.join(_base_of(place), shown)
    return file if os.path.lexists(file) else ""


def find_links(files: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return, of files that several paths lead to, all paths but one, each with that one.

    Args:
        files: What people see of each path, and the path.
    """
    links: dict[str, str] = {}
    first: dict[str, str] = {}
    for shown, path in sorted(files, key=lambda file: os.path.islink(file[1])):
        target = first.setdefault(os.path.realpath(path), shown)
        if target != shown:
            links[shown] = target
    return links


def _base_of(place: str) -> str:
    """Return the folder below which a place is searched: the longest part that is no pattern."""
    base = place
    while glob.has_magic(base) and not os.path.isdir(base):
        base = os.path.dirname(base)
    return base


class _Folder(NamedTuple):
    path: str
    prefix: str
    """Before the names in it for their paths: empty, or ends with a slash."""
    name: str
    """Before the names in it for their names below the place."""

    def at(self, name: str) -> Found:
        return Found(self.prefix + name, self.name + name)

    def below(self, name: str) -> "_Folder":
        return _Folder(self.prefix + name, f"{self.prefix}{name}/", f"{self.name}{name}/")


class _Seeker:
    """One search, with the problems that it met."""

    def __init__(self, endings: tuple[str, ...]) -> None:
        self.endings = endings
        self.problems: dict[Found, str] = {}
        self.listed: list[str] = []

    def _is_wanted(self, name: str) -> bool:
        lowered = name.lower()
        return lowered.endswith(self.endings) and not lowered.endswith(_SCHEMA_ENDING)

    def find_below(self, start: _Folder) -> Iterator[tuple[str, str]]:
        for (_, prefix, above), names in self._walk(start):
            for name in names:
                if self._is_wanted(name):
                    yield prefix + name, above + name

    def match(self, folder: _Folder, parts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Find what matches the parts of a pattern, one for each level."""
        part, rest = parts[0], parts[1:]
        if part == _EVERYWHERE:
            yield from self._match_everywhere(folder, rest)
        elif not glob.has_magic(part):
            yield from self._match_plain(folder, part, rest)
        else:
            matches = _matcher(part)
            for entry in self._list(folder) or []:
                if not matches(entry.name):
                    continue
                if not rest:
                    if self._is_wanted(entry.name):
                        yield folder.at(entry.name)
                elif self._is_folder(entry, folder):
                    yield from self.match(folder.below(entry.name), rest)

    def _match_everywhere(self, start: _Folder, rest: Sequence[str]) -> Iterator[tuple[str, str]]:
        if not rest:
            yield from self.find_below(start)
            return
        for folder, _ in self._walk(start):
            yield from self.match(folder, rest)

    def _match_plain(self, folder: _Folder, part: str, rest: Sequence[str]) -> Iterator[tuple[str, str]]:
        found = folder.at(part)
        try:
            os.lstat(found.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._leave_out(found, _explain(error))
            return
        if rest:
            yield from self.match(folder.below(part), rest)
        elif self._is_wanted(part):
            yield found

    def _walk(self, start: _Folder) -> Iterator[tuple[_Folder, list[str]]]:
        """Return every folder from one on, with the names in it besides folders; each once."""
        walked: list[_Folder] = []
        links: list[_Folder] = []
        for folder, names in self._walk_unlinked(start, links):
            walked.append(folder)
            yield folder, names
        if not links:
            return
        top = os.path.realpath(start.path)
        seen = {os.path.realpath(folder.path) for folder in walked}
        while links:
            links.sort(reverse=True)
            link = links.pop()
            target = os.path.realpath(link.path)
            if target in seen:
                continue
            if os.path.commonpath((target, top)) == target:
                reason = "is a link to a folder that contains this place, and is left out; remove the link"
                self._leave_out(_found(link), reason)
                continue
            yield from self._walk_unlinked(link, links, seen)

    def _walk_unlinked(
        self, start: _Folder, links: list[_Folder], seen: set[str] | None = None
    ) -> Iterator[tuple[_Folder, list[str]]]:
        """Return every folder from one on; those behind a link are added to `links`."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if seen is not None:
                real = os.path.realpath(folder.path)
                if real in seen:
                    continue
                seen.add(real)
            listed = self._list(folder)
            if listed is None:
                continue
            names = []
            for entry in listed:
                name = entry.name
                if name[0] == ".":
                    continue
                if not self._is_folder(entry, folder):
                    names.append(name)
                elif entry.is_symlink():
                    links.append(folder.below(name))
                else:
                    waiting.append(folder.below(name))
            yield folder, names

    def _list(self, folder: _Folder) -> _Entries | None:
        try:
            with os.scandir(folder.path) as entries:
                self.listed.append(folder.path)
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._leave_out(_found(folder), _explain(error))
            return None

    def _is_folder(self, entry: "os.DirEntry[str]", folder: _Folder) -> bool:
        """Whether an entry is a folder; one behind which nothing is, and that looks like one, is left out."""
        try:
            if entry.is_dir():
                return True
            if not entry.is_symlink():
                return False
            is_lost = "." not in entry.name and not os.path.exists(entry.path)
            reason = "is a link to a folder that does not exist; restore the folder, or remove the link"
        except OSError as error:
            is_lost, reason = not entry.name.lower().endswith(self.endings), _explain(error)
        if is_lost:
            self._leave_out(folder.at(entry.name), reason)
        return False

    def _leave_out(self, found: Found, reason: str) -> None:
        self.problems[found] = reason


def _found(folder: _Folder) -> Found:
    return Found(folder.path, folder.name.rstrip("/"))


def _matcher(pattern: str) -> Callable[[str], object]:
    """Match names as a shell does: a dot at the beginning only if it is written."""
    matches = re.compile(translate(pattern)).match
    if pattern[0] == ".":
        return matches
    return lambda name: name[0] != "." and matches(name)


def _explain(error: OSError) -> str:
    return f"cannot be searched: {reason_of(error)}; give access to it, or remove it"
