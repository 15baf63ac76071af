"""`recsim-env train`: what was learned survives, and a run that was stopped ends as any other."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.bandits.linear_bandit import LinUCB
from recsim_env.benchmark.tracking import TRACKERS
from recsim_env.benchmark.training import TrainingRun
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.array_file import read_arrays, write_arrays
from recsim_env.scenarios.interest_evolution import InterestEvolution

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
SMALL = ["--set", "n_topics=4", "--set", "time_budget=20", "--num-envs", "4"]
TRAIN = ["train", "InterestEvolution", "linucb", *SMALL, "--checkpoint-every", "100"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *arguments):
    """Returns the one line that a wrong request prints."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def content(path):
    """Returns the arrays and values of an agent's file."""
    arrays, values = read_arrays(path, kind="agent", version=1)
    return {name: plain(array) for name, array in arrays.items()}, values


def plain(array):
    """Returns an array as lists; of records without what lies between their fields."""
    fields = array.dtype.names
    return {name: plain(array[name]) for name in fields} if fields else array.tolist()


def interrupted_after(monkeypatch, n_checkpoints, number=signal.SIGINT):
    """Lets Ctrl-C come while the agent learns, so many checkpoints after the start."""
    learn = TrainingRun.learn

    def stopping(self, agent, interactions, callback=None, **options):
        pieces = learn(self, agent, interactions, lambda _: steps.append(1) or stop(), **options)
        steps, n_saved = [], 0

        def stop():
            if n_saved == n_checkpoints and len(steps) == 4:
                signal.raise_signal(number)

        for piece in pieces:
            n_saved, steps = n_saved + 1, []
            yield piece

    monkeypatch.setattr(TrainingRun, "learn", stopping)


