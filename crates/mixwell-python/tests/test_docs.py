"""The Python in the documentation runs, with less training than it would have."""

import pathlib
import re

import mixwell
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = sorted(str(p.relative_to(ROOT)) for p in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if "\n```python\n" in p.read_text())


@pytest.fixture
def blocks(monkeypatch, tmp_path):
    """Runs the blocks of Python of a page one after the other; gives the names that they leave."""
    sample = mixwell.sample

    def quick(log_prob, **settings):
        method = settings.get("method", "flex2")
        method = {"kind": method} if isinstance(method, str) else method
        if isinstance(method, mixwell.methods.MethodSettings):
            method = method.__mixwell_settings__()
        if method["kind"] == "flex2":
            settings["method"] = {**method, "burn_in": 20, "train_iterations": 50, "tune": 20, "frozen": 10}
        return sample(log_prob, **{**settings, "draws": 100})

    def run(page):
        names = {}
        for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
            exec(compile(block, page, "exec"), names)
            yield names

    monkeypatch.setattr(mixwell, "sample", quick)
    monkeypatch.chdir(tmp_path)
    return run


def test_the_page_on_python_runs_from_top_to_bottom(blocks):
    for name in ("jax", "numba"):
        pytest.importorskip(name)
    ran = [(names["run"].draws.shape[2], np.isfinite(names["run"].draws).all()) for names in blocks("docs/python.md")]
    assert ran == [(2, True), (5, True), (3, True), *7 * [(5, True)]]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("README.md", "docs/python.md")])
def test_every_other_page_runs_from_top_to_bottom(blocks, page):
    pytest.importorskip("jax")
    names = [dict(names) for names in blocks(page)]
    assert np.isfinite(names[-1]["run"].draws).all()
    assert names[-1]["run"].draws.shape[1] == 100  # it was sampled, and not only read


def test_the_ten_lines_of_the_readme_run(blocks):
    pytest.importorskip("jax")
    (names,) = blocks("README.md")
    assert names["run"].draws.shape == (20, 100, 5)
