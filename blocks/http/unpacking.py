"""Decompresses a body that a server has compressed although it was asked not to."""

import zlib
from typing import Final

_AUTOMATIC: Final = zlib.MAX_WBITS | 32  # the header tells gzip from zlib
_WITHOUT_HEADER: Final = -zlib.MAX_WBITS  # some servers mean this by deflate
_WINDOWS: Final = {
    "gzip": (_AUTOMATIC,),
    "x-gzip": (_AUTOMATIC,),
    "deflate": (_AUTOMATIC, _WITHOUT_HEADER),
}


def unpack(body: bytes, encodings: str, most: int) -> bytes:
    """Decompress a body up to a size; a body that cannot be decompressed stays as it is."""
    for encoding in reversed([each.strip().lower() for each in encodings.split(",")]):
        body = _inflate(body, most, _WINDOWS.get(encoding, ()))
    return body


def _inflate(body: bytes, most: int, windows: tuple[int, ...]) -> bytes:
    for window in windows:
        try:
            return zlib.decompressobj(window).decompress(body, most)
        except zlib.error:
            continue
    return body
