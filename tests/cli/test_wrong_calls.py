"""Whatever is wrong with a request, or befalls it, is one line and the right exit status."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from recsim_env.cli import main

MINE = "from recsim_env.agents.references.uniform import Uniform\nclass Mine(Uniform): ...\n"

OWN = {
    "mine.py": MINE,
    "raising.py": "raise RuntimeError('not today')\n",
    "leaving.py": "import sys\nsys.exit(3)\n",
    "unparsable.py": "class Half(:\n",
    "needing.py": "import a_module_that_nobody_has\n",
    "dividing.py": "1 / 0\n",
    "abstract.py": (
        "from recsim_env.agents import Agent\nclass Half(Agent):\n    def learn(self): ...\n"
    ),
    "dying.py": (
        "from recsim_env.agents.references.uniform import Uniform\n"
        "class AtBirth(Uniform):\n"
        "    def __init__(self, env, **settings): raise KeyError('no key')\n"
        "class AtWork(Uniform):\n"
        "    def learn(self, *arguments, **settings): return 1 / 0\n"
        "class OfMemory(Uniform):\n"
        "    def learn(self, *arguments, **settings): raise MemoryError\n"
        "class OfDepth(Uniform):\n"
        "    def learn(self, *arguments, **settings): return self.learn()\n"
    ),
    "random.py": MINE,
    "not-a-name.py": "",
    "shop.py": (
        "from dataclasses import dataclass\n"
        "from recsim_env.core.scenario import Scenario\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Needy(Scenario):\n    size: int\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Strict(Scenario):\n"
        "    def __post_init__(self): raise ValueError('closed today')\n"
    ),
}
TOML = {
    "broken.toml": b"seeds = = 3\n",
    "latin.toml": "# café\nseeds = 3\n".encode("latin-1"),
    "zeros.toml": bytes(100),
    "deep.toml": b"a = " + b"[" * 20_000,
    "seeds.toml": b"seeds = 'many'\n",
    "seeds2.toml": b"seeds = [0.5]\n",
    "scenarios.toml": b"scenarios = 3\n",
    "scenarios2.toml": b"[scenarios]\nBoredom = 3\n",
    "scenarios3.toml": b"[scenarios.X]\nscenario = 3\n",
    "agents.toml": b"agents = [1, 2]\n",
    "agents2.toml": b"[agents.x]\nagent = ['linucb']\n",
    "agents3.toml": b"[agents.linucb]\nalpha = 'much'\n",
    "jobs.toml": b"jobs = 1.5\n",
    "interactions.toml": b"interactions = 1979-05-27\n",
    "interactions2.toml": b"interactions = nan\n",
    "bins.toml": b"[bins]\nn = 3\n",
    "unknown.toml": b"interaction = 100\n",
    "empty_agents.toml": b"agents = {}\nscenarios = []\n",
}

SCENARIO, AGENT = "BernoulliBandit", "ucb"
TRAIN = ("train", SCENARIO, AGENT, "--interactions", "64")
BRIEF = ("--interactions=64", "--jobs=1", "--episodes=4", "--seeds=1")
BENCHMARK = ("benchmark", SCENARIO, "--agents", AGENT, *BRIEF)
LONG = "n" * 300

CALLS = [
    # Words
    "",
    "bench",
    "Run",
    "run",
    "run Nowhere",
    "run bernoullibandit",
    "run BernoulliBandit-v9",
    "run recsim_env/",
    "run me/CoffeeShop-v0",
    "run BernoulliBandit UCB",
    "run BernoulliBandit nobody",
    "run BernoulliBandit ucb ucb",
    "run BernoulliBandit --sed 1",
    "run BernoulliBandit --seeds 1",
    "run BernoulliBandit --seed",
    "run BernoulliBandit --episode 2",
    "evaluate BernoulliBandit",
    "evaluate BernoulliBandit ucb Uniform",
    "evaluate BernoulliBandit ials",
    "scenarios Nowhere",
    "scenarios linucb",
    "agents Boredom",
    "agents LINUCB",
    "plot --out x",
    # Numbers
    *(f"run BernoulliBandit --seed {each}" for each in ("-1", "1.5", "x", "nan", "1e400", "1,5")),
    *(f"run BernoulliBandit ucb --learn {each}" for each in ("-1", "2.5", "inf", "1e19")),
    *(f"run BernoulliBandit --episodes {each}" for each in ("0", "-1", "5,00", "none")),
    "train BernoulliBandit ucb --interactions 0",
    "train BernoulliBandit ucb --num-envs 0",
    "train BernoulliBandit ucb --threads 0.5",
    "evaluate BernoulliBandit ucb --episodes 150",
    "evaluate BernoulliBandit ucb --episodes 1e18",
    "speed BernoulliBandit --seconds 0",
    "speed BernoulliBandit --seconds nan",
    "speed BernoulliBandit --batch 0",
    "speed Nowhere",
    "ablate Nowhere",
    "ablate BernoulliBandit --seeds 0",
    "ablate BernoulliBandit --episodes 150",
    # Settings
    *(f"run BernoulliBandit --set {each}" for each in ("n_items", "=3", "colour=red", "n_items=x")),
    *(f"run BernoulliBandit --set n_items={each}" for each in ("1.5", "1,5", "nan", "-1", "1e30")),
    "run BernoulliBandit --set slate_size=10000",
    "run BernoulliBandit ucb --agent-set alpha",
    "run BernoulliBandit ucb --agent-set colour=red",
    "run BernoulliBandit ucb --agent-set discount=much",
    "run BernoulliBandit ucb --agent-set discount=7",
    # Classes
    *(f"agents {each}:Mine" for each in ("raising", "leaving.py", "unparsable", "needing.py")),
    *(f"agents {each}:Mine" for each in ("dividing", "random.py", "not-a-name.py", "nothere.py")),
    *(f"agents {each}" for each in ("os.path:join", "collections:OrderedDict", "mine:mine", ":X")),
    *(f"agents {each}" for each in ("mine.py", "mine:", "a-folder:Mine", "a/b:Mine", "..:Mine")),
    "agents abstract:Half",
    "run BernoulliBandit dying:AtBirth",
    "run BernoulliBandit dying:AtWork --learn 5",
    "run BernoulliBandit dying:OfMemory --learn 5",
    "run BernoulliBandit dying:OfDepth --learn 5",
    "run BernoulliBandit shop:Needy",
    "run mine:Mine",
    "run raising:Shop",
    "run shop:Needy",
    "run shop.py:Strict",
    "run recsim_env.core.scenario:Scenario",
    "scenarios shop:Needy",
    # Files
    *(
        f"run BernoulliBandit {each}"
        for each in ("a-folder", "a-file", "dangling", "loop", "mine.py")
    ),
    *((*TRAIN, "--out", each) for each in ("a-folder", "a-file/x", "dangling/x", "loop", "", LONG)),
    *(
        (*TRAIN, "--out", each)
        for each in ("/dev/null", "/dev/full", "/proc/x/y", "a-file", "a\0b")
    ),
    "train BernoulliBandit nobody",
    "train BernoulliBandit LinUCB",
    "train BernoulliBandit linucb",
    "train BernoulliBandit a-file",
    (*TRAIN, "--tensorboard", "a-file"),
    (*TRAIN, "--log", "nothere.npz"),
    (*TRAIN, "--log", "a-folder"),
    ("train", "Boredom", "bc", "--log", "nothere.npz"),
    ("train", "Boredom", "bc", "--log", "a-folder"),
    ("train", "Boredom", "bc", "--log", "a-file.npz"),
    "log RatedCatalogue uniform --out x.txt",
    "log RatedCatalogue uniform --interactions 20 --out folder.csv",
    "log RatedCatalogue uniform --interactions 20 --out a-file/x.csv",
    "log RatedCatalogue uniform --interactions 20 --out dangling/x.csv",
    "log InterestEvolution uniform --out x.csv",
    *(
        (*BENCHMARK, "--out", each)
        for each in ("a-file", "a-file/x", "dangling", "/dev/null", LONG)
    ),
    *((*BENCHMARK, "--config", each) for each in ("nothere.toml", "a-folder", "loop", "/dev/zero")),
    *(("benchmark", "--config", each, "--out", "out") for each in TOML),
    *(f"benchmark --seeds {each} --out out" for each in ("0", "5000", "1 1", "-1", "1.5")),
    *(f"benchmark --jobs {each} --out out" for each in ("0", "-2", "x")),
    "benchmark --interactions 10 --out out",
    "benchmark --episodes 150 --out out",
    "benchmark --agents nobody --out out",
    "benchmark --agents raising:Mine --out out",
    "benchmark --agents os.path:join --out out",
    "benchmark --agent-set alpha=1 --out out",
    "benchmark --agent-set nobody.alpha=1 --out out",
    "benchmark --agent-set linucb.alpha=x --out out",
    "benchmark --agent-set linucb.beta=1 --out out",
    "benchmark --set n_day=1 --out out",
    "benchmark a-file --out out",
    *(f"plot {each}" for each in ("nothere", "a-file", "a-folder", "dangling", "loop")),
    "ablate BernoulliBandit --out a-file",
    *(
        f"rank {each}"
        for each in ("nothere.csv", "a-folder", "a-file", "empty.csv", "loop", "header.csv")
    ),
    *(
        f"rank ratings.csv {each}"
        for each in ("--out ''", "--negatives 0", "--held-out 2", "--k 0", "--user x")
    ),
    *(f"rank ratings.csv {each}" for each in ("--agents nobody", "--protocol Time", "--seeds 3 3")),
    "rank ratings.csv --negatives all --agents ials --agent-set ials.n_factors=x",
    "rank ratings.csv --negatives all --agents ials --agent-set ials.n_factors=0",
    *(f"rank ratings.csv {each}" for each in ("--out a-file", "--agent-set ials.x=1", "--jobs 0")),
    *(f"calibrate {each}" for each in ("nothere.csv", "a-folder", "a-file", "empty.csv", "loop")),
    *(
        f"calibrate ratings.csv {each}"
        for each in ("--out a-file", "--set factors=2", "--set seed=3", "--rating x")
    ),
    *(f"calibrate ratings.csv --set {each}" for each in ("n_factors=x", "n_factors=0", "seed=-1")),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with files of all kinds."""
    monkeypatch.chdir(tmp_path)
    for name, text in OWN.items():
        Path(name).write_text(text, encoding="utf-8")
    for name, content in TOML.items():
        Path(name).write_bytes(content)
    for name in ("a-folder", "folder.csv"):
        Path(name).mkdir()
    for name in ("a-file", "a-file.npz"):
        Path(name).write_bytes(b"nothing\xff\x00 of use\n")
    Path("empty.csv").write_bytes(b"")
    Path("header.csv").write_bytes(b"user,item,rating\n")
    rows = (f"{user},{item},{1 + item % 5},{item}" for user in range(30) for item in range(30))
    Path("ratings.csv").write_text("user,item,rating,time\n" + "\n".join(rows) + "\n")
    Path("dangling").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    return tmp_path


