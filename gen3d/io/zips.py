"""Zip archives with the same bytes for the same content."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping

UNZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)
"""What ``zipfile`` raises for a damaged, encrypted or unknown archive."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


def stored_zip(files: Mapping[str, bytes], *, compress: bool = False, align: int = 1) -> bytes:
    """Return an archive of files in the order given, without times.

    Args:
        files: Content by name.
        compress: Whether to deflate.
        align: Data of every file begins at a multiple of this many bytes; not with ``compress``.
    """
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = kind
            # Regular file, readable by all: without it some systems unpack without permissions.
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            if align > 1:
                entry.extra = _padding(buffer.tell() + 30 + len(name.encode()), align)
            archive.writestr(entry, data)
    return buffer.getvalue()


def _padding(start: int, align: int) -> bytes:
    """Return an extra field that moves the data from ``start`` to the next multiple."""
    gap = -start % align
    if gap == 0:
        return b""
    # A field has a header of four bytes: its kind and the length of what follows.
    gap += align if gap < 4 else 0
    return b"\x86\x19" + (gap - 4).to_bytes(2, "little") + bytes(gap - 4)
