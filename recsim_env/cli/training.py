"""`recsim-env train`: an agent learns, and is kept as it goes."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    NEW_AGENT,
    add_count,
    add_tuned,
    as_dict,
    path,
    seed,
    with_tuned,
)
from recsim_env.cli.playing import add_common, chosen_scenario
from recsim_env.formats.files import check_absent, check_folder, check_writable

if TYPE_CHECKING:
    from recsim_env.agents import Agent
    from recsim_env.benchmark.learning_curve import LearningCurve
    from recsim_env.benchmark.monitoring import LearningMonitor
    from recsim_env.benchmark.training import TrainingRun

_INTERACTIONS, _PEOPLE = 20_000, 100


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "train",
        help="train an agent and save it",
        description="Trains an agent and saves it at every checkpoint, so that --resume goes on "
        "with a run that was stopped, and ends where the run would have without; with more "
        "--interactions, it goes on further. "
        "Agents with networks use a GPU with --agent-set device=cuda.",
        examples=(
            "train LongTermSatisfaction ppo",
            "train LongTermSatisfaction ppo --resume --interactions 50_000",
            "train MusicStreaming linucb --agent-set alpha=0.5 --out bold.agent",
            "train LongTermSatisfaction iql --log steps.npz",
        ),
    )
    add_common(parser)
    add_tuned(parser)
    parser.add_argument("agent", metavar="AGENT", help=NEW_AGENT)
    add_count(parser, "--interactions", f"interactions to learn from, in total ({_INTERACTIONS:,})")
    parser.add_argument(
        "--log",
        type=path,
        metavar="FILE",
        help="learn from these steps alone, an .npz file of `recsim-env log`, without acting",
    )
    add_count(parser, "--num-envs", "people side by side", default=16)
    add_count(parser, "--threads", "that simulate them; results do not depend on it", default=1)
    parser.add_argument("--out", type=path, metavar="FILE", help="the agent's file (AGENT.agent)")
    add_count(parser, "--checkpoint-every", "interactions (a tenth of the run)")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume", action="store_true", help="go on with the run in the file, if there is one"
    )
    existing.add_argument("--overwrite", action="store_true", help="replace the file")
    parser.add_argument("--profile", action="store_true", help="print where the time went")
    parser.add_argument(
        "--evaluate",
        type=seed,
        metavar="N",
        help="people whom it serves frozen before and after, for comparison; 0 is none "
        f"({_PEOPLE})",
    )
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="NAME[=WHERE]",
        help="hand reward, return, episode length and losses to file[=FILE], "
        "tensorboard[=FOLDER], wandb[=PROJECT] or mlflow[=URI]; may be repeated",
    )
    parser.add_argument(
        "--tensorboard", type=path, metavar="FOLDER", help="likewise, --track tensorboard=FOLDER"
    )
    parser.set_defaults(run=train)


def train(options: argparse.Namespace) -> int:
    """Trains an agent, or goes on with it, and says where it is."""
    run = _chosen_run(options)
    if run.log:
        n_logged = len(run.learn_from_log())
        print(f"{run.agent} learned from {n_logged:,} logged interactions; saved to {run.path}")
        return 0
    try:
        agent = _begun(run, resume=options.resume)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(run)) from None
    n_before, wanted = agent.num_timesteps, _wanted(options)
    if n_before >= wanted:
        print(
            f"{run.path} has learned from {n_before:,} interactions already; "
            "raise --interactions to go on"
        )
        return 0
    if n_before:
        print(f"going on after {n_before:,} interactions")
    _train(run, agent, options)
    return 0


def _train(run: "TrainingRun", agent: "Agent", options: argparse.Namespace) -> None:
    """Learns, evaluates before and after, and keeps the curve beside the agent's file."""
    from recsim_env.benchmark.learning_curve import LearningCurve
    from recsim_env.benchmark.monitoring import LearningMonitor
    from recsim_env.benchmark.provenance import versions
    from recsim_env.benchmark.trackers import Tracked
    from recsim_env.benchmark.tracking import tracking

    n_before = agent.num_timesteps
    people = _PEOPLE if options.evaluate is None else options.evaluate
    may_replace = options.overwrite or options.resume
    about = run.about(agent) | {"interactions": _wanted(options), "versions": versions()}
    tracked = Tracked(run.path.stem, run.path, about, n_before, may_replace)
    curve = LearningCurve(run, n_before=n_before)
    with tracking(tracked, _trackers(options)) as track:
        monitor = LearningMonitor(track, n_before=n_before, also=curve)
        try:
            if people and not n_before:
                curve.evaluate(agent, people, track)
            _learn(run, agent, _wanted(options), monitor, curve)
            monitor.close()
            if people:
                curve.evaluate(agent, people, track)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(run)) from None
        curve.save()
        print(
            f"{options.agent} learned from {agent.num_timesteps:,} interactions in "
            f"{monitor.seconds:.1f} s; saved to {run.path}"
        )
        print(curve.sentence())
        if options.profile:
            _print_profile(monitor)


