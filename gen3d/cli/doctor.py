"""``gen3d doctor``: what is available here, and why not."""

from __future__ import annotations

from gen3d.cli import options


def doctor(json: options.Json = None, debug: options.Debug = False) -> None:
    """Report what works on this machine and what is missing."""
    from rich.markup import escape
    from rich.table import Table

    from gen3d.api import examine
    from gen3d.cli.console import console, write_json

    rows = examine()
    if json is None or str(json) != "-":
        table = Table("part", "state", "details", "remedy")
        colours = {"ok": "green", "off": "yellow", "broken": "red"}
        for row in rows:
            colour = colours[row.state]
            # Remedies name extras in brackets, which would be read as markup.
            state = f"[{colour}]{row.state}[/{colour}]"
            table.add_row(row.name, state, escape(row.details), escape(row.remedy))
        console.print(table)
    write_json({"checks": [vars(row) for row in rows]}, json)