def outcome(arguments, capsys):
    """Returns what is wrong with how a wrong call ends, and what it said."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException as error:
        return f"{type(error).__name__} escapes", str(error)
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line.strip()]
    if status not in (1, 2):
        return f"exit status {status}", said
    if len(lines) != 1:
        return f"{len(lines)} lines", said
    if not lines[0].startswith("recsim-env: error: "):
        return "another beginning", said
    if "a fault of recsim-env" in lines[0]:
        return "taken for a fault of ours", said
    return "", said


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call)[:60])
def test_a_wrong_call_is_one_line(call, folder, capsys):
    before = {path: path.lstat().st_mtime_ns for path in folder.iterdir()}
    arguments = call.split() if isinstance(call, str) else list(call)
    fault, said = outcome(arguments, capsys)
    assert not fault, said
    assert {path: path.lstat().st_mtime_ns for path in folder.iterdir()} == before


ROOM = [
    (*TRAIN, "--out", "new.agent"),
    ("log", "RatedCatalogue", "uniform", "--interactions", "200", "--out", "new.csv"),
    ("log", "RatedCatalogue", "uniform", "--interactions", "200", "--out", "new.npz"),
    (*BENCHMARK, "--out", "new"),
    ("rank", "many.csv", "--negatives", "all", "--agents", "popularity", "--out", "new"),
    ("calibrate", "many.csv", "--out", "new"),
    ("ablate", SCENARIO, *BRIEF, "--out", "new"),
]


def without_room():
    """Lets no file of this process grow beyond half a kilobyte, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))


@pytest.mark.slow
@pytest.mark.parametrize("call", ROOM, ids=lambda call: " ".join(call)[:40])
def test_a_full_disk_is_one_line_and_leaves_no_drafts(call, folder):
    rows = (
        f"{user},{item},{1 + (user * item) % 5}"
        for user in range(60)
        for item in range(user % 9, 80, 2)
    )
    Path("many.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "recsim_env", *call],
        capture_output=True,
        encoding="utf-8",
        preexec_fn=without_room,
        timeout=300,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("recsim-env: ")]
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1 and "File too large" in lines[0] and "new" in lines[0]
    assert "Traceback" not in done.stderr
    assert not list(folder.rglob("*.draft"))
