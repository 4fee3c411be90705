"""Makes flow.md beside this file out of flow.template.md and what ``gen3d bench sample`` measured.

Usage: python docs/methods/make_flow.py FILE.json ...

``{{key}}`` stands for a figure of the files, later files winning; ``{{key:.0%}}`` formats it. What
no file has is called not measured.
"""

import json
import re
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_PLACE = re.compile(r"\{\{(\w+)(?::([^}]+))?\}\}")
MISSING = "not measured"


def fill(template: str, figures: dict[str, float]) -> str:
    """Put figures into a template."""

    def value(place: re.Match[str]) -> str:
        name, style = place.groups()
        return format(figures[name], style or ".3g") if name in figures else MISSING

    return _PLACE.sub(value, template)


def main() -> None:
    """Read, fill, write."""
    figures: dict[str, float] = {}
    for path in sys.argv[1:]:
        figures |= json.loads(Path(path).read_text())["figures"]
    text = fill((_HERE / "flow.template.md").read_text(), figures)
    (_HERE / "flow.md").write_text(text)


if __name__ == "__main__":
    main()
