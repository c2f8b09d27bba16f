"""The Python of docs/python.md and README.md runs as it stands."""

import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).parents[2]


def blocks(page):
    found = re.findall(r"```python\n(.*?)```", (SOURCE / page).read_text(), flags=re.S)
    assert found, page
    return found


def test_the_tutorial_runs(capsys):
    for block in blocks("docs/python.md"):
        exec(compile(block, "docs/python.md", "exec"), {})  # noqa: S102 our own page
    assert "[[" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("awk"), reason="no awk")
def test_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(SOURCE / "examples")
    log = subprocess.run(["awk", "-f", "examples/pendulum/log.awk"], capture_output=True, check=True).stdout
    (tmp_path / "log.csv").write_bytes(log)
    for block in blocks("README.md"):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 our own page
    assert (tmp_path / "policy.onnx").stat().st_size > 1000
