"""The page in a browser: sorting, switching, hovering, dark, narrow, and without a network."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from recsim_env.plots import style, write_page
from recsim_env.results.metrics import METRIC_ROWS, metric_table
from recsim_env.results.table import ResultTable
from recsim_env.results.visits import write_visit
from tests.plots.conftest import FINAL_RETURNS, SCENARIO, toy_run

pytestmark = pytest.mark.processes

OTHER = "a label</script><img src=x onerror=\"document.title='ran'\">"


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; its tests are skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    service = pytest.importorskip(
        "selenium.webdriver.chrome.service", reason="selenium is not installed"
    )
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium and chromedriver are installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=service.Service(driver))
    opened.set_script_timeout(60)
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Two scenarios, one with a hostile label; an agent of ours and one that is not."""
    table = ResultTable(tmp_path_factory.mktemp("bench"))
    for scenario in (SCENARIO, OTHER):
        for agent, value in {**FINAL_RETURNS, "<b>mine</b>": 11.0}.items():
            for seed in range(3):
                table.append_run(toy_run(agent, seed, value, scenario))
    for agent in FINAL_RETURNS:
        metric_table(table.folder).append_run(measured(agent))
    for agent, likes in (("ials", (0, None, 1)), ("<b>mine</b>", (1,))):
        write_visit(table.folder, visit(agent, likes))
    return write_page(table.folder)


def measured(agent):
    """Metrics of a run: coverage along learning, regret along the session, both at the end."""
    rows = [{"phase": "evaluation", "interactions": n, "coverage": n / 100} for n in (10, 20)]
    rows += [{"phase": "part", "interactions": 20, "from_slate": n, "regret": n} for n in (1, 2)]
    rows.append({"phase": "final", "interactions": 20, "coverage": 0.2, "regret": 3})
    run = {"scenario": SCENARIO, "agent": agent, "seed": 0, "config_hash": "a", "from_slate": 1}
    return [dict.fromkeys(METRIC_ROWS.columns) | run | row for row in rows]


def visit(agent, likes):
    """A session in which the person clicks the place of each step."""
    step = {"person": "Ada (bored)", "slate": [0, 1], "chance": [0.5, None], "outcome": "looked"}
    steps = [
        {**step, "clicked": [] if place is None else [place], "reward": float(place is not None)}
        for place in likes
    ]
    return {
        **{"scenario": SCENARIO, "agent": agent, "seed": 7, "user_id": 3, "is_over": True},
        **{"arrival": "Ada <i>comes</i>", "items": [{"title": "song"}, {"title": "<b>news</b>"}]},
        **{"steps": steps, "true_state": {"mood": [0.5] * len(likes) + [0.25]}},
    }


@pytest.fixture
def page(browser, file):
    """Returns a function that runs JavaScript on the page, newly opened and drawn."""
    screen(browser, 1200)
    browser.get(file.as_uri())
    wait_for(browser, "return document.querySelectorAll('.drawing svg').length === 6")
    yield browser.execute_script
    problems = [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
    assert problems == []


def screen(browser, width, scheme="light", media=""):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def wait_for(browser, condition, seconds=60):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, seconds).until(lambda each: each.execute_script(condition))


def column(browser, place):
    return browser.execute_script(
        "return [...document.querySelectorAll('section.scenario:not([hidden]) tbody tr')]"
        f".map((row) => row.cells[{place}].textContent.trim())"
    )


def click(browser, selector):
    from selenium.webdriver.common.by import By

    element = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


LINES = (
    "return [...document.querySelectorAll('#figure-learning .mark-line path')]"
    ".filter((path) => path.getAttribute('d')).map((path) => path.getAttribute('stroke'))"
)


def test_leaderboard_is_sorted_by_clicking_a_head(browser, page):
    assert column(browser, 1) == ["oracle", "ials", "popularity", "<b>mine</b>", "uniform"]
    click(browser, "section.scenario:not([hidden]) th:nth-child(2) button")
    assert column(browser, 1) == ["<b>mine</b>", "ials", "oracle", "popularity", "uniform"]
    assert page(
        "return [...document.querySelectorAll('section.scenario:not([hidden]) th')]"
        ".map((head) => head.getAttribute('aria-sort'))"
    )[:3] == [None, "ascending", None]
    click(browser, "section.scenario:not([hidden]) th:nth-child(3) button")
    assert column(browser, 1)[0] == "oracle"
    click(browser, "section.scenario:not([hidden]) th:nth-child(3) button")
    assert column(browser, 1)[0] == "uniform"
    click(browser, "section.scenario:not([hidden]) th:nth-child(7) button")
    assert column(browser, 6)[-1] == "–"  # what says nothing comes last


def test_agents_are_switched_off_and_on(browser, page):
    assert len(page(LINES)) == 5
    click(browser, "#switches input[value='0']")  # uniform
    wait_for(browser, LINES + ".length === 4")
    assert "var(--agent-0)" not in page(LINES)
    click(browser, "[data-switch=none]")
    wait_for(browser, LINES + ".length === 0")
    click(browser, "[data-switch=all]")
    wait_for(browser, LINES + ".length === 5")