def _trackers(options: argparse.Namespace) -> list[str]:
    folder = [f"tensorboard={options.tensorboard}"] if options.tensorboard else []
    return [*options.track, *folder]


def _chosen_run(options: argparse.Namespace) -> "TrainingRun":
    """Returns the run that the options ask for.

    Raises:
      ValueError: its file exists, and nothing says what is to become of it; or what learns from a
        log is to do what only agents do that act.
    """
    from recsim_env.agents import AGENTS, agent_class
    from recsim_env.benchmark.tracking import check_trackers
    from recsim_env.benchmark.training import TrainingRun, read_description
    from recsim_env.envs import RecommendationVectorEnv
    from recsim_env.results.learning_curve import curve_file

    if options.agent not in AGENTS and ":" not in options.agent:
        agent_class(options.agent)  # raises, naming those that are known
    if options.log:
        _check_log_options(options)
    path = options.out or Path(f"{options.agent.rpartition(':')[2]}.agent")
    check_writable(path)
    check_trackers(_trackers(options))
    if options.tensorboard:
        check_folder(options.tensorboard)
    if not (options.log or path.exists()):
        check_absent(curve_file(path), overwrite=options.overwrite)
    every = options.checkpoint_every
    if path.exists() and not options.overwrite:
        if not options.resume:
            raise ValueError(f"{path} exists; --resume goes on with it, --overwrite replaces it")
        every = every or read_description(path)["checkpoint_every"]
    scenario = chosen_scenario(options)
    given = as_dict(options.agent_set, agent_class(options.agent).Settings.defaults())
    return TrainingRun(
        env=RecommendationVectorEnv(scenario, num_envs=options.num_envs, threads=options.threads),
        agent=options.agent,
        agent_settings=with_tuned(options.agent, scenario, given) if options.tuned else given,
        seed=options.seed,
        checkpoint_every=every or -(-_wanted(options) // 10),
        path=path,
        log=options.log,
    )


def _begun(run: "TrainingRun", *, resume: bool) -> "Agent":
    """Returns the agent of the last checkpoint, or a new one where there is none."""
    if resume and run.path.is_file():
        return run.go_on()
    if resume:
        print(f"{run.path} does not exist yet; beginning anew")
    return run.begin()


def _wanted(options: argparse.Namespace) -> int:
    """Returns the interactions to learn from; a log is its own measure."""
    return _INTERACTIONS if options.interactions is None else int(options.interactions)


def _check_log_options(options: argparse.Namespace) -> None:
    """Raises ValueError for options that mean nothing beside --log, or a log of another kind."""
    from recsim_env.benchmark.recording import STEPS_SUFFIX

    for name in ("resume", "profile", "track", "tensorboard"):
        if getattr(options, name):
            raise ValueError(f"--log trains a new agent without acting; leave out --{name}")
    if options.evaluate is not None:
        raise ValueError("--log trains without people to evaluate on; leave out --evaluate")
    if options.interactions is not None:
        raise ValueError("--log trains on all steps of the log; leave out --interactions")
    if options.log.suffix != STEPS_SUFFIX:
        raise ValueError(
            f"--log {options.log} holds no whole steps; "
            f"`recsim-env log ... --out FILE{STEPS_SUFFIX}` writes them"
        )


def _learn(
    run: "TrainingRun",
    agent: "Agent",
    interactions: int,
    monitor: "LearningMonitor",
    curve: "LearningCurve",
) -> None:
    """Learns under one bar of progress, which tells what is saved."""
    from recsim_env.progress import progress

    def before_save() -> None:
        monitor.flush()  # so that a run that is resumed has the windows of one that is not
        curve.save()

    begun = agent.num_timesteps
    with (
        progress(total=interactions, initial=begun, unit="interaction") as bar,
        monitor.watching(agent),
    ):
        pieces = run.learn(
            agent,
            interactions,
            lambda it: bar.update(it.num_timesteps - bar.n),
            before_save=before_save,
        )
        for n_saved in pieces:
            bar.set_postfix_str(f"saved {n_saved:,}")


def _how_to_go_on(run: "TrainingRun") -> str:
    n_saved = run.saved_interactions()
    if n_saved is None:
        return "nothing was learned yet"
    return (
        f"{run.path} holds what {n_saved:,} interactions taught; the same command with --resume, "
        "and without --overwrite, goes on"
    )


def _print_profile(monitor: "LearningMonitor") -> None:
    env = monitor.step_seconds / monitor.seconds
    print(
        f"{monitor.n_interactions / monitor.seconds:,.0f} interactions/s; {env:.1%} of the time in "
        f"env.step ({monitor.n_interactions / monitor.step_seconds:,.0f} interactions/s), "
        f"{1 - env:.1%} in the agent and its checkpoints"
    )
