"""The checks of the site find what they are there for."""

import commands
import figure
import offline
import options
import pytest
import stage

PRINTED = "warm-up 1/500\nmean         sd\nx[0]  0.4996  1.446\nx[1]  0.4961  1.445\n\nmode weights 0.334 0.666\nconverged: the draws can be used\n"


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("mean sd\nx[0] 0.5 1.4\n..\nconverged: the draws can be used", None),
        ("mean sd\nx[0] 0.5 1.4\nconverged: the draws can be used", "converged: the draws can be used"),  # nothing says that lines are left out
        ("NOT converged: do not use these draws yet", "NOT converged: do not use these draws yet"),
        ("mode weights 0.334 0.666 (exact 0.333 0.667)", "mode weights 0.334 0.666 (exact 0.333 0.667)"),
        ("..\nconverged: the draws can be used\n..\nmean sd", "mean sd"),  # the order counts
    ],
)
def test_what_a_page_shows_must_have_been_printed(shown, missing):
    assert commands._first_missing(shown, PRINTED) == missing


def test_a_page_whose_command_fails_or_prints_something_else_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```toml\n# c.toml\nchains = 3\n```\n\n```sh\ncat c.toml\n```\n\n```text\nchains = 4\n```\n")
    assert commands.run_page(page, tmp_path) == 1
    for text in ("```sh\nfalse\n```\n", "```sh\necho one\n```\n\n```text\ntwo\n```\n"):
        page.write_text(text)
        with pytest.raises(SystemExit, match="error:"):
            commands.run_page(page, tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.html", '<a href="https://a.org">a</a><script src="_static/x.js"></script>', 0),
        ("a.html", '<script async src="https://a.org/x.js"></script>', 1),
        ("a.html", '<link rel="stylesheet" href="//a.org/x.css"><img alt="" src=http://a.org/x.png>', 2),
        ("a.css", "@font-face { src: url(https://a.org/x.woff2) } @import 'https://a.org/y.css'", 2),
        ("a.js", "fetch('https://a.org/x.json'); const name = 'https://a.org';", 1),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(tmp_path, name, text, found):
    (tmp_path / name).write_text(text)
    assert len(offline.foreign(tmp_path)) == found


def test_an_option_that_the_command_has_not_got_is_found(tmp_path):
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\ncase \"$*\" in --help) echo 'Commands:\n  run' ;; 'run --help') echo 'Usage: run <CONFIG>\n  --seed <N>  -q, --quiet' ;; *) exit 2 ;; esac\n"
    )
    program.chmod(0o755)
    (tmp_path / "a.md").write_text("```sh\nmixwell run a.toml --seed 3 -q   # --not-one\nA=b mixwell walk a.toml && mixwell run --see 3\n```\n")
    assert options.unknown(str(program), tmp_path) == ["a.md: walk in `mixwell walk a.toml`", "a.md: --see in `mixwell run --see 3`"]


def test_a_page_is_in_the_tree_where_it_is_listed_first(tmp_path):
    (tmp_path / "docs" / "kernels").mkdir(parents=True)
    root, kernels = tmp_path / "docs" / "README.md", tmp_path / "docs" / "kernels" / "README.md"
    root.write_text("# Root\n\n## Methods\n\n[k](kernels/README.md) [a](a.md#x) [elsewhere](https://a.org/b.md)\n")
    kernels.write_text("# Kernels\n\n[mala](mala.md) [a](../a.md)\n")
    for page in (tmp_path / "docs" / "a.md", kernels.with_name("mala.md")):
        page.write_text("# Page\n")
    stage.add_navigation(tmp_path, root)
    assert root.read_text().endswith("```{toctree}\n:hidden:\n:caption: Methods\n\n/docs/kernels/README.md\n/docs/a.md\n```\n")
    assert kernels.read_text().endswith("```{toctree}\n:hidden:\n\n/docs/kernels/mala.md\n```\n")


def test_links_out_of_the_staged_folders_bring_their_files_along(tmp_path):
    root, to = tmp_path / "root", tmp_path / "to"
    for name in [*stage.PAGES, *stage.FILES, "docs/a.md", "examples/a.toml", "experiments/README.md", "crates/a.rs"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("# A\n")
    (root / "docs" / "a.md").write_text("[code](../crates/a.rs) [folder](../crates)\n\n```rust,ignore\nlet a = 1;\n# Ok(())\n```\n")
    stage.stage(root, to)
    assert (to / "crates" / "a.rs").exists()
    assert (to / "docs" / "a.md").read_text() == "[code](../crates/a.rs) folder\n\n```rust\nlet a = 1;\n```\n"


def test_a_figure_alone_has_its_colours():
    report = '<p><svg xmlns="x" aria-label="a &amp; b" fill="var(--ink,#222222)"><g/></svg></p>'
    svg = figure.figure(report, "a & b")
    assert 'fill="#222222"' in svg and "var(" not in svg
    with pytest.raises(ValueError, match="'a & b'"):
        figure.figure(report, "c")
