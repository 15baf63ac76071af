"""Each command does what its help says, on small worlds."""

import dataclasses
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recsim_env.agent_registry import FAMILIES, REFERENCES, REGISTRY, names_of
from recsim_env.agents import AGENTS, agent_class
from recsim_env.benchmark import BenchmarkSettings
from recsim_env.cli import main
from recsim_env.cli.arguments import setting
from recsim_env.cli.comparing import _others, print_leaderboards
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.envs.resolving import resolve_scenario
from recsim_env.results.metrics import METRICS
from recsim_env.results.table import ResultTable

DOCS = Path(__file__).parents[2] / "docs"
SMALL = ["--set", "n_topics=4", "--set", "time_budget=20"]
BRIEF = ["--interactions=100", "--checkpoints=1", "--bins=2", "--num-envs=4"]
BRIEF += ["--episodes=4", "--jobs=1"]


def refused(capsys, *arguments):
    """Returns the one line that a wrong request prints."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from recsim_env.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numba', 'torch', 'matplotlib', 'joblib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("scenarios", "agents", "run", "train", "evaluate", "log", "benchmark", "plot"):
        assert command in done.stdout


def test_scenarios_are_listed_and_explained(capsys):
    assert main(["scenarios"]) == 0
    listed = capsys.readouterr().out
    assert "recsim_env/LongTermSatisfaction-v0" in listed
    assert "feed people what they like" in listed
    assert main(["scenarios", "RecSim-InterestEvolution"]) == 0
    page = capsys.readouterr().out
    assert "Reward: time watched." in page
    assert "choice" in page and "'proportional'" in page


def test_agents_are_listed_and_explained(capsys):
    assert main(["agents"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name} " in listed for name in AGENTS)
    _, where, why = listed.split("\npopularity")[1].split("\n")[:3]
    assert "in every scenario but InterestEvolution-v0, RecSim-InterestEvolution-v0" in where
    assert "RatedCatalogue-v0" not in where
    assert why.endswith(
        "else: It needs item ids, and the scenario with these settings lacks them; set n_items"
    )
    assert main(["agents", "linucb"]) == 0
    assert "alpha" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["agents", "scenarios"])
def test_a_page_is_what_the_command_writes(what):
    command = [sys.executable, "-m", "recsim_env", what, "--page"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    kept = (DOCS / f"{what}.md").read_text(encoding="utf-8")
    assert kept == done.stdout, f"run: recsim-env {what} --page > docs/{what}.md"


def test_the_page_on_scenarios_has_every_setting_with_default_range_and_words():
    page = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    kinds = {type(resolve_scenario(name)) for name in ENVIRONMENTS}
    assert set(sections) == {kind.__name__ for kind in kinds}
    common = page.split("\n## ")[0]
    for kind in kinds:
        for field in dataclasses.fields(kind):
            said = f"\n| `{field.name}` | `{field.default!r}` |"
            assert said in sections[kind.__name__] or said in common, (kind, field.name)
    for name in ENVIRONMENTS:
        assert f"\n`{name}`: " in page
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert all(len(row) == 4 and row[3].strip(" |") for row in rows)


def test_the_page_on_agents_says_where_each_works():
    kept = (DOCS / "agents.md").read_text(encoding="utf-8")
    kept, _, settings = kept.partition("\n## Settings\n")
    listed, _, table = kept.partition("\n## Who works where\n")
    sections = dict(part.split("\n", 1) for part in settings.split("\n### ")[1:])
    assert "|  |\n" not in settings
    for name in AGENTS:
        rows = [f"| `{k}` | `{v!r}` |" for k, v in agent_class(name).Settings.defaults().items()]
        assert [row for row in rows if row not in sections.get(name, "")] == [], name
    for family in [*FAMILIES, REFERENCES]:
        section = listed.split(f"\n## {family[0].upper()}{family[1:]}\n")[1].split("\n## ")[0]
        named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert named == names_of(family)
        assert all(REGISTRY[name].source in section for name in named)
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in AGENTS]
    for row in rows:
        for heading, cell in zip(headings(kept), row[1:], strict=True):
            scenario = resolve_scenario(heading)
            agent = row[0].strip("| `")
            works = agent_class(agent).unsuitable(scenario) is None
            assert (cell.strip(" |") == "✓") == works


def test_the_page_on_metrics_is_what_the_code_says(capsys):
    kept = (DOCS / "understand" / "metrics.md").read_text(encoding="utf-8")
    assert main(["metrics", "--page"]) == 0
    assert capsys.readouterr().out == kept, "make pages writes it anew"
    assert main(["metrics"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(METRICS)


def headings(page):
    """Returns the first id of every column, from the list below the table."""
    _, _, listed = page.partition("stand for these ids:")
    return [line.split(": ")[1].split(", ")[0] for line in listed.splitlines() if ": " in line]


@pytest.mark.parametrize("agent", ["uniform", "oracle"])
def test_run_shows_every_step(capsys, agent):
    assert main(["run", "InterestEvolution", agent, *SMALL, "--episodes", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("arrives" in line for line in lines) == 2
    assert sum("and leaves" in line for line in lines) == 2
    said, _, learned_from = lines[-1].partition(", after learning from ")
    assert learned_from == "0 interactions (--learn)"
    n_steps, _, total = said.partition(" steps, reward ")
    assert int(n_steps) == len(lines) - 3
    rewards = [
        float(line.split("| reward ")[1].split(" ")[0]) for line in lines if "| reward" in line
    ]
    assert float(total) == pytest.approx(sum(rewards), rel=1e-2)


def test_a_trained_agent_is_saved_and_evaluated(capsys, tmp_path):
    file = str(tmp_path / "new" / "linucb.agent")
    train = ["train", "InterestEvolution", "linucb", *SMALL, "--interactions", "500"]
    assert main([*train, "--agent-set", "alpha=0.5", "--out", file]) == 0
    assert file in capsys.readouterr().out
    evaluation = ["evaluate", "InterestEvolution", "uniform", file, *SMALL, "--episodes", "60"]
    assert main(evaluation) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("uniform")
    assert "more than uniform:" in lines[1]
    assert "over 60 episodes" in lines[2]
    mean, low, high = (
        float(text)
        for text in lines[0]
        .split("return ")[1]
        .split("]")[0]
        .replace("[", "")
        .replace(",", "")
        .split()
    )
    assert low < mean < high
    again = ["evaluate", "InterestEvolution", file, *SMALL, "--agent-set"]
    assert main([*again, "alpha=1"]) == 0
    assert "alpha=-1.0 is" in refused(capsys, *again, "alpha=-1")


def test_a_log_is_written_by_a_trained_agent_and_calibrated(capsys, tmp_path):
    small = ["--set", "n_users=30", "--set", "n_items=40"]
    agent, file = str(tmp_path / "popularity.agent"), str(tmp_path / "new" / "log.csv")
    train = ["train", "RatedCatalogue", "popularity", *small, "--interactions", "300"]
    assert main([*train, "--out", agent]) == 0
    assert main(["log", "RatedCatalogue", agent, *small, "--interactions=400", "--out", file]) == 0
    printed = capsys.readouterr().out
    assert "interactions: 1,200 rows" in printed
    command = printed.splitlines()[-1].removeprefix("next: recsim-env ").split()
    assert main([*command, "--out", str(tmp_path / "world")]) == 0
    assert (tmp_path / "world" / "world.npz").exists()
    lacking = refused(capsys, "log", "InterestEvolution", "uniform", "--out", file)
    assert "InterestEvolution with these settings has none; set n_items" in lacking


@pytest.mark.parametrize("name", ["log.csv", "log.parquet", "log.npz"])
def test_a_log_replaces_nothing_unasked(capsys, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["log", "RatedCatalogue", "uniform", "--set", "n_users=30", "--set", "n_items=40"]
    asked += ["--interactions", "30", "--out", f"new/{name}"]
    assert main(asked) == 0
    written = {file.name: file.read_bytes() for file in Path("new").iterdir()}
    assert set(written) == ({name} if name.endswith(".npz") else {name, f"{name}.json"})
    for file in written:
        for other in written:
            Path("new", other).unlink(missing_ok=True)
        Path("new", file).write_bytes(b"mine")
        assert f"{file} exists; choose another --out, or replace it" in refused(capsys, *asked)
        assert Path("new", file).read_bytes() == b"mine"
    assert main([*asked, "--overwrite"]) == 0
    assert {file.name for file in Path("new").iterdir()} == set(written)
    assert b"mine" not in {file.read_bytes() for file in Path("new").iterdir()}


def test_logs_in_two_formats_have_descriptions_of_their_own(capsys, tmp_path):
    asked = ["log", "RatedCatalogue", "uniform", "--set", "n_users=30", "--set", "n_items=40"]
    for suffix, n in ((".csv", 30), (".parquet", 60)):
        file = tmp_path / f"log{suffix}"
        assert main([*asked, "--interactions", str(n), "--out", str(file)]) == 0
    for suffix, n in ((".csv", 30), (".parquet", 60)):
        about = json.loads((tmp_path / f"log{suffix}.json").read_text(encoding="utf-8"))
        assert about["interactions"] == n


def test_agents_learn_from_logged_steps_alone(capsys, tmp_path):
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    steps, agent = str(tmp_path / "new" / "steps.npz"), str(tmp_path / "clone.agent")
    logging = ["log", "InterestEvolution", "linucb", "--learn=64", "--interactions=300"]
    assert main([*logging, *SMALL, "--out", steps]) == 0
    printed = capsys.readouterr().out
    assert "300 rows" in printed and "propensities are exact" in printed
    command = shlex.split(printed.splitlines()[-1].removeprefix("next: recsim-env "))
    assert main([*command, "--out", agent]) == 0
    assert "iql learned from 300 logged interactions" in capsys.readouterr().out
    same = ["InterestEvolution", *SMALL]
    assert main(["evaluate", *same, agent, "--episodes", "5"]) == 0
    other = refused(capsys, "train", "RatedCatalogue", "bc", "--log", steps, "--out", "x.agent")
    assert "the log is of another world (" in other
    never = refused(capsys, "train", "InterestEvolution", "linucb", "--log", steps)
    assert "bc, iql and reinforce do" in never


def test_benchmark_writes_everything_and_plot_redraws_it(capsys, tmp_path):
    out = str(tmp_path / "results")
    asked = ["benchmark", "InterestEvolution", "--agents", "linucb", "--seeds", "4", "7", *SMALL]
    assert main([*asked, *BRIEF, "--agent-set", "linucb.alpha=0.1", "--out", out]) == 0
    printed = capsys.readouterr().out
    assert "uniform" in printed and f"report: {out}/report.md" in printed
    table = ResultTable(out)
    assert {row["seed"] for row in table.rows()} == {4, 7}
    settings = table.read_settings()
    assert settings["agents"] == {"linucb": {"alpha": 0.1}}
    assert settings["scenarios"]["recsim_env/InterestEvolution-v0"]["n_topics"] == 4
    report = tmp_path / "results" / "report.md"
    first = report.read_text()
    pictures = sorted(path.name for path in report.parent.glob("*.png"))
    kinds = [name.partition("-")[0] for name in pictures]
    assert kinds == ["leaderboard", "learning", "online", "regret", "tradeoff.png"]
    for path in [report, *report.parent.glob("*.png")]:
        path.unlink()
    assert main(["plot", out]) == 0
    assert report.read_text() == first
    assert sorted(path.name for path in report.parent.glob("*.png")) == pictures


def test_results_lie_under_the_scenario_s_name_and_plot_finds_them(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "name one of results/, where there is none yet" in refused(capsys, "plot")
    asked = ["--agents", "linucb", "--seeds", "1", *BRIEF]
    assert main(["benchmark", "InterestEvolution", *SMALL, *asked]) == 0
    first = Path("results/InterestEvolution-v0")
    assert f"report: {first}/report.md" in capsys.readouterr().out
    assert "    recsim-env plot .\n" in (first / "report.md").read_text()
    assert main(["plot"]) == 0
    assert f"report: {first}/report.md" in capsys.readouterr().out
    shutil.copytree(first, first.with_name("InterestExploration-v0"))
    said = refused(capsys, "plot")
    assert f"name one of {first}, results/InterestExploration-v0" in said
    assert f"results holds several benchmarks; name one of {first}, " in refused(
        capsys, "plot", "results"
    )
    said = refused(capsys, "benchmark", "InterestEvolution", *SMALL, *asked, "--bins", "1")
    assert "other settings (bins=1, there " in said


def test_a_leaderboard_says_how_many_seeds_are_behind_a_number(capsys, tmp_path):
    final = {"scenario": "S", "phase": "final", "return_mean": 1.0, "config_hash": "c"}
    final |= {"interactions": 100}
    table = ResultTable(tmp_path)
    for agent, seed in (("linucb", 0), ("linucb", 4), ("uniform", 0)):
        table.append_run([final | {"agent": agent, "seed": seed}])
    print_leaderboards(tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["agent", "seeds", "return"] in [line[:3] for line in lines]
    assert [line[:2] for line in lines[-2:]] == [["linucb", "2"], ["uniform", "1"]]


@pytest.mark.usefixtures("undrawn")
def test_benchmark_reads_toml_and_the_command_line_has_the_last_word(tmp_path):
    config = tmp_path / "benchmark.toml"
    config.write_text(
        "seeds = 1\ninteractions = 100\nbins = 2\n[scenarios.InterestEvolution]\nn_topics = 4\n"
        "[agents.linucb]\nalpha = 2.0\n"
    )
    out = tmp_path / "results"
    asked = ["benchmark", "--config", str(config), "--out", str(out), *BRIEF]
    assert main([*asked, "--interactions", "60", "--set", "time_budget=10"]) == 0
    settings = ResultTable(out).read_settings()
    assert (settings["interactions"], settings["agents"]) == (60, {"linucb": {"alpha": 2.0}})
    scenario = settings["scenarios"]["recsim_env/InterestEvolution-v0"]
    assert scenario == {"n_topics": 4, "time_budget": 10}


def test_a_failed_run_makes_the_command_fail(capsys, tmp_path, monkeypatch):
    (tmp_path / "failing_agent.py").write_text(
        "from recsim_env.agents.references.uniform import Uniform\n"
        "class Failing(Uniform):\n"
        "    def learn(self, *arguments, **settings):\n"
        "        raise ZeroDivisionError('by zero')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out = str(tmp_path / "results")
    asked = ["benchmark", "InterestEvolution", "--agents", "failing_agent:Failing", *SMALL]
    assert main([*asked, *BRIEF, "--seeds", "1", "--out", out]) == 1
    printed = capsys.readouterr()
    assert "FAILED" in printed.err
    assert "oracle" in printed.out
    assert "by zero" in (tmp_path / "results" / "report.md").read_text()


def test_unknown_names_are_one_line_that_lists_the_known_ones(capsys, tmp_path):
    out = ["--out", str(tmp_path / "results")]
    assert "known are BernoulliBandit-v0" in refused(capsys, "scenarios", "Nowhere")
    assert "known are uniform" in refused(capsys, "agents", "nobody")
    assert "known are uniform" in refused(capsys, "run", "InterestEvolution", "nobody")
    assert "known are n_candidates" in refused(
        capsys, "run", "InterestEvolution", "--set", "colour=red"
    )
    assert "known are" in refused(capsys, "benchmark", "Nowhere", *out)
    assert "known are" in refused(capsys, "benchmark", "--agents", "nobody", *out)
    assert "one of uniform" in refused(capsys, "benchmark", "--agent-set", "nobody.a=1", *out)
    assert "no complete run" in refused(capsys, "plot", str(tmp_path))
    assert "no such file" in refused(capsys, "calibrate", str(tmp_path / "none.csv"))
    assert "No such file" in refused(capsys, "benchmark", "--config", str(tmp_path / "no.toml"))
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("n=5", None, 5),
        ("x=0.5", None, 0.5),
        ("x=1e-3", None, 1e-3),
        ("x=5,000", None, 5_000),
        ("world=a/b.npz", None, "a/b.npz"),
        ("choice=cascade", None, "cascade"),
        ("flag=True", None, True),
        ("flag=false", None, False),
        ("shape=(1, 2)", None, (1, 2)),
        ("formula=a=b", None, "a=b"),
        ("n=5_000", 0, 5_000),
        ("n=5,000", 0, 5_000),
        ("n=1e5", 0, 100_000),
        ("n=100k", 0, 100_000),
        ("n=2.0", 0, 2),
        ("n=1.5", 0, 1.5),  # the scenario refuses it
        ("x=.5", 1.0, 0.5),
        ("x=8", 1.0, 8),
        ("x=1.5k", 1.0, 1_500.0),
        ("world=5_000", "", "5_000"),
        ("world=5,00", "", "5,00"),
        ("world=None", "", "None"),
        ("name='a b'", "", "a b"),
        ("flag=TRUE", False, True),
        ("flag=False", True, False),
        ("shape=[1, 5]", (0, 0), [1, 5]),
    ],
)
def test_settings_are_read_by_the_type_of_their_default(text, default, value):
    read = setting(text).read(default)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "default"),
    [
        *(("n=5,00", 0), ("n=1,5", 0), ("n=", 0), ("n=many", 0), ("n=True", 0), ("n=[1]", 0)),
        *(
            ("x=nan", 0.0),
            ("x=inf", 0.0),
            ("x=1e400", 0.0),
            ("x=0,5", 0.0),
            ("x=" + "(" * 500, 0.0),
        ),
        *(("x=1,5", None), ("x=0,500", None)),
    ],
)
def test_what_is_no_number_is_refused_where_one_is_needed(text, default):
    name = text.partition("=")[0]
    with pytest.raises(ValueError, match=f"^{name}="):
        setting(text).read(default)


@pytest.mark.parametrize("wrong", [["--set", "alpha"], ["--set", "=3"], ["--seed", "-1"]])
def test_malformed_arguments_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as end:
        main(["run", "InterestEvolution", *wrong])
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def ratings(tmp_path):
    """A log of 40 users and 60 items in which odd users like odd items."""
    rng = np.random.default_rng(0)
    lines = ["user,item,rating,timestamp"]
    for user in range(40):
        for place, item in enumerate(rng.permutation(60)[:25]):
            rating = int(
                np.clip(round(3 + (1 if user % 2 == item % 2 else -1) + rng.normal()), 1, 5)
            )
            lines.append(f"u{user},i{item},{rating},{10_000 * (place // 5) + place}")
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def shown(monkeypatch):
    """The share of places, step by step of all runs, that show what can be shown."""
    found, step = [], RecommendationVectorEnv.step

    def watched(env, actions):
        slate = np.asarray(actions).reshape(env.num_envs, -1)
        can = np.take_along_axis(env.can_be_shown(), slate, axis=1)
        found.append(can[~env.slots["is_over"]].mean())
        return step(env, actions)

    monkeypatch.setattr(RecommendationVectorEnv, "step", watched)
    return found


def test_calibrate_writes_a_world_that_a_benchmark_plays(capsys, tmp_path, ratings, shown):
    out = tmp_path / "world"
    assert main(["calibrate", str(ratings), "--out", str(out), "--set", "n_factors=2"]) == 0
    printed = capsys.readouterr().out
    assert "1,000 rows of 40 users and 60 items" in printed
    taste = "taste, predicted / drawn (standard deviation on consumed pairs): "
    predicted, drawn = printed.split(taste)[1].splitlines()[0].split(" / ")
    assert 0 <= float(predicted) < 2 and 0 <= float(drawn) < 2
    assert "\ntaste in choices: " in printed
    assert "4 chains, " in printed and "R-hat: noise 1." in printed
    assert {path.name for path in out.iterdir()} == {
        "world.npz",
        "fidelity.csv",
        "fidelity.md",
        "fidelity.png",
    }
    lines = (out / "fidelity.csv").read_text().splitlines()
    mean = next(line.split(",") for line in lines if line.startswith("rating,mean"))
    assert abs(float(mean[2]) - float(mean[3])) < 0.5, "simulated people rate like real ones"
    ratings.unlink()  # the world needs no log
    shown.clear()
    world = ["--set", f"world={out / 'world.npz'}", "--set", "n_candidates=0"]
    world += [
        "--set",
        "n_sessions=3",
    ]  # whose people remember what they rated, and never want again
    agents = ["--agents", "popularity", "ials", "thompson", "content", "--seeds", "1"]
    asked = ["benchmark", "RatedCatalogue", *agents, *world, *BRIEF]
    assert main([*asked, "--out", str(tmp_path / "results")]) == 0
    assert len(shown) > 100 and min(shown) == 1.0, "no agent wastes a place on what was consumed"
    settings = ResultTable(tmp_path / "results").read_settings()
    assert [each["agent"] for each in settings["left_out"]] == ["content"]
    report = (tmp_path / "results" / "report.md").read_text()
    assert "Content needs item features" in report and "LOG --items TABLE" in report


def test_a_world_without_a_measure_of_fidelity_says_so(capsys, tmp_path, ratings):
    out = tmp_path / "world"
    few = ["--set", "n_factors=1", "--set", "draws_tastes=False"]
    assert main(["calibrate", str(ratings), "--out", str(out), "--no-fidelity", *few]) == 0
    assert f"world={out / 'world.npz'}" in capsys.readouterr().out.splitlines()[-1]
    assert sorted(path.name for path in out.iterdir()) == ["fidelity.md", "world.npz"]
    assert "This folder is partial" in (out / "fidelity.md").read_text()


@pytest.mark.parametrize("name", ["world.npz", "fidelity.csv", "fidelity.md", "fidelity.png"])
def test_calibrate_replaces_nothing_unasked_and_says_so_first(
    capsys, tmp_path, ratings, name, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "world-ratings"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"mine")
    for asked in (["calibrate", "absent.csv", "--out", str(folder)], ["calibrate", str(ratings)]):
        said = refused(capsys, *asked)
        assert f"{name} exists; choose another --out, or replace it with --overwrite" in said
    assert [file.name for file in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == b"mine"


def test_unknown_settings_of_the_fit_are_refused(capsys, ratings):
    assert "known are n_factors" in refused(capsys, "calibrate", str(ratings), "--set", "factors=2")


def test_rank_prints_a_table_and_keeps_it(capsys, tmp_path, ratings):
    out = tmp_path / "ranking"
    asked = ["rank", str(ratings), "--negatives", "all", "--agents", "popularity", "content"]
    asked += ["--k", "3", "5", "--seeds", "2", "--agent-set", "popularity.by=reward"]
    assert main([*asked, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "1,000 rows of 40 people and 60 items" in printed
    assert "HR@3" in printed and "coverage@5" in printed
    assert "left out: content: Content needs item features" in printed
    rows = [line.split()[0] for line in printed.splitlines() if "±" in line]
    assert sorted(rows[:2]) == sorted(rows[2:4]) == ["popularity", "random"]
    assert {path.name for path in out.iterdir()} == {
        "rows.csv",
        "ranking.md",
        "settings.json",
        "versions.json",
    }
    assert '"by": "reward"' in (out / "settings.json").read_text()
    kept = (out / "rows.csv").read_bytes()
    assert main([*asked, "--out", str(out)]) == 0
    assert (out / "rows.csv").read_bytes() == kept
    changed = [*asked[:-1], "popularity.by=count", "--out", str(out)]
    said = refused(capsys, *changed)
    assert 'popularity.by="count", there "reward"' in said and "--overwrite" in said
    assert (out / "rows.csv").read_bytes() == kept
    assert main([*changed, "--overwrite"]) == 0
    assert (out / "rows.csv").read_bytes() != kept


def test_rank_splits_by_time_and_keeps_nothing_unasked(capsys, tmp_path, ratings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["rank", str(ratings), "--protocol", "time", "--held-out", "0.2", "--seeds", "1"]
    assert main([*asked, "--agents", "random"]) == 0
    assert "the latest 20 % of all rows are held out" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [ratings]


@pytest.mark.parametrize("command", ["rank", "calibrate"])
def test_what_was_taken_for_what_is_always_printed(capsys, tmp_path, ratings, command, monkeypatch):
    def stop(*_args, **_options):
        raise ValueError("far enough")

    monkeypatch.setattr("recsim_env.data.calibrate", stop)
    monkeypatch.setattr("recsim_env.benchmark.ranking.study.rank", stop)
    text = ratings.read_text().replace("rating", "liking", 1)
    ratings.write_text(text, encoding="utf-16")
    asked = [command, str(ratings), "--rating", "liking", "--out", str(tmp_path / "made")]
    assert "has no column 'nothing'" in refused(capsys, *asked, "--item", "nothing")
    assert main(asked) == 2
    printed, error = capsys.readouterr()
    assert "far enough" in error
    printed = " ".join(printed.split())
    assert "1,000 rows, 1,000 used user from 'user' (40 different)" in printed
    assert "rating from 'liking' (1 to 5, 5 different); time from 'timestamp' (seconds" in printed
    assert "read as utf-16" in printed


def test_impossible_rankings_are_one_line(capsys, ratings):
    log, brief = str(ratings), ["--seeds", "1"]
    assert "protocol time only" in refused(capsys, "rank", log, "--held-out", "0.2")
    few = refused(capsys, "rank", log, "--negatives", "50", "--agents", "popularity", *brief)
    assert "negatives=50 exceeds the 35 items that anybody never consumed" in few
    time = refused(capsys, "rank", log, "--protocol", "time", "--negatives", "9", *brief)
    assert "negatives=9 is not allowed; use all with protocol time" in time
    among_all = ["--negatives", "all", *brief]
    wrong = refused(capsys, "rank", log, "--agents", "nobody", *among_all)
    assert "agent 'nobody' is neither a file nor a known name" in wrong
    assert "ask for fewer" in refused(capsys, "rank", log, "--min-user", "26", *brief)


def test_numbers_of_a_file_are_read_as_those_of_the_command_line(tmp_path):
    file = tmp_path / "benchmark.toml"
    text = 'interactions = 1e3\nbins = "1_0"\n[scenarios.Boredom]\nn_items = 1e2\n'
    file.write_text(text + '[agents.linucb]\nalpha = "0.5"\nridge = 2\n', encoding="utf-8")
    settings = BenchmarkSettings.from_toml(file)
    assert (settings.interactions, settings.bins) == (1_000, 10)
    assert settings.scenarios["recsim_env/Boredom-v0"] == {"n_items": 100}
    assert settings.agents["linucb"] == {"alpha": 0.5, "ridge": 2}
    for wrong in ("interactions = 1.5", "interactions = nan", "interactions = '5,00'"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match=r"benchmark\.toml: "):
            BenchmarkSettings.from_toml(file)


def test_runs_that_were_not_asked_for_are_told_agent_by_agent():
    foreign = [(scenario, "ucb", seed) for scenario in ("A", "B") for seed in (0, 1)]
    outcome = SimpleNamespace(foreign=[*foreign, ("A", "dqn", 0)])
    assert _others(outcome) == "dqn in A, ucb in 2 scenarios"