@pytest.fixture(autouse=True)
def interruptible():
    """Lets Ctrl-C come, though the tests may run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("agent", ["linucb", "content", "dqn"])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(agent, capsys, monkeypatch):
    if agent == "dqn":
        pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    train = ["train", "InterestEvolution", agent, *SMALL, "--set", "n_items=50"]
    train += ["--interactions", "1_500"]
    assert main([*train, "--out", "whole.agent"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        interrupted_after(patch, 3)
        assert main([*train, "--out", "halved.agent"]) == 130
    said = capsys.readouterr().err
    n_saved = content("halved.agent")[1]["num_timesteps"]
    assert 450 < n_saved < 500  # 16 steps after the third checkpoint
    assert f"halved.agent holds what {n_saved} interactions taught; the same command" in said
    assert main([*train, "--out", "halved.agent", "--resume"]) == 0
    assert f"going on after {n_saved} interactions" in capsys.readouterr().out
    assert content("halved.agent") == content("whole.agent")


def test_more_interactions_go_on_with_a_finished_run(capsys):
    assert main([*TRAIN, "--interactions", "400", "--out", "whole.agent"]) == 0
    assert main([*TRAIN, "--interactions", "200", "--out", "halves.agent"]) == 0
    resume = ["train", "InterestEvolution", "linucb", *SMALL, "--resume", "--out", "halves.agent"]
    assert main([*resume, "--interactions", "400"]) == 0  # the checkpoints stay as they were
    assert content("halves.agent") == content("whole.agent")
    assert main([*resume, "--interactions", "300"]) == 0
    assert "has learned from 40" in capsys.readouterr().out


def test_an_interrupt_before_the_first_checkpoint_loses_nothing_either(capsys, monkeypatch):
    assert main([*TRAIN, "--interactions", "200", "--out", "whole.agent"]) == 0
    with monkeypatch.context() as patch:
        interrupted_after(patch, 0)
        assert main(TRAIN) == 130
    assert "linucb.agent holds what 16 interactions taught" in capsys.readouterr().err
    assert main([*TRAIN, "--interactions", "200", "--resume"]) == 0
    assert content("linucb.agent") == content("whole.agent")


def test_a_second_interrupt_does_not_wait(capsys, monkeypatch):
    learn = LinUCB.update

    def twice(self, feedback):
        learn(self, feedback)
        if self.num_timesteps == 20:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(LinUCB, "update", twice)
    assert main(TRAIN) == 130
    assert "nothing was learned yet" in capsys.readouterr().err
    assert not list(Path.cwd().iterdir())


def test_a_run_that_is_terminated_is_saved_and_then_ends_as_it_would_have(monkeypatch):
    ended = []
    before = signal.signal(signal.SIGTERM, lambda number, _: ended.append(number) or sys.exit(5))
    try:
        interrupted_after(monkeypatch, 1, signal.SIGTERM)
        with pytest.raises(SystemExit):
            main([*TRAIN, "--interactions", "200"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == [signal.SIGTERM]
    assert 100 < content("linucb.agent")[1]["num_timesteps"] < 200


def test_what_is_overwritten_stays_until_there_is_something_else(capsys, monkeypatch):
    assert main([*TRAIN, "--interactions", "200"]) == 0
    before = Path("linucb.agent").read_bytes(), Path("linucb.agent.json").read_bytes()

    def failing(self, *arguments, **options):
        assert Path("linucb.agent").read_bytes() == before[0]
        raise ValueError("no learning today")

    with monkeypatch.context() as patch:
        patch.setattr(LinUCB, "learn", failing)
        assert "no learning today" in refused(capsys, *TRAIN, "--seed", "1", "--overwrite")
    assert (Path("linucb.agent").read_bytes(), Path("linucb.agent.json").read_bytes()) == before
    assert main([*TRAIN, "--seed", "1", "--interactions", "100", "--overwrite"]) == 0
    assert json.loads(Path("linucb.agent.json").read_text(encoding="utf-8"))["seed"] == 1


def listen_to_signals():
    """Lets a process be interrupted, though the tests may run in the background, which cannot."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_signal_leaves_the_last_checkpoint_whole(in_a_folder_of_its_own):
    file = in_a_folder_of_its_own / "linucb.agent"
    command = [sys.executable, "-m", "recsim_env", *TRAIN, "--out", str(file)]
    running = subprocess.Popen(
        [*command, "--interactions", "10_000_000"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=listen_to_signals,
    )
    try:
        deadline = time.monotonic() + 120
        while not file.exists() and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "the same command with --resume" in said
    assert "Traceback" not in said
    n_saved = content(file)[1]["num_timesteps"]
    assert n_saved >= 100
    beside = [f"{file.name}.csv", f"{file.name}.json"]
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, *beside]


def test_an_agent_is_not_replaced_unasked(capsys):
    assert main([*TRAIN, "--interactions", "200"]) == 0
    before = content("linucb.agent")
    said = refused(capsys, *TRAIN, "--seed", "1", "--interactions", "300")
    assert "--resume goes on with it, --overwrite replaces it" in said
    assert "known are" in refused(capsys, *TRAIN, "--overwrite", "--agent-set", "beta=1")
    assert content("linucb.agent") == before
    assert main([*TRAIN, "--seed", "1", "--interactions", "300", "--overwrite"]) == 0
    assert 300 <= content("linucb.agent")[1]["num_timesteps"] < 304


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--seed", "1"], "seed: 0 there, 1 here"),
        (["--agent-set", "alpha=2.0"], "agent_settings"),
        (["--set", "n_candidates=5"], "scenario_settings"),
        (["--num-envs", "8"], "num_envs: 4 there, 8 here"),
        (["--checkpoint-every", "50"], "checkpoint_every: 100 there, 50 here"),
    ],
)
def test_another_run_is_not_gone_on_with(change, named, capsys):
    assert main([*TRAIN, "--interactions", "100"]) == 0
    before = content("linucb.agent")
    assert named in refused(capsys, *TRAIN, "--resume", *change)
    assert content("linucb.agent") == before


