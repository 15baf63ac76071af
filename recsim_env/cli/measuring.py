"""`recsim-env ablate` and `speed`: what an ability is worth, and how fast people are simulated."""

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    SCENARIO,
    add_count,
    add_jobs,
    add_overwrite,
    add_seeds,
    add_settings,
    as_dict,
    chosen_jobs,
    chosen_seeds,
    count,
    path,
    seconds,
    workers,
)
from recsim_env.formats.files import check_folder

if TYPE_CHECKING:
    from recsim_env.benchmark.learning_speed import LearningRate
    from recsim_env.core.scenario import Scenario

_SMALL_WORLD, _HUGE_WORLD = (1_000, 1_000), (1_000_000_000, 1_000_000)


def add_commands(commands: Any) -> None:
    """Adds the two commands."""
    _add_ablate(commands)
    _add_speed(commands)


def _add_ablate(commands: Any) -> None:
    parser = commands.add_parser(
        "ablate",
        help="measure the value of context, planning and so on in a scenario",
        description="Compares policies with and without an ability: context, repetition and period "
        "of a fitted world, personalization, exploration, planning, diversity. Interrupted, the "
        "same command goes on.",
        examples=(
            "ablate",
            "ablate MusicStreaming NewsFeed --seeds 10",
            "ablate RatedCatalogue --set world=worlds/mine/world.npz --set n_sessions=5",
        ),
    )
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=f"{SCENARIO} (all of ours)")
    add_settings(parser, of="every scenario named")
    add_seeds(parser, default="5")
    add_count(parser, "--interactions", "interactions that LinUCB learns from", default=10_000)
    add_count(parser, "--episodes", "of an evaluation; beyond 100 a multiple of it", default=500)
    add_jobs(parser, of="runs")
    parser.add_argument(
        "--out",
        type=path,
        default=Path("results") / "ablation",
        metavar="FOLDER",
        help="where results go",
    )
    add_overwrite(parser)
    parser.set_defaults(run=ablate)


