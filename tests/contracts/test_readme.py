"""The README's marked commands are those that CI runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_has_both_marked_commands() -> None:
    text = (ROOT / "README.md").read_text()
    for tag in ("make", "test"):
        blocks = re.findall(rf"<!-- {tag} -->\n```bash\n(.+?)\n```", text, re.DOTALL)
        assert len(blocks) == 1, tag
        assert "pip install" in blocks[0]


def test_pictures_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (ROOT / path).is_file(), path


def test_configs_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"configs/[\w/]+\.yaml", text):
        assert (ROOT / path).is_file(), path