def test_what_a_run_is_of_stands_beside_it(capsys):
    assert main([*TRAIN, "--interactions", "100", "--agent-set", "alpha=2.0"]) == 0
    about = json.loads(Path("linucb.agent.json").read_text(encoding="utf-8"))
    assert about["scenario"] == "recsim_env.scenarios.interest_evolution:InterestEvolution"
    assert about["scenario_settings"]["n_topics"] == 4
    assert about["agent_settings"]["alpha"] == 2.0
    assert (about["agent"], about["seed"], about["num_envs"]) == ("linucb", 0, 4)
    assert "numpy" in about["versions"]
    assert content("linucb.agent")[1]["notes"] == about
    shutil.move("linucb.agent", "moved.agent")  # the file itself knows
    change = ["--resume", "--out", "moved.agent", "--agent-set", "alpha=3.0"]
    said = "is of another run (agent_settings.alpha: 2.0 there, 3.0 here); ask for"
    assert said in refused(capsys, *TRAIN, *change)


def test_threads_change_nothing_but_the_time():
    assert main([*TRAIN, "--interactions", "200"]) == 0
    assert main([*TRAIN, "--interactions", "200", "--threads", "2", "--out", "two.agent"]) == 0
    assert content("two.agent") == content("linucb.agent")


def test_a_profile_adds_up(capsys):
    assert main([*TRAIN, "--interactions", "400", "--profile"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    shares = [float(word.rstrip("%")) for word in line.split() if word.endswith("%")]
    assert len(shares) == 2
    assert sum(shares) == pytest.approx(100, abs=0.11)
    assert 0 < shares[0] < 100
    rates = [float(word.strip("(").replace(",", "")) for word in line.split() if word[-1].isdigit()]
    assert np.isfinite(rates).all()


def test_tensorboard_gets_rewards_of_every_agent_and_losses_of_deep_ones():
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason='needs pip install "recsim-env[agents]"',
    )
    for agent in ("linucb", "ppo"):
        train = ["train", "InterestEvolution", agent, *SMALL, "--tensorboard", f"logs/{agent}"]
        assert main([*train, "--interactions", "3_000"]) == 0
        found = events.EventAccumulator(f"logs/{agent}")
        found.Reload()
        names = set(found.Tags()["scalars"])
        assert {"online/reward_per_step", "online/return", "online/episode_length"} <= names
        of_learning = {name for name in names if not name.startswith("evaluation/")}
        assert (len(of_learning) > 3) == (agent == "ppo")
        steps = [event.step for event in found.Scalars("online/return")]
        assert [step // 1_000 for step in steps[:3]] == [1, 2, 3]


class FailingTracker:
    """Keeps what it is told until the agent has learned something."""

    def __init__(self, run, place):
        self.run, self.kept = run, {}
        TOLD.append(self)

    def __call__(self, name, value, n_interactions):
        if name == "online/return" and self.run.about["interactions"] == 200:
            raise ConnectionError("the store is gone")
        self.kept[name] = n_interactions, value

    def close(self, *, is_complete=True):
        self.kept["is_complete"] = is_complete


TOLD: list[FailingTracker] = []


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setitem(TRACKERS, "file", FailingTracker)
    TOLD.clear()
    return TOLD


def test_trackers_get_settings_versions_and_what_was_evaluated_last(told):
    assert main([*TRAIN, "--interactions", "100", "--track", "file"]) == 0
    (tracker,) = told
    assert tracker.run.about["agent_settings"]["alpha"] == 1.0
    assert tracker.run.about["versions"]["numpy"] == np.__version__
    with Path("linucb.agent.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    kept = tracker.kept["evaluation/return_mean"]
    assert kept == (int(last["interactions"]), pytest.approx(float(last["return_mean"])))
    assert tracker.kept["is_complete"]


def test_a_tracker_that_fails_loses_no_trained_agent(told, capsys):
    assert main([*TRAIN, "--interactions", "200"]) == 0
    plain = content("linucb.agent")
    wanted = [*TRAIN, "--interactions", "200", "--overwrite", "--track", "file"]
    with pytest.warns(RuntimeWarning, match="training goes on"):
        assert main(wanted) == 1
    said = capsys.readouterr()
    assert "linucb.agent is saved, but --track file failed from" in said.err
    assert "return of a session" in said.out
    assert content("linucb.agent") == plain
    assert not told[0].kept["is_complete"]


def test_tensorboard_keeps_what_a_finished_run_wrote_last():
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason='needs pip install "recsim-env[agents]"',
    )
    for interactions in ("200", "400"):
        options = ["--interactions", interactions, "--resume", "--tensorboard", "logs"]
        assert main([*TRAIN, *options]) == 0
        if interactions == "200":
            finished = content("linucb.agent")[1]["num_timesteps"]
    found = events.EventAccumulator("logs")
    found.Reload()
    steps = [event.step for event in found.Scalars("online/reward_per_step")]
    assert steps[0] == finished
    assert len(steps) == 2


@pytest.fixture
def logged(capsys):
    """Returns the file of steps that uniform slates led to, in the scenario of SMALL."""
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    world = [*SMALL, "--interactions", "200"]
    assert main(["log", "InterestEvolution", "uniform", *world, "--out", "steps.npz"]) == 0
    capsys.readouterr()
    return "steps.npz"


def test_what_learned_from_a_log_is_another_run_than_what_acts(logged, capsys):
    train = ["train", "InterestEvolution", "reinforce", *SMALL]
    assert main([*train, "--log", logged]) == 0
    said = refused(capsys, *train, "--resume", "--interactions", "400")
    assert "reinforce.agent is of another run" in said
    assert "log: 'steps.npz' there, None here" in said


def test_a_log_that_does_not_fit_leaves_the_file_as_it_was(logged, capsys):
    assert main(["train", "InterestEvolution", "bc", *SMALL, "--log", logged]) == 0
    before, about = content("bc.agent"), Path("bc.agent.json").read_text(encoding="utf-8")
    overwrite = ["bc", "--overwrite", "--log", logged]
    said = refused(capsys, "train", "LongTermSatisfaction", *overwrite)
    assert "the log is of another world (recsim_env.scenarios.interest_evolution:" in said
    said = refused(capsys, "train", "InterestEvolution", *overwrite, "--set", "n_topics=4")
    assert "time_budget=20.0 there" in said  # shapes are alike
    assert content("bc.agent") == before
    assert Path("bc.agent.json").read_text(encoding="utf-8") == about


def test_what_means_nothing_beside_a_log_is_refused(logged, capsys):
    train = ["train", "InterestEvolution", "bc", *SMALL, "--log"]
    for option in (
        ["--resume"],
        ["--profile"],
        ["--tensorboard", "logs"],
        ["--interactions", "500"],
        ["--evaluate", "0"],
    ):
        assert f"leave out {option[0]}" in refused(capsys, *train, logged, *option)
    said = refused(capsys, *train, "items.csv")
    assert "`recsim-env log ... --out FILE.npz` writes them" in said
    assert not Path("bc.agent").exists()


def test_what_cannot_be_written_or_read_is_told(capsys):
    assert "is a folder; name a file in it" in refused(capsys, *TRAIN, "--overwrite", "--out", ".")
    make_agent("linucb", RecommendationVectorEnv(InterestEvolution)).save("linucb.agent")
    said = refused(capsys, *TRAIN, "--resume")
    assert "linucb.agent does not say what it was trained in (checkpoint_every=None" in said
    assert "--overwrite begins anew" in said


@pytest.mark.parametrize("every", [0, -5, 1.5, "x", True, None])
def test_a_file_with_impossible_checkpoints_is_refused(every, capsys):
    assert main([*TRAIN, "--interactions", "100"]) == 0
    arrays, about = read_arrays("linucb.agent", kind="agent", version=1)
    about["notes"]["checkpoint_every"] = every
    write_arrays("linucb.agent", arrays, about, kind="agent", version=1)
    resume = ["train", "InterestEvolution", "linucb", *SMALL, "--resume", "--interactions", "300"]
    assert f"(checkpoint_every={every!r} is not allowed; use 1 or more)" in refused(capsys, *resume)


def test_an_agent_that_stops_learning_is_no_endless_loop(capsys, monkeypatch):
    monkeypatch.setattr(LinUCB, "learn", lambda self, *_, **__: self)
    said = refused(capsys, *TRAIN, "--interactions", "100")
    assert "linucb stopped learning after 0 interactions" in said
