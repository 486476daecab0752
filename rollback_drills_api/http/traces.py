"""The trace of a caller: a request that names one is handled, and its flow run executed, as a part of it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})
_PROPAGATOR: Final = TraceContextTextMapPropagator()


@contextmanager
def continue_trace(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
    """Make the trace of a request the current one; a header that names none is ignored.

    https://www.w3.org/TR/trace-context/
    """
    given = {name.decode(): value.decode("latin-1") for name, value in headers if name in _HEADERS}
    if "traceparent" not in given:
        yield
        return
    token = attach(_PROPAGATOR.extract(given))
    try:
        yield
    finally:
        detach(token)
