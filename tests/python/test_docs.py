"""The Python of docs/python.md runs as it stands."""

import pathlib
import re


def test_the_tutorial_runs(capsys):
    page = pathlib.Path(__file__).parents[2] / "docs" / "python.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, str(page), "exec"), {})  # noqa: S102 our own page
    assert "[[" in capsys.readouterr().out
