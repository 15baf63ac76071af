"""Examples are one page each, complete and listed; the page's table is what running them wrote."""

import ast
import itertools
import tomllib

import pytest

from examples import interop
from tests.checkout import REPOSITORY

EXAMPLES = interop.examples()
PAGE = (REPOSITORY / "docs" / "interop.md").read_text(encoding="utf-8")
OPTIONS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
ROWS = {match.group(1): match.group().split(" | ") for match in interop.KEPT_ROW.finditer(PAGE)}


def come_with(requirement):
    """What of other people's pip installs with us, and with our extras that are asked for."""
    project = OPTIONS["project"]
    lists = [project["optional-dependencies"][extra] for extra in requirement.extras]
    return map(interop.Requirement, itertools.chain(project["dependencies"], *lists))


def test_the_page_lists_every_example():
    assert list(ROWS) == [example.name for example in EXAMPLES]


def test_the_readme_leads_to_every_example():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    links = [f"[`{each.name}`](examples/{each.file.name})" for each in EXAMPLES]
    assert [link for link in links if link not in readme] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_one_page_that_says_what_it_shows_and_needs(example):
    assert example.n_lines <= 60
    first, *rest = example.about.splitlines()
    assert first.endswith(".") and (not rest or not rest[0])
    names = [requirement.name for requirement in example.requirements]
    assert names[0] == "recsim-env" and len(names) > 1
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_names_all_that_it_imports(example):
    """So that whoever installs what the header says can run it."""
    modules = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(example.source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
        )
    }
    asked = [*example.requirements, *come_with(example.requirements[0])]
    named = {requirement.name.replace("-", "_") for requirement in asked}
    assert modules - set(interop.sys.stdlib_module_names) <= named


@pytest.mark.parametrize("name", list(ROWS))
def test_a_row_tells_of_learning_and_of_the_file_as_it_is(name):
    _, learned, uniform, rate, lines, versions = ROWS[name]
    (example,) = (each for each in EXAMPLES if each.name == name)
    learned, uniform, rate = (float(cell.replace(",", "")) for cell in (learned, uniform, rate))
    assert learned > uniform and rate > 0
    assert int(lines) == example.n_lines
    assert all(f"{each.name} " in versions for each in example.requirements[1:])


def test_a_result_is_the_last_line_and_nothing_like_it():
    line = "Gymnasium: learned 1,639 a session, uniform -9.5, 13,838 steps/s"
    assert interop.RESULT.match(line).groups() == ("1,639", "-9.5", "13,838")
    assert not interop.RESULT.match(line + " or so")
    assert not interop.RESULT.match("Gymnasium: learned nothing")


def test_the_table_keeps_rows_that_were_not_run_again(tmp_path, monkeypatch):
    page = tmp_path / "interop.md"
    page.write_text("before\n<!-- table: examples -->\n<!-- end of table -->\nafter\n")
    monkeypatch.setattr(interop, "PAGE", page)
    for example in reversed(EXAMPLES[:2]):
        interop.write_row(example, ["2", "1", "9", str(example.n_lines), "numpy 2"])
    first, second = EXAMPLES[:2]
    interop.write_row(first, ["failed", "", "", "60", "no such package"])
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("<!-- end of table -->\nafter\n")
    rows = [match.group() for match in interop.KEPT_ROW.finditer(text)]
    assert [first.name in rows[0], second.name in rows[1], len(rows)] == [True, True, 2]
    assert "no such package" in rows[0] and "numpy 2" in rows[1]


def test_what_fails_is_said_in_one_line(tmp_path):
    assert interop.run([interop.sys.executable, "-c", "print(1)"]) == "1\n"
    with pytest.raises(interop.Failed, match=r"^ZeroDivisionError: division by zero$"):
        interop.run([interop.sys.executable, "-c", "1 / 0"])
    with pytest.raises(interop.Failed, match=r"^exit status 3$"):
        interop.run([interop.sys.executable, "-c", "raise SystemExit(3)"])


def test_what_hangs_is_ended_with_what_it_started(monkeypatch):
    monkeypatch.setattr(interop, "PATIENCE", 1)
    with pytest.raises(interop.Failed, match=r"^did not end within 1 s$"):
        interop.run(["bash", "-c", "sleep 600 & sleep 600"])


def test_an_environment_is_our_own_where_it_has_what_is_needed():
    gymnasium_loop = next(each for each in EXAMPLES if each.name == "gymnasium_loop")
    assert gymnasium_loop.is_shared
    assert interop.python_for(gymnasium_loop) == interop.sys.executable
    assert not interop._is_met(interop.Requirement("numpy<1"))
    assert not interop._is_met(interop.Requirement("no-such-package"))
    assert interop._local(interop.Requirement("numpy>=2")) == ["numpy>=2"]
    wanted = ["--editable", f"{REPOSITORY}[agents]"]
    assert interop._local(interop.Requirement("recsim-env[agents]")) == wanted


def test_speed_is_what_the_command_prints(tmp_path, monkeypatch):
    page = tmp_path / "interop.md"
    page.write_text("<!-- table: speed -->\nold\n<!-- end of table -->\n")
    line = "InterestEvolution-v0, 256 people: alone 2.0 M/s, through torchrl 1.5 M/s, 75% of it\n"

    def run(command):
        if "rllib" in command:
            raise interop.Failed("not | installed")
        return line * len(interop.SCENARIOS)

    monkeypatch.setattr(interop, "PAGE", page)
    monkeypatch.setattr(interop, "THROUGH", {"torchrl": "sb3_ppo", "rllib": "sb3_ppo"})
    monkeypatch.setattr(interop, "run", run)
    assert interop.measure_speed() == 1
    text = page.read_text()
    assert "| torchrl | 1.5 of 2.0 M/s, 75% | 1.5 of 2.0 M/s, 75% | 1.5 of 2.0 M/s, 75% |\n" in text
    assert "| rllib | not / installed |\n" in text and "old" not in text
