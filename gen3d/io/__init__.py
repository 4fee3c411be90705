"""Files: one module per format, read and write, and the dispatch by extension."""

from gen3d.io.formats import (
    FORMATS,
    check_target,
    format_of,
    load,
    load_mesh,
    lost_fields,
    read_record,
    save,
)

__all__ = [
    "FORMATS",
    "check_target",
    "format_of",
    "load",
    "load_mesh",
    "lost_fields",
    "read_record",
    "save",
]