def test_hovering_tells_the_interval(browser, page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    figure = browser.find_element(By.CSS_SELECTOR, "#figure-regret .drawing svg")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", figure)
    ActionChains(browser).move_to_element(figure).perform()
    told = wait_for(browser, "return document.querySelector('#told:not([hidden])')?.innerText")
    assert re.search(r"mean\s+[\d.]+\s+interval\s+[\d.]+ to [\d.]+$", told), told
    assert page("return document.querySelector('#told b')") is None


def test_matrix_tells_who_earns_more_of_each_pair(browser, page):
    cells = page(
        "return [...document.querySelectorAll('#figure-pairs .mark-rect path')]"
        ".map((cell) => cell.getAttribute('fill'))"
    )
    assert sorted(map(cells.count, set(cells))) == [
        3,
        3,
    ]  # luck is shared: all pairs that learn are shown
    click(browser, "#figure-pairs summary")
    told = wait_for(browser, "return document.querySelector('#figure-pairs .numbers').innerText")
    assert "ials\tpopularity\t2.000\t2.000 to 2.000\t< 0.001" in told
    assert "popularity\tials\t−2.000\t−2.000 to −2.000\t< 0.001" in told


def test_metrics_are_chosen_and_kept_in_the_next_scenario(browser, page):
    from selenium.webdriver.support.ui import Select

    titles = "return [...document.querySelectorAll('#figure-measures .role-axis-title text')]"
    titles += ".map((title) => title.textContent)"
    assert set(page(titles)) == {"return (reward per episode)", "regret"}
    Select(browser.find_element("id", "measure-y")).select_by_visible_text("wall seconds")
    wait_for(browser, f"return (() => {{ {titles} }})().includes('wall seconds')")
    Select(browser.find_element("id", "scenario-choice")).select_by_index(1)
    assert page("return document.getElementById('measure-y').selectedOptions[0].text") == (
        "wall seconds"
    )


def test_a_metric_is_followed_along_learning_and_the_session(browser, page):
    from selenium.webdriver.support.ui import Select

    offered = "return [...document.querySelectorAll('#metric-choice option')].map((o) => o.text)"
    lines = "return document.querySelectorAll('#figure-metric .mark-line path').length"
    assert page(offered) == ["coverage"] and page(lines) == len(FINAL_RETURNS)
    Select(browser.find_element("id", "metric-along")).select_by_visible_text("the session")
    assert page(offered) == ["regret"]
    told = "#figure-metric .numbers th"
    click(browser, "#figure-metric summary")
    wait_for(browser, f"return document.querySelectorAll('{told}').length > 0")
    heads = page(f"return [...document.querySelectorAll('{told}')].map((head) => head.textContent)")
    assert heads == ["agent", "slate of the episode", "mean", "interval"]


def test_numbers_of_a_figure_are_read_without_hovering(browser, page):
    click(browser, "#figure-learning summary")
    told = wait_for(browser, "return document.querySelector('#figure-learning .numbers').innerText")
    assert "ials\t1,000\t16.00\t9.428 to 22.57" in told


def test_one_session_is_stepped_through_with_the_keyboard(browser, page):
    from selenium.webdriver.common.keys import Keys

    articles = "return [...document.querySelectorAll('#session-columns article')]"
    articles += ".map((each) => each.innerText)"
    kept = [text for text in page(articles) if "No session is kept" not in text]
    assert [text.split("\n")[0].strip() for text in kept] == ["ials", "<b>mine</b>"]
    assert "song ✓ clicked 50\u00a0%" in kept[0] and "<b>news</b> ✓ clicked" in kept[1]
    assert "mood\n0.5000 → 0.2500" in kept[1] and "mood" not in kept[0]
    assert "Ada <i>comes</i>." in page("return document.getElementById('session-about').innerText")
    columns = browser.find_element("id", "session-columns")
    columns.send_keys(Keys.ARROW_RIGHT)
    wait_for(browser, "return document.getElementById('session-output').value === 'slate 2 of 3'")
    kept = [text for text in page(articles) if "No session is kept" not in text]
    assert "Reward 0, so far 1" in kept[0] and "The session ended after slate 1." in kept[1]
    columns.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert page("return document.getElementById('session-output').value") == "slate 2 of 3"
    click(browser, "#switches input[value='3']")  # ials
    kept = [text for text in page(articles) if "No session is kept" not in text]
    assert len(kept) == 1


def test_another_scenario_is_chosen_with_the_keyboard(browser, page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.find_element(By.ID, "scenario-choice").send_keys(Keys.ARROW_DOWN)
    shown = "return document.querySelector('section.scenario:not([hidden]) h3').textContent"
    wait_for(browser, shown + f".startsWith({OTHER!r})")
    assert browser.title.startswith("Benchmark: Toy-v0, a label</script>")  # which did not run
    wait_for(browser, LINES + ".length === 5")
    told = page("return document.getElementById('session').innerText")
    assert "No sessions are kept in the folder." in told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_agents_and_text_follow_light_and_dark(browser, page, scheme):
    screen(browser, 1200, scheme)
    background = page("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    oracle = page(
        "return getComputedStyle(document.querySelector("
        "\"#figure-learning .mark-line path[stroke='var(--agent-1)']\")).stroke"
    )
    assert oracle == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]


def test_paper_folds_nothing(browser, page):
    page("window.dispatchEvent(new Event('beforeprint'))")
    assert page("return document.querySelector('details.folded:not([open])')") is None
    screen(browser, 720, media="print")
    assert page("return document.documentElement.scrollWidth") <= 720


def test_paper_is_light_also_from_a_dark_screen(browser, page):
    screen(browser, 1200, "dark", media="print")
    assert page("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_page_is_never_wider_than_the_screen(browser, page, file, width):
    screen(browser, width)
    browser.get(file.as_uri())
    wait_for(browser, "return document.querySelectorAll('.drawing svg').length === 6")
    assert page("return document.documentElement.scrollWidth") <= width


def test_another_process_writes_the_same_bytes(file):
    before = file.read_bytes()
    program = f"from recsim_env.plots import write_page; write_page({str(file.parent)!r})"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == before


def test_nothing_is_asked_of_a_network(browser, page):
    asked = "return performance.getEntriesByType('resource').map((each) => each.name)"
    assert page(asked) == []
    assert style.short_name(SCENARIO) in browser.title
