"""Pages keep their links when the site lays them out anew."""

import posixpath
import re

import pytest

from docs.website.staging import Written, relinked, stage

MOVED = {"docs/agents.md#ppo": "agents/ppo.md", "CONTRIBUTING.md#public-names": "api/index.md"}


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("../results/README.md", "../results/README.md"),
        ("../agents.md#ppo", "../agents/ppo.md"),
        ("../agents.md#settings", "../agents.md#settings"),
        ("../../README.md", "../index.md"),
        ("../../CONTRIBUTING.md#public-names", "../api/index.md"),
        ("https://example.org/a.md", "https://example.org/a.md"),
        ("#below", "#below"),
    ],
)
def test_a_link_leads_to_where_its_page_went(link, there):
    found = relinked(f"[it]({link})", "docs/how-to/train.md", "how-to/train.md", MOVED)
    assert found == f"[it]({there})"


def test_code_is_left_alone_and_the_readme_is_included_whole():
    code = "```python\nrows[0](a.md)\n```\n"
    page = f"```{{include}} ../README.md\n:end-before: x\n```\n{code}`[a](../x.md)`"
    found = relinked(page, "docs/index.md", "index.md", {})
    assert found == page.replace("../README.md", "readme.md")


@pytest.fixture
def repository(tmp_path):
    files = {
        "README.md": "# Us\n[how](docs/how-to/README.md)",
        "CONTRIBUTING.md": "# Help",
        "CHANGELOG.md": "# News",
        "docs/index.md": "# Home",
        "docs/interop.md": "# Compared\n[code](../examples/a.py)",
        "docs/agents.md": "# Agents",
        "docs/how-to/README.md": "# How\n[b](b.md)",
        "docs/how-to/a.md": "# A",
        "docs/how-to/b.md": "# B",
        "docs/how-to/b.png": "picture",
        "docs/website/conf.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def contents(page):
    return re.findall(r"^/(\S+)$", page.read_text(), flags=re.MULTILINE)


def test_every_page_is_listed_once(repository):
    source = repository / "site"
    texts = {"examples/a.md": "# a", "agents.md": "# Other agents"}
    stage(repository, source, Written(texts, moved={"examples/a.py": "examples/a.md"}))
    assert contents(source / "how-to/README.md") == ["how-to/b", "how-to/a", "interop"]
    assert contents(source / "interop.md") == ["examples/a"]
    assert (source / "agents.md").read_text() == "# Other agents"
    assert (source / "how-to/b.png").read_text() == "picture"
    assert not (source / "website").exists()


def test_what_did_not_change_is_left_and_what_is_gone_is_removed(repository):
    source = repository / "site"
    stage(repository, source, Written())
    before = {file: file.stat().st_mtime_ns for file in source.rglob("*.md")}
    (repository / "docs/how-to/a.md").unlink()
    stage(repository, source, Written())
    after = {file: file.stat().st_mtime_ns for file in source.rglob("*.md")}
    assert posixpath.basename(str(*(before.keys() - after.keys()))) == "a.md"
    changed = {file.name for file in after if before[file] != after[file]}
    assert changed == {"README.md"}  # it lists one page less
