"""Peak memory of this process."""

from __future__ import annotations

import sys


def peak_memory_bytes() -> int | None:
    """Return the largest resident size so far, or None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return peak if sys.platform == "darwin" else peak * 1024
