"""`recsim-env ope`: a log is written by commands, and judges policies beside the truth."""

import csv
import json
import re

import numpy as np
import pytest

from recsim_env.cli import main
from recsim_env.results.table import ResultTable
from recsim_env.results.trials import TRIALS

pytestmark = pytest.mark.learns

PEOPLE = ["--set", "n_users=30", "--set", "n_items=40", "--set", "n_candidates=5"]
PEOPLE += ["--set", "slate_size=2", "--set", "max_slates=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with a log of two policies, as .npz and as .csv."""
    found = tmp_path_factory.mktemp("judging")
    for name in ("log.npz", "log.csv"):
        asked = ["log", "RatedCatalogue", "uniform", "popularity", *PEOPLE, "--learn", "200"]
        assert main([*asked, "--interactions", "400", "--out", str(found / name)]) == 0
    return found


def refused(capsys, *arguments):
    assert main(["ope", *map(str, arguments)]) != 0
    return capsys.readouterr().err


def test_a_log_of_two_policies_tells_whose_each_slate_is_and_judges_a_third(folder, capsys):
    capsys.readouterr()
    out = folder / "judged"
    asked = [str(folder / "log.npz"), "--policy", "uniform", "--policy", "content"]
    assert main(["ope", *asked, "--learn", "200", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "by Uniform, Popularity" in said
    assert "reward of a session; truly" in said
    with (out / "estimates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["policy"] for row in rows} == {"uniform", "content"}
    assert {row["per"] for row in rows} == {"slate", "session"}
    assert {"ips", "iips", "rips", "dr", "fqe"} <= {row["estimator"] for row in rows}
    assert (out / "content-slate.png").is_file()
    assert (out / "content-clipping.png").is_file()
    assert "weights of slates: mean 1.0" in said
    assert "which to deploy\n by the reward of a slate: by the log alone (dr), deploy " in said
    with (out / "selection.csv").open(encoding="utf-8", newline="") as file:
        chosen = {(row["per"], row["estimator"]): row for row in csv.DictReader(file)}
    for row in chosen.values():
        assert 0.0 <= float(row["regret_share"]) <= 1.0
        assert (row["policy"] == row["best_policy"]) == (float(row["regret"]) == 0.0)
    assert "replace it with --overwrite" in refused(capsys, *asked, "--out", out)


def test_a_log_of_two_policies_is_weighed_by_their_mixture(tmp_path, capsys):
    path, agent = str(tmp_path / "two.npz"), str(tmp_path / "linucb.agent")
    asked = ["--interactions", "300", "--set", "horizon=1"]
    assert main(["train", "WheelBandit", "linucb", *asked, "--out", agent]) == 0
    assert main(["log", "WheelBandit", "uniform", agent, *asked, "--out", path]) == 0
    judged = ["ope", path, "--policy", "content", "--no-truth", "--estimators", "ips"]
    loggers = ["--logged-by", "uniform", "--logged-by", agent]
    capsys.readouterr()
    assert main([*judged, *loggers]) == 0
    said = capsys.readouterr().out
    assert "propensities are those of the mixture of uniform, " in said
    mean = float(re.search(r"weights of slates: mean (\S+)", said)[1])
    assert mean == pytest.approx(1.0, abs=0.2)
    wrong = refused(capsys, *judged[1:], *loggers[2:], *loggers[:2])
    assert "Uniform showed the slate of row " in wrong
    assert "in its order: Uniform, LinUCB" in wrong


def test_a_file_of_probabilities_is_judged_as_well_as_the_agent_that_has_them(folder, capsys):
    np.save(folder / "equal.npy", np.full((800, 5), 0.2))
    assert main(["ope", str(folder / "log.npz"), "--policy", str(folder / "equal.npy")]) == 0
    said = capsys.readouterr().out
    assert "\nequal\n weights of slates: " in said
    assert "\n reward of a slate\n" in said


def test_other_libraries_dicts_and_logs_without_propensities_are_judged(tmp_path, capsys):
    rng = np.random.default_rng(0)
    action = rng.integers(0, 3, 300)
    feedback = {"n_actions": 3, "context": rng.normal(size=(300, 2)), "action": action}
    np.savez(tmp_path / "bare.npz", reward=(action == 2) * 1.0, **feedback)
    asked = [str(tmp_path / "bare.npz"), "--from", "obp", "--policy", "uniform"]
    assert "the log has no propensity" in refused(capsys, *asked)
    assert main(["ope", *asked, "--estimate-propensities"]) == 0
    said = capsys.readouterr().out
    assert "mips" not in said
    items = tmp_path / "items.csv"
    items.write_text("action,genre\n0,a\n1,a\n2,b\n", encoding="utf-8")
    embedded = ["--estimate-propensities", "--items", str(items), "--embedding", "genre"]
    assert main(["ope", *asked, *embedded]) == 0
    assert "mips (genre)" in capsys.readouterr().out
    learned = refused(capsys, *asked, "--estimate-propensities", "--learn", "10")
    assert "policies of real people's logs are uniform, or files of probabilities" in learned
    table = tmp_path / "table.csv"
    table.write_text("visit,item,click,p\na,x,1,.5\na,y,0,.5\nb,x,0,.5\n", encoding="utf-8")
    columns = ["session=visit", "propensity=p"]
    np.save(tmp_path / "first.npy", [[1, 0], [0, 1], [1, 0]])
    named = ["--policy", str(tmp_path / "first.npy"), "--columns", *columns]
    assert main(["ope", str(table), *named, "--estimators", "ips", "tis"]) == 0
    told = capsys.readouterr().out
    assert (
        "3 slates of 2 sessions" in told
        and "2 actions, each of which could always be shown, in this order: 'x'" in told
    )
    again = refused(capsys, table, *named, "session=item")
    assert "--columns names session twice; name it once" in again
    assert "name it (--columns propensity=COLUMN)" in refused(capsys, table, "--policy", "uniform")
    assert "the log show no features" in refused(capsys, *asked, embedded[0], *embedded[-2:])
    assert "propensities are estimated: predicted and observed frequencies differ by 0.0" in said
    assert "bare: 300 slates" in said


def test_an_agent_that_learns_is_replayed_beside_the_truth(tmp_path, capsys):
    path = str(tmp_path / "wheel.npz")
    assert main(["log", "WheelBandit", "uniform", "--interactions", "500", "--out", path]) == 0
    assert main(["ope", path, "--policy", "linucb", "--replay"]) == 0
    said = capsys.readouterr().out
    assert "linucb, while learning from " in said and "; truly " in said
    assert "learn as it serves" in refused(capsys, path, "--policy", "uniform", "--replay")
    elsewhere = refused(capsys, path, "--policy", "item_knn", "--learn", "100")
    assert "needs" in elsewhere and elsewhere.count("\n") == 1


def test_what_is_no_log_or_names_nothing_is_one_clear_error(folder, capsys):
    assert "name either a LOG" in refused(capsys, "--policy", "uniform")
    assert "name what to judge by --policy" in refused(capsys, folder / "log.npz")
    assert "holds no candidates" in refused(capsys, folder / "log.csv", "--policy", "uniform")
    looks = refused(capsys, folder / "log.npz", "--policy", "oracle")
    assert "looks into people, whom a log does not hold" in looks


def test_a_study_is_a_page_and_figures_and_goes_on_where_it_was_interrupted(tmp_path, capsys):
    out = tmp_path / "study"
    asked = ["ope", "--study", "RatedCatalogue", *PEOPLE, "--sizes", "10", "20", "--truths", "1"]
    asked += ["--learn", "200", "--policy", "uniform", "--policy", "popularity"]
    asked += ["--slate-sizes", "2", "--out", str(out), "--repeats"]
    assert main([*asked, "3"]) == 0
    page = (out / "study.md").read_text(encoding="utf-8")
    assert page == capsys.readouterr().out.partition("written: ")[0]
    assert page.count("## Reward of a slate: ") == page.count("## Reward of a session: ") == 2
    assert "| chance |" in page
    assert json.loads((out / "settings.json").read_text(encoding="utf-8"))["repeats"] == 3
    table = ResultTable(out, TRIALS)
    before = {key: table.rows(scenario=key[0]) for key in table.config_hashes()}
    assert {row["n_sessions"] for row in table.rows(phase="estimate")} == {10, 20}
    assert len(table.rows(phase="truth")) == 2 * 2
    table.remove_runs([("RatedCatalogue-v0 slate_size=2 horizon=0", "linucb", 1)])
    assert main([*asked, "3"]) == 0
    again = ResultTable(out, TRIALS)
    assert again.config_hashes().keys() == before.keys()
    assert (out / "study.md").read_text(encoding="utf-8") == page
    assert (out / "error-session.png").is_file()
    assert (out / "regret-slate.png").is_file()
    others = [*asked[:-1], "--exploration", "0.5", "--repeats"]
    assert main([*others, "3"]) != 0
    assert "exploration" in capsys.readouterr().err


def test_a_study_of_policies_that_look_into_people_is_refused_before_it_begins(tmp_path, capsys):
    asked = ["--study", "RatedCatalogue", *PEOPLE, "--policy", "oracle", "--out", tmp_path / "x"]
    assert "policy 'oracle' looks into people" in refused(capsys, *asked)
    assert not (tmp_path / "x").exists()


def test_what_a_log_a_study_and_kept_studies_do_not_take_is_refused(folder, capsys):
    log = (folder / "log.npz", "--policy", "uniform")
    for given, said in (
        ((*log, "--repeats", "3"), "these are of --study alone; leave out --repeats"),
        ((*log, "--replay", "--out", folder / "x"), "--replay prints .* leave out --out"),
        (("--study", "Boredom", "--embedding", "topic"), "--study writes .* leave out --embedding"),
        (("--studies", folder, "--set", "horizon=3"), "--studies prints .* leave out --set"),
        ((*log, "--estimators", "mips"), "the log allows none of mips"),
        ((*log, "--estimators", "ips", "mips"), "the log allows none of mips; leave them out"),
        ((*log, "--learn", "9", "--estimators", "snip"), "unknown.* did you mean 'snips'"),
        ((*log, "--estimators", "ips", "--items", "x.csv"), "only .* mips .* leave out --items"),
        ((*log, "--replay", "--learn", "9"), "--replay prints .* leave out --learn"),
        (("--study", "Boredom", "--logged-by", "linucb"), "--study .* leave out --logged-by"),
        (("--studies", folder, "--logged-by", "linucb"), "--studies .* leave out --logged-by"),
        ((*log, "--encoding", "latin-1"), "no table of one's own; leave out encoding"),
        (("--studies", folder, "--estimators", "snip"), "unknown.* did you mean 'snips'"),
        ((*log, "--embedding", "feature"), "judges single items, and the log has slates of 2"),
    ):
        assert re.search(said, refused(capsys, *given)), given
