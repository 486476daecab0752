"""Finds texts in a document that may not be published; fast where there are none."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from rollback_drills.documents.fields import Document, UnsetType
from rollback_drills.documents.privacy import PrivateKind, are_plainly_public, find_private

_MOST_REMEMBERED: Final = 100_000
_public: set[str] = set()  # texts that were looked at and found fit; the same few stand in every document


def is_public(document: Document) -> bool:
    """Whether every text and key of the document may be published."""
    texts: list[str] = []
    _collect((document,), texts)
    if _public.issuperset(texts):
        return True
    unseen = set(texts) - _public
    if not are_plainly_public(unseen) and any(map(find_private, unseen)):
        return False
    if len(_public) > _MOST_REMEMBERED:
        _public.clear()
    _public.update(unseen)
    return True


def find_private_texts(
    value: Any, loc: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], PrivateKind]]:
    """Give the place and kind of every text and key in parsed JSON that may not be published."""
    if isinstance(value, str):
        if kind := find_private(value):
            yield loc, kind
    elif isinstance(value, dict):
        for key, inner in value.items():
            if kind := find_private(key):
                yield (*loc, key), kind
            yield from find_private_texts(inner, (*loc, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from find_private_texts(inner, (*loc, index))


class _Parts(NamedTuple):
    """What gives the parts of a document that hold texts; `attrgetter` is the fastest way."""

    texts: Callable[[Document], Sequence[str]]
    lists: tuple[Callable[[Document], tuple[str, ...]], ...]
    others: tuple[Callable[[Document], Any], ...]


@cache
def _parts(model: type[Document]) -> _Parts:
    texts, lists, others = [], [], []
    for name, hint in get_type_hints(model).items():
        if UnsetType in get_args(hint):
            continue  # another spelling, which was folded into its field
        if hint is str:
            texts.append(name)
        elif hint == tuple[str, ...]:
            lists.append(attrgetter(name))
        elif "rollback_drills" in str(hint):
            others.append(attrgetter(name))
    if len(texts) > 1:
        return _Parts(attrgetter(*texts), tuple(lists), tuple(others))
    return _Parts(lambda document: [getattr(document, name) for name in texts], tuple(lists), tuple(others))


def _collect(documents: tuple[Document, ...], texts: list[str]) -> None:
    """Add every text and key of some documents of the same kind to the list."""
    fetch_texts, lists, others = _parts(type(documents[0]))
    for document in documents:
        texts += fetch_texts(document)
        for fetch in lists:
            texts += fetch(document)
        for fetch in others:
            if other := fetch(document):
                _collect_other(other, texts)


def _collect_other(value: Any, texts: list[str]) -> None:
    if isinstance(value, dict):
        texts += value
        value = tuple(value.values())
    _collect(value if isinstance(value, tuple) else (value,), texts)
