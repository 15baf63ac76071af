"""A release is of one version, and its workflow calls what is there."""

import re

import recsim_env
from tests.checkout import REPOSITORY

WORKFLOW = (REPOSITORY / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


def test_the_citation_names_the_version():
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == recsim_env.__version__


def test_the_workflow_finds_version_and_targets():
    package = (REPOSITORY / "recsim_env" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{recsim_env.__version__}"\n' in package  # as the workflow looks for it
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = {each for line in re.findall(r"run: make (.*)", WORKFLOW) for each in line.split()}
    assert targets == {"test", "check", "docs"}
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert re.search(r"path: (build/docs/html)/", WORKFLOW)[1] in makefile


def test_nothing_of_the_site_comes_from_elsewhere():
    """So that it can be read without a network."""
    website = REPOSITORY / "docs" / "website"
    texts = [
        file.read_text(encoding="utf-8")
        for file in website.rglob("*")
        if file.suffix in {".py", ".css", ".html"}
    ]
    assert len(texts) >= 8
    assert not [text for text in texts if re.search(r"https?://", text)]