def _add_speed(commands: Any) -> None:
    parser = commands.add_parser(
        "speed",
        help="measure how fast people are simulated",
        description="Measures batches, starts, single environments, and worlds small and huge.",
        examples=(
            "speed InterestEvolution --batch 4_096 --threads 1 2",
            "speed --world",
            "speed InterestEvolution --against my_simulator.py:InNumPy",
            "speed InterestEvolution --batch 256 --through stable_baselines3",
            "speed ShortVideo --learning --seconds 20",
            "speed --ope 1_000_000",
            "speed --logs 25M",
        ),
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"{SCENARIO} (all of ours)"
    )
    for name, default, text in (
        ("--batch", [1, 256, 4096], "people side by side"),
        ("--threads", [1, 2], "that simulate them"),
    ):
        parser.add_argument(name, type=count, nargs="+", default=default, metavar="N", help=text)
    parser.add_argument(
        "--seconds", type=seconds, default=0.5, metavar="S", help="of each measurement"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--world", action="store_true", help="only compare small and huge worlds")
    only.add_argument(
        "--learning",
        action="store_true",
        help="only measure how fast agents learn (in ShortVideo and MusicStreaming)",
    )
    only.add_argument("--frames", action="store_true", help="only time pictures of people")
    only.add_argument(
        "--against",
        metavar="CLASS",
        help="only compare with another simulator of the scenario, module:Class or file.py:Class, "
        "made with the scenario and the number of people, and stepped with slates",
    )
    only.add_argument(
        "--through",
        nargs="+",
        metavar="FRAMEWORK",
        help="only compare with the batch as frameworks step it: stable_baselines3, torchrl, "
        "tianshou or rllib",
    )
    only.add_argument(
        "--ope",
        nargs="?",
        type=count,
        const=10_000_000,
        metavar="N",
        help="only time estimators of off-policy evaluation on N logged rows (10,000,000)",
    )
    only.add_argument(
        "--logs",
        nargs="?",
        type=count,
        const=2_000_000,
        metavar="N",
        help="only time what is done with logs, on a made-up one of N ratings (2,000,000)",
    )
    parser.add_argument(
        "--obp",
        metavar="PYTHON",
        help="with --ope, compare with Open Bandit Pipeline, which the environment of this Python "
        "has, on as many rows",
    )
    parser.set_defaults(run=speed)


def ablate(options: argparse.Namespace) -> int:
    """Measures what is missing, and prints the table of gains."""
    from recsim_env.benchmark.ablation import as_markdown, named_worlds, run_ablations
    from recsim_env.envs.resolving import settings_of

    check_folder(options.out)
    if options.settings and not options.names:
        raise ValueError("--set changes the scenarios named; name one")
    worlds = {
        label: entry | as_dict(options.settings, settings_of(entry.get("scenario", label)))
        for label, entry in named_worlds(options.names).items()
    }
    try:
        with workers(options):
            gains = run_ablations(
                worlds,
                options.out,
                seeds=chosen_seeds(options) or 5,
                interactions=options.interactions,
                eval_episodes=options.episodes,
                jobs=chosen_jobs(options),
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print(as_markdown(gains), end="")
    return 0


def speed(options: argparse.Namespace) -> int:
    """Prints the measurements as they come."""
    from recsim_env.envs.registry import NAMESPACE
    from recsim_env.envs.resolving import resolve_scenario, scenario_id, scenario_ids

    if options.obp and not options.ope:
        raise ValueError("--obp compares estimators; give --ope too")
    if options.ope:
        _print_estimators(options.ope, options.obp)
        return 0
    if options.logs:
        _print_logs(options.logs)
        return 0
    ids = [scenario_id(name) for name in options.scenarios] or [
        env_id for env_id in scenario_ids() if env_id.startswith(f"{NAMESPACE}/")
    ]
    scenarios = {env_id: resolve_scenario(env_id) for env_id in ids}
    if options.against:
        _print_comparison(scenarios, options)
        return 0
    if options.through:
        _print_interfaces(scenarios, options)
        return 0
    if options.learning:
        _print_learning(options)
        return 0
    if options.frames:
        _print_frames(scenarios)
        return 0
    if not options.world:
        _print_batches(scenarios, options)
        _print_starts(scenarios, options.seconds)
    _print_world_scale(options.seconds)
    return 0


def _print_batches(scenarios: "Mapping[str, Scenario]", options: argparse.Namespace) -> None:
    from recsim_env.benchmark.speed import batch_speed

    width = max(map(len, scenarios))
    columns = [(batch, n) for batch in options.batch for n in options.threads]
    print("million interactions per second, uniform slates, full observation")
    print(f"{'':{width}}" + "".join(f"{f'{batch} × {n}':>12}" for batch, n in columns))
    print(f"{'':{width}}" + f"{'batch × threads':>{12 * len(columns)}}")
    for env_id, scenario in scenarios.items():
        print(f"{env_id:{width}}", end="", flush=True)
        for batch, n in columns:
            rate = batch_speed(scenario, batch, n, seconds=options.seconds)
            print(f"{rate / 1e6:12.3f}", end="", flush=True)
        print()


def _print_starts(scenarios: "Mapping[str, Scenario]", seconds: float) -> None:
    from recsim_env.benchmark.speed import single_speed, start_seconds

    width = max(map(len, scenarios))
    print(f"\n{'':{width}}{'compiling':>12}{'next start':>12}{'single env':>14}")
    for env_id in scenarios:
        cold, warm = start_seconds(env_id)
        single = single_speed(env_id, seconds=seconds)
        print(f"{env_id:{width}}{cold:10.2f} s{warm:10.2f} s{single:10,.0f} /s", flush=True)


def _print_frames(scenarios: "Mapping[str, Scenario]") -> None:
    from recsim_env.benchmark.speed import frame_seconds

    width = max(map(len, scenarios))
    print("milliseconds of processor time of a picture of a step")
    print(f"{'':{width}}{'first':>10}{'median':>10}")
    for env_id, scenario in scenarios.items():
        first, median = frame_seconds(scenario)
        print(f"{env_id:{width}}{1e3 * first:10.0f}{1e3 * median:10.1f}", flush=True)


def _print_comparison(scenarios: "Mapping[str, Scenario]", options: argparse.Namespace) -> None:
    """Prints how the compiled kernel compares with another simulator.

    Raises:
      ValueError: it is unclear of which scenario, or there is no such class.
    """
    from recsim_env.benchmark.speed import rates_against
    from recsim_env.inputs.importing import imported_class

    if len(scenarios) != 1:
        raise ValueError("--against compares one scenario; name it")
    reference = imported_class(options.against, object, what="simulator")
    ((env_id, scenario),) = scenarios.items()
    for batch in options.batch:
        ours, theirs = rates_against(reference, scenario, batch, seconds=options.seconds)
        print(
            f"{env_id}, {batch:,} people, one thread, per second of processor time: compiled "
            f"{ours / 1e6:.2f} M, {reference.__name__} {theirs / 1e6:.2f} M, "
            f"ratio {ours / theirs:.2f}"
        )


def _print_interfaces(scenarios: "Mapping[str, Scenario]", options: argparse.Namespace) -> None:
    """Prints how fast frameworks step a batch by the interfaces that they train through."""
    from recsim_env.benchmark.interfaces import rates_through, require_frameworks

    require_frameworks(options.through)
    for env_id, scenario in scenarios.items():
        for batch, framework in itertools.product(options.batch, options.through):
            alone, through = rates_through(framework, scenario, batch, seconds=options.seconds)
            print(
                f"{env_id}, {batch:,} people, one thread: alone {alone / 1e6:.3f} M/s, through "
                f"{framework} {through / 1e6:.3f} M/s, {through / alone:.0%} of it",
                flush=True,
            )


def _print_learning(options: argparse.Namespace) -> None:
    """Prints how fast agents learn."""
    from recsim_env.benchmark.learning_speed import SCENARIOS, THREADED, learning_rates
    from recsim_env.envs.resolving import resolve_scenario, scenario_id

    print("interactions per second with learning, and per second of processor time;")
    print("bound: if products of matrices were all there is to do, and how much of it is reached")
    columns = "".join(f"{name:>12}" for name in ("per second", "of CPU", "bound", "MFLOP", "peak"))
    for name in options.scenarios or SCENARIOS:
        print(f"\n{scenario_id(name):32}{'people':>8}{columns}")
        scenario, seconds = resolve_scenario(name), options.seconds
        for each in learning_rates(scenario, seconds=seconds):
            print(_learning_line(each), flush=True)
        if max(options.threads) > 1:
            given = {"seconds": seconds, "threads": options.threads}
            for each in learning_rates(scenario, THREADED, **given):
                print(_learning_line(each), flush=True)


def _learning_line(rate: "LearningRate") -> str:
    """Returns how fast an agent learns, and how fast it could."""
    given = {**rate.settings, **({"threads": rate.threads} if rate.threads > 1 else {})}
    settings = " ".join(f"{key}={value}" for key, value in given.items())
    bound = flops = "-"
    if rate.bound and rate.flops:
        bound = f"{rate.bound:,.0f} {rate.per_cpu_second / rate.bound:.0%}"
        flops = f"{rate.flops / 1e6:.2f}"
    return (
        f"{rate.agent:32}{rate.num_envs:8,}{rate.per_second:12,.0f}{rate.per_cpu_second:12,.0f}"
        f"{bound:>12}{flops:>12}{rate.peak_mebibytes:8,.0f} MiB  {settings}"
    ).rstrip()


def _print_world_scale(seconds: float) -> None:
    """Prints how the size of a world matters: it should hardly."""
    from recsim_env.benchmark.speed import world_speed

    rates = []
    for n_users, n_items in (_SMALL_WORLD, _HUGE_WORLD):
        rate, gibibytes = world_speed(n_users, n_items, seconds=seconds)
        rates.append(rate)
        print(
            f"a world of {n_users:,} users and {n_items:,} items: "
            f"{rate / 1e6:.2f} M interactions/s, peak memory {gibibytes:.2f} GiB"
        )
    print(f"the huge world steps at {rates[1] / rates[0]:.2f} of the speed of the small one")


def _print_estimators(n: int, obp: str | None) -> None:
    """Prints seconds of CPU time of estimators, alone or beside obp's."""
    from recsim_env.benchmark.memory import peak_mebibytes
    from recsim_env.benchmark.ope_speed import estimator_seconds, seconds_beside_obp

    if obp:
        print(f"seconds of CPU time, {n:,} rows{'':6}{'ours':>10}{'obp':>10}{'ratio':>8}")
        for name, what, ours, theirs in seconds_beside_obp(obp, n):
            ratio = theirs / ours
            print(f"{name:18}{what:16}{ours:10.3f}{theirs:10.3f}{ratio:8.1f}", flush=True)
        return
    print(f"seconds of CPU time of an estimate with its interval, {n:,} rows")
    for name, took in estimator_seconds(n):
        print(f"{name:18}{took:8.2f}", flush=True)
    print(f"most memory {peak_mebibytes() / 2**10:.2f} GiB, with both logs")


def _print_logs(n: int) -> None:
    """Prints what each kind of work with a log costs."""
    from recsim_env.benchmark.log_speed import log_costs

    print(f"a made-up log of {n:,} ratings, each kind of work in a process of its own")
    print(f"{'':32}{'seconds':>10}{'of CPU':>10}{'peak':>12}")
    for each in log_costs(n):
        print(
            f"{each.stage:32}{each.wall_seconds:10.1f}{each.cpu_seconds:10.1f}"
            f"{each.peak_gibibytes:8.2f} GiB",
            flush=True,
        )
