"""What pages tell of results is in the tables beside them, and what they show is there."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.feedback import write_feedback
from recsim_env.benchmark.off_policy.report import study_page
from recsim_env.benchmark.off_policy.study_run import StudyRun, StudyWorld
from recsim_env.benchmark.off_policy.study_settings import StudySettings
from recsim_env.benchmark.off_policy.summary import study_errors, summary_page
from recsim_env.benchmark.ranking.report import as_markdown
from recsim_env.benchmark.ranking.run import ROWS
from recsim_env.benchmark.ranking.task import RankingProtocol
from recsim_env.plots.report import FIGURES, write_report
from recsim_env.results.table import ResultTable
from recsim_env.results.trials import TRIALS, trials_of

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")

#: Folders of benchmarks and ablations; those of rankings and of estimators have other rows.
BENCHMARKS = sorted(
    str(file.parent.relative_to(RESULTS))
    for file in RESULTS.rglob("settings.json")
    if not {"ranking", "ope"} & set(file.parts)
)
REPORTS = sorted(str(file.parent.relative_to(RESULTS)) for file in RESULTS.rglob("report.md"))
COMMANDS = dict(re.findall(r"^recsim-env plot docs/results/(\S+) (.*)$", PAGE, flags=re.MULTILINE))


def pages():
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


def linked(page):
    """Returns the files that a page links to or shows, within the repository."""
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    return [(page.parent / link).resolve() for link in links if "://" not in link]


def test_every_link_leads_somewhere_and_every_picture_is_shown():
    for page in pages():
        assert [file for file in linked(page) if not file.exists()] == [], page
    shown = {file for page in pages() for file in linked(page)}
    assert [file for file in (ROOT / "docs").rglob("*.png") if file.resolve() not in shown] == []


@pytest.mark.parametrize("folder", BENCHMARKS)
def test_runs_that_are_kept_are_those_that_would_be_asked_for(folder, monkeypatch):
    """So a repeated command plays nothing again, whatever was moved or renamed since."""
    monkeypatch.chdir(ROOT)
    table = ResultTable(RESULTS / folder)
    about = table.read_settings()
    names = BenchmarkSettings.__dataclass_fields__
    if folder == "ml-100k" and not Path("worlds/ml-100k/world.npz").exists():
        pytest.skip("needs recsim-env calibrate movielens-100k --out worlds/ml-100k")
    settings = BenchmarkSettings.create(**{k: v for k, v in about.items() if k in names})
    asked = {run.key: run.config_hash for run in make_plan(settings).runs}
    assert table.config_hashes() == asked


@pytest.mark.parametrize(
    "folder",
    [pytest.param(each, marks=pytest.mark.slow if each == "ladder" else ()) for each in REPORTS],
)
def test_a_report_is_what_plot_writes(folder, tmp_path):
    words = shlex.split(COMMANDS.get(folder, "--figures"))
    assert words[0] == "--figures" and set(words[1:]) <= set(FIGURES)
    for name in ("rows.csv", "settings.json", "versions.json", "metrics.csv"):
        if name != "metrics.csv" or (RESULTS / folder / name).exists():
            shutil.copy(RESULTS / folder / name, tmp_path)
    written = write_report(tmp_path, words[1:]).read_text(encoding="utf-8")
    assert written == (RESULTS / folder / "report.md").read_text(encoding="utf-8")
    drawn = {file.name for file in tmp_path.glob("*.png")}
    assert drawn == {file.name for file in (RESULTS / folder).glob("*.png")} - {"fidelity.png"}


@pytest.mark.parametrize("name", sorted(each.name for each in (RESULTS / "ranking").iterdir()))
def test_a_page_of_a_ranking_is_what_rank_writes(name):
    table = ResultTable(RESULTS / "ranking" / name, ROWS)
    about = table.read_settings()
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in about["protocol"].items()}
    protocol, commands = RankingProtocol(**given), [*about["earlier_commands"], about["command"]]
    page = as_markdown(about["log"], table.rows(), protocol, about["about"], commands=commands)
    assert page == (table.folder / "ranking.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", sorted(each.parent.name for each in RESULTS.glob("ope/*/rows.csv"))
)
def test_a_page_of_a_study_of_estimators_is_what_its_rows_say(name):
    table = ResultTable(RESULTS / "ope" / name, TRIALS)
    about = table.read_settings()
    names = StudySettings.__dataclass_fields__
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in about.items() if k in names}
    settings = StudySettings(**given)
    worlds = [StudyWorld.of(each, settings) for each in settings.variants()]
    asked = {
        StudyRun(each, n).key: each.config_hash for each in worlds for n in range(settings.repeats)
    }
    assert table.config_hashes() == asked  # so the command plays nothing again
    page = study_page(trials_of(table.rows()), settings, about["command"])
    assert page == (table.folder / "study.md").read_text(encoding="utf-8")


def test_the_page_of_all_studies_of_estimators_is_what_their_rows_say(tmp_path):
    page = (RESULTS / "ope" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^recsim-env ope --studies .*$", page, flags=re.MULTILINE)
    assert page == summary_page(ROOT / command.split()[-1], command=command)
    with pytest.raises(ValueError, match="holds no study; recsim-env ope --study writes one"):
        summary_page(tmp_path, command="")
    shutil.copytree(RESULTS / "ope" / "bernoulli", tmp_path / "bernoulli")
    with pytest.raises(ValueError, match="has no estimates of pseudo-inverse; it has dm, ips, "):
        summary_page(tmp_path, command="", estimators=["pseudo-inverse"])


def test_the_page_of_estimators_says_what_commands_print_of_the_studies():
    page = (ROOT / "docs" / "understand" / "estimators.md").read_text(encoding="utf-8")
    parts = re.findall(
        r"^```sh\n(recsim-env ope --studies (\S+) --estimators ([^\n]*))\n```\n\n(\|.*?)\n\n",
        page,
        re.M | re.S,
    )
    assert len(parts) == 2
    for command, folder, names, table in parts:
        printed = study_errors(ROOT / folder, command=command, estimators=names.split())
        assert f"\n\n{table}\n" in printed
    studies = {
        each.parent.name: each.read_text(encoding="utf-8")
        for each in RESULTS.glob("ope/*/study.md")
    }
    truths = re.findall(r"^\| `(\w+)` \| ([^|]+\]) \| ([^|]+\]) \|$", page, flags=re.MULTILINE)
    assert len(truths) == 3
    for policy, *cells in truths:
        for per, cell in zip(("slate", "session"), cells, strict=True):
            said = f"| {policy} | {per} | 1 | 10 | {cell} |"
            assert said in studies["long-term-satisfaction"]
    side_by_side = (RESULTS / "ope" / "README.md").read_text(encoding="utf-8")
    errors = side_by_side.partition("## Reward of a session: error")[2].partition("\n## ")[0]
    head, _, *rows = [cells_of(line) for line in errors.splitlines() if line.startswith("|")]
    least = sum(row[head.index("fqe")].startswith("**") for row in rows)
    assert f"`fqe` errs least in {least} of the {len(rows)} kinds of logs" in page


def test_the_table_of_action_forms_is_that_of_its_rows():
    pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')
    measured = runpy.run_path(str(RESULTS / "action-forms" / "measure.py"))
    page = (ROOT / "docs" / "action-forms.md").read_text(encoding="utf-8")
    assert f"<!-- table -->\n{measured['table']()}\n<!-- /table -->" in page
    rows = [tuple(row.values())[:-1] for row in measured["rows"]()]
    assert sorted(rows) == sorted((*run[:-1], str(run[-1])) for run in measured["plan"]())


@pytest.mark.parametrize(
    "name", sorted(each.parent.name for each in RESULTS.glob("feedback-loop/*/rows.csv"))
)
def test_a_page_of_feedback_loops_is_what_its_tables_say(name, tmp_path):
    kept = RESULTS / "feedback-loop" / name
    for file in kept.iterdir():
        shutil.copy(file, tmp_path)
    assert write_feedback(tmp_path).read_text() == (kept / "feedback.md").read_text()


def test_values_are_those_that_the_command_wrote():
    written = RESULTS / "ablation" / "values.md"
    assert written.read_text(encoding="utf-8").strip() in PAGE


def test_the_ladder_is_that_of_the_report():
    report = RESULTS / "ladder" / "report.md"
    section = report.read_text(encoding="utf-8").split("\n## ")[1]
    table = [line for line in section.splitlines() if line.startswith("|")]
    assert table[0].startswith("| agent |") and "\n".join(table) in PAGE


def test_the_ranking_on_a_real_log_is_that_of_the_kept_page():
    page = RESULTS / "ranking" / "leave-one-out" / "ranking.md"
    found = []
    for line in page.read_text(encoding="utf-8").splitlines():
        agent, *cells = line.strip("| ").split(" | ")
        if cells and "[" in line:
            hit_rate, gain = (cell.split()[0].lstrip("0") for cell in cells[:2])
            found.append(f"| `{agent}` | {hit_rate} / {gain} |")
    table = PAGE.partition("## Recommenders on a real log")[2].partition("\n## ")[0].splitlines()
    said = ["|".join(line.split("|")[:3]) + "|" for line in table if line.startswith("| `")]
    assert said == found


def test_the_regret_on_the_wheel_is_what_the_page_s_own_lines_print(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (RESULTS / "wheel" / "regret.md").read_text(encoding="utf-8")
    block = page.partition("```python\n")[2].partition("```")[0]
    exec(compile(block, "regret.md", "exec"), {})
    printed = [line.split("|") for line in capsys.readouterr().out.splitlines()]
    _, *deltas = cells_of(next(line for line in page.splitlines() if line.startswith("| agent")))
    rows = [cells_of(line) for line in page.splitlines() if line.startswith("| `")]
    rows.append(cells_of(next(line for line in page.splitlines() if line.startswith("| linear"))))
    said = {(delta, cell) for row in rows for delta, cell in zip(deltas, row[1:], strict=True)}
    assert len(said) == 20
    assert said == {(f"delta {at}", cell) for at, agent, cell in printed if agent != "oracle"}


def cells_of(line):
    return [cell.strip() for cell in line.strip("| ").split("|")]
