"""Finds texts in a document that may not be published; fast where there are none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from rollback_drills.documents.fields import UNSET, Document
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


class _Getters(NamedTuple):
    """What fetches the parts of a document that hold texts, each kind in one call."""

    texts: Callable[[Any], Iterable[str]]
    lists: Callable[[Any], Iterable[tuple[str, ...]]]
    others: Callable[[Any], Iterable[Any]]


@cache
def _getters(model: type[Document]) -> _Getters:
    texts, lists, others = [], [], []
    for field in msgspec.structs.fields(model):
        if field.type is str:
            texts.append(field.name)
        elif field.type == tuple[str, ...]:
            lists.append(field.name)
        elif "rollback_drills" in str(field.type) or "str" in str(field.type):
            others.append(field.name)
    return _Getters(_all_of(texts), _all_of(lists), _all_of(others))


def _all_of(names: list[str]) -> Callable[[Any], Iterable[Any]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda document: [getattr(document, name) for name in names]


def _collect(documents: Sequence[Document], texts: list[str]) -> None:
    """Add every text of some documents of the same kind to the list."""
    getters = _getters(type(documents[0]))
    texts.extend(chain.from_iterable(map(getters.texts, documents)))
    for some in chain.from_iterable(map(getters.lists, documents)):
        texts.extend(some)
    for other in chain.from_iterable(map(getters.others, documents)):
        if other:
            _collect_other(other, texts)


def _collect_other(value: Any, texts: list[str]) -> None:
    if isinstance(value, Document):
        _collect((value,), texts)
    elif isinstance(value, dict):
        texts.extend(value)
        _collect(tuple(value.values()), texts)
    elif isinstance(value, str):
        texts.append(value)
    elif value is not UNSET:
        _collect_many(value, texts)


def _collect_many(values: tuple[Any, ...], texts: list[str]) -> None:
    if isinstance(values[0], Document):
        _collect(values, texts)
    else:
        texts.extend(values)
