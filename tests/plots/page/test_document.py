"""The page is complete in itself, says what the table says, and runs nothing that a name says."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import vl_convert
from markupsafe import Markup

from recsim_env.plots import style, write_page
from recsim_env.plots.page import document, figures
from recsim_env.plots.page.visits import visits_of
from recsim_env.results.table import ResultTable
from tests.plots.conftest import FINAL_RETURNS, SCENARIO, toy_run

HOSTILE = "</script><script>document.title='ran'</script><img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def short_script(monkeypatch):
    """The script of Vega is made in seconds and says nothing here."""
    monkeypatch.setattr(document, "vega", lambda: Markup("window.vegaEmbed = null;"))


def test_page_asks_for_nothing_over_a_network(table, elements):
    found = elements(write_page(table.folder))
    links = {
        attrs[name] for _, attrs, _ in found.found for name in ("src", "href") if name in attrs
    }
    assert links and all(link.startswith("#") for link in links)
    assert found.all("link") == []
    (policy,) = [attrs["content"] for _, attrs, _ in found.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"@import|url\(", "".join(found.texts("style")))


def test_browser_may_run_the_scripts_of_the_page_and_no_others(table, elements):
    found = elements(write_page(table.folder))
    (policy,) = [attrs["content"] for _, attrs, _ in found.all("meta") if "http-equiv" in attrs]
    scripts = [text for _, attrs, text in found.all("script") if attrs["type"] == "module"]
    digests = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts
    ]
    assert re.findall(r"'sha256-([^']*)'", policy) == digests
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_same_files_give_the_same_bytes_in_any_folder(table, tmp_path):
    first = write_page(table.folder).read_bytes()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(table.folder, elsewhere, ignore=shutil.ignore_patterns("report.html"))
    assert write_page(elsewhere).read_bytes() == first
    assert write_page(table.folder).read_bytes() == first


def test_leaderboard_says_what_the_table_says(table, elements):
    found = elements(write_page(table.folder))
    assert found.texts("h1") == ["Benchmark: Toy-v0"]
    rows = [
        text
        for text, (_, attrs, _) in zip(found.texts("th"), found.all("th"), strict=True)
        if attrs["scope"] == "row"
    ]
    assert rows == ["oracle", "ials", "popularity", "uniform"]
    cells = found.texts("td")
    assert cells[7:14] == ["2", "16.0 [9.4, 22.6]", "0.4000", "", "0.2500", "2.000", "2.0"]
    caption = " ".join(found.texts("span"))
    assert "1,000 interactions" in caption and "3 seeds" in caption and "95 % Student t" in caption


def test_settings_that_were_left_alone_are_not_told(table, elements):
    table.write_settings({"until_decided": None, "seeds": 3}, {})
    cells = elements(write_page(table.folder)).texts("th")
    assert "seeds" in cells and "until_decided" not in cells


def test_every_table_has_a_caption_and_heads(table, elements):
    found = elements(write_page(table.folder))
    assert len(found.all("caption")) == len(found.all("table")) >= 1
    assert all(attrs.get("scope") in ("row", "col") for _, attrs, _ in found.all("th"))
    regions = [attrs for _, attrs, _ in found.all("div") if attrs.get("role") == "region"]
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)


def test_curves_hold_the_means_and_intervals_of_the_table(table, elements):
    data = _json(elements(write_page(table.folder)), "scenario-data-0")
    names = [
        each["name"]
        for each in _json(elements(table.folder / "report.html"), "page-data")["agents"]
    ]
    assert names == ["uniform", "oracle", "popularity", "ials"]
    assert [names[number] for number in data["agents"]] == sorted(
        FINAL_RETURNS, key=FINAL_RETURNS.get, reverse=True
    )
    pairs = {(names[a], names[b]): rest for a, b, *rest in data["pairs"]}
    assert list(pairs) == [("ials", "popularity")], "those that learn, as of the sentence above it"
    assert pairs["ials", "popularity"][:3] == [2, 2, 2]
    (rate,) = [each for each in data["measures"] if each["title"] == "click rate"]
    assert rate["points"][str(names.index("ials"))] == [0.25, 0.25, 0.25]
    (ials,) = [line for line in data["learning"] if names[line["agent"]] == "ials"]
    assert ials["x"] == [500, 1000]
    assert ials["mean"] == [14, 16]
    assert ials["low"][1] == pytest.approx(9.4275, abs=1e-3)
    assert {names[line["agent"]] for line in data["regret"]} == {"uniform", "popularity", "ials"}


def test_names_are_never_markup(tmp_path, elements):
    table = ResultTable(tmp_path)
    for agent, value in {**FINAL_RETURNS, HOSTILE: 13.0}.items():
        for seed in range(2):
            table.append_run(toy_run(agent, seed, value, HOSTILE))
    found = elements(write_page(tmp_path))
    assert found.all("img") == []
    n_data = len(
        [1 for _, attrs, _ in found.all("script") if attrs.get("type") == "application/json"]
    )
    assert len(found.all("script")) == n_data + 5
    assert found.texts("option") == [HOSTILE, "learning", "the session"]
    assert HOSTILE in [each["name"] for each in _json(found, "page-data")["agents"]]


def test_one_seed_is_said_and_no_endless_interval_is_shown(fill, elements):
    found = elements(write_page(fill(FINAL_RETURNS, n_seeds=1).folder))
    assert "One seed gives no interval" in " ".join(found.texts("p"))
    shown = " ".join(text for tag, _, text in found.found if tag not in ("script", "style"))
    assert not re.search(r"∞|\binf\b|\bnan\b", shown, re.IGNORECASE)
    assert _json(found, "scenario-data-0")["learning"][0]["low"] == [None, None]


def test_a_scenario_that_only_failed_is_told(tmp_path, elements):
    row = {"scenario": SCENARIO, "agent": "dqn", "seed": 1, "config_hash": "c0"}
    ResultTable(tmp_path).append_run([{**row, "phase": "failed", "error": "E"}])
    found = elements(write_page(tmp_path))
    assert "No run finished." in found.texts("p")
    assert found.all("table") == []


def test_failures_settings_versions_and_commands_are_told(table, elements):
    row = {"scenario": SCENARIO, "agent": "dqn", "seed": 1, "config_hash": "c0"}
    table.append_run([{**row, "phase": "failed", "error": f"Traceback:\nValueError: {HOSTILE}"}])
    why = {"scenario": SCENARIO, "agent": "svd", "reason": f"it needs {HOSTILE}"}
    settings = {"seeds": [0, 1], "agents": {"ials": {"n_factors": 8}, "uniform": {}}}
    settings |= {"command": "the last", "earlier_commands": ["the first"], "left_out": [why]}
    table.write_settings(settings, {"numpy": "2.4.6"})
    found = elements(write_page(table.folder))
    assert "12 finished and 1 failed runs of 4 agents." in found.texts("p")
    assert "Toy-v0, dqn, seed 1" in found.texts("summary")
    assert found.texts("pre")[0] == f"Traceback:\nValueError: {HOSTILE}"
    assert found.texts("pre")[-1] == "the first\nthe last"
    cells = [*found.texts("th"), *found.texts("td")]
    assert {"0, 1", "n_factors = 8", "as by default", "2.4.6", f"it needs {HOSTILE}"} <= set(cells)
    assert found.all("img") == []


def test_only_sessions_of_one_person_are_set_side_by_side():
    seeds = {"uniform": 7, "oracle": 8, "ials": 7, "gone": 8}
    kept = {"arrival": "Ada", "items": [], "steps": [], "true_state": {}, "is_over": False}
    visits = {(SCENARIO, agent): {**kept, "seed": seed} for agent, seed in seeds.items()}
    visits["recsim_env/Other-v0", "ials"] = {**kept, "seed": 9}
    found = visits_of(visits, SCENARIO, {"uniform": 0, "oracle": 1, "ials": 2})
    assert (found["seed"], found["n_left_out"], sorted(found["of"])) == (7, 1, [0, 2])
    assert visits_of(visits, "recsim_env/None-v0", {"ials": 2}) is None


def test_scenarios_together_are_a_table_of_scores(fill, elements):
    fill(FINAL_RETURNS)
    found = elements(write_page(fill(FINAL_RETURNS, scenario="recsim_env/Other-v0").folder))
    ladder = [attrs for _, attrs, _ in found.all("table") if "ladder" in attrs["class"]]
    assert len(ladder) == 1
    hints = {attrs.get("title") for _, attrs, _ in found.all("td")}
    assert "ials in Other-v0: 0.4000" in hints
    marked = [text for _, attrs, text in found.all("td") if "best" in attrs["class"].split()]
    assert marked == ["0.4000", "0.40", "0.40"]
    assert "2 agents in 2 scenarios, with no run missing." in found.texts("p")
    heads = found.texts("th")
    assert heads.index("ials") < heads.index("popularity")  # by their interquartile means


def test_of_many_agents_the_best_are_shown_at_first(fill, elements):
    ours = [name for name in style.known_agents() if style.family_of(name)][:12]
    table = fill({"uniform": 0.0, "oracle": 50.0} | {name: 10.0 + i for i, name in enumerate(ours)})
    data = _json(elements(write_page(table.folder)), "scenario-data-0")
    assert len(data["agents"]) == 14
    assert len(data["best"]) == 10


def test_figures_are_compiled_without_a_warning(capfd):
    look = {"agent": 0, "name": "a", "color": "var(--agent-0)", "shape": "M0 0L1 1", "dashes": [2]}
    across = {"x_low": 0.5, "x_high": 3, "label": "a", "other": 0, "other_name": "b", "place": 0}
    across |= {"other_place": 1, "fill": "red", "strength": 1, "sign": "+"}
    row = look | across
    rows = [{**row, "x": x, "mean": x, "low": x - 0.5, "high": x + 1} for x in (1, 10, 200)]
    for name, spec in figures.specifications().items():
        compiled = vl_convert.vegalite_to_vega({**spec, "datasets": {"rows": rows}})
        assert "shown" in {each["name"] for each in compiled["signals"]}, name
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize(("n_agents", "n_named"), [(2, 2), (4, 4), (30, 4)])
def test_names_in_one_place_are_written_beside_each_other(n_agents, n_named):
    """Four have room around a marker, and nobody is named in the way of another."""
    page = {
        "agents": [{"name": f"agent{number}", "shape": "", "dashes": []} for number in range(30)]
    }
    points = {str(number): [1.0, 0.0, 2.0] for number in range(30)}
    program = (
        f"global.window = {{}}; {(Path(figures.__file__).parent / 'rows.js').read_text()}"
        f"const metric = {{title: 'm', points: {json.dumps(points)}}};"
        f"const rows = window.pageRows({json.dumps(page)}).measures("
        f"metric, metric, {list(range(n_agents))}, 600, 380);"
        "console.log(JSON.stringify(rows.map(({label, dx, dy}) => [label, dx, dy])))"
    )
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    rows = [tuple(row) for row in json.loads(done.stdout) if row[0]]
    assert len(rows) == len({row[1:] for row in rows}) == n_named


def test_a_missing_package_is_named_with_its_extra(table, monkeypatch):
    for name in ("document", "figures"):
        monkeypatch.delitem(sys.modules, f"recsim_env.plots.page.{name}")
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "recsim-env\[page\]"'):
        write_page(table.folder)
    assert not (table.folder / "report.html").exists()


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no complete run; start a benchmark there"):
        write_page(tmp_path)


def _json(found, name):
    (text,) = [text for _, attrs, text in found.all("script") if attrs.get("id") == name]
    return json.loads(text)
