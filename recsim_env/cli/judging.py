"""`recsim-env ope`: what policies would have earned, by a log of others."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import as_dict
from recsim_env.cli.judged import TABLE, print_policy, print_selection, write_judged
from recsim_env.cli.judging_options import add_options, check_options, check_real
from recsim_env.cli.playing import chosen_agent
from recsim_env.cli.studying import compare_studies, study
from recsim_env.formats.files import check_absent
from recsim_env.inputs.spelling import split_names

if TYPE_CHECKING:
    import numpy as np

    from recsim_env.agents.core.slate_distribution import Propensities
    from recsim_env.benchmark.off_policy import PolicyLog
    from recsim_env.benchmark.off_policy.embedding import Embedding
    from recsim_env.benchmark.off_policy.truth import TrueValues
    from recsim_env.results.off_policy import PolicyValue

_REMEDY = "choose another --out, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "ope",
        help="say what a policy would have earned, by a log of another",
        description="Off-policy evaluation: estimates what policies would earn, from the log of "
        "another and its propensities, with intervals, diagnostics of the weights, and warnings "
        "where not to believe them; of a slate in the moments of the log, and of whole sessions. "
        "Of simulated people the truth stands beside them: the same people are served by the "
        "policy. Of several policies it says which to deploy, and whether that is right.",
        examples=(
            "ope wheel.npz --policy linucb.agent",
            "ope wheel.npz --policy linucb --policy thompson --learn 5_000 --out judged",
            "ope wheel.npz --policy linucb --replay",
            "ope music.npz --policy content --learn 2_000 --embedding energy,sound",
            "ope --study RatedCatalogue --slate-sizes 1 2 3",
            "ope --studies results/ope",
            "ope --studies results/ope/wheel --estimators ips snips dr",
        ),
    )
    add_options(parser)
    parser.set_defaults(run=ope)


def ope(options: argparse.Namespace) -> int:
    """Prints a table for each policy; writes all, if asked to."""
    from recsim_env.benchmark.off_policy.estimating import check_estimators

    check_options(options)
    check_estimators(options.estimators or ())  # before anybody learns
    if options.studies:
        return compare_studies(options)
    if options.study:
        return study(options)
    if options.out:
        check_absent(options.out / TABLE, overwrite=options.overwrite, remedy=_REMEDY)
    log = _read(options)
    print(_about(log))
    if log.scenario is None:
        check_real(options)
    if options.logged_by:
        log = _balanced(log, options)
    return _replay(log, options) if options.replay else _judge(log, options)


def _judge(log: "PolicyLog", options: argparse.Namespace) -> int:
    from recsim_env.benchmark.off_policy import judge
    from recsim_env.benchmark.off_policy.diagnosing import diagnosed
    from recsim_env.benchmark.off_policy.features import SlateFeatures
    from recsim_env.ope import Uncertainty

    features, how = SlateFeatures(log), Uncertainty(method=options.interval, seed=options.seed)
    embedding = _embedding(log, options)
    if features.left_out:
        print(f"models of rewards leave out {', '.join(features.left_out)}: too many columns")
    values: list[PolicyValue] = []
    curves = {}
    for name, policy in zip(options.policy, _labels(options.policy), strict=True):
        target, truth = _asked(name, log, options)
        found = judge(
            policy,
            log,
            target,
            truth=truth,
            estimators=options.estimators,
            uncertainty=how,
            features=features,
            embedding=embedding,
        )
        _check_allowed(options.estimators or (), found)
        weights, curves[policy] = diagnosed(log, target, features)
        print_policy(found, weights, target.error)
        values += found
    chosen = print_selection(values) if len(options.policy) > 1 else []
    if options.out:
        write_judged(options.out, values, curves, chosen)
    return 0


def _check_allowed(estimators: Sequence[str], found: "Sequence[PolicyValue]") -> None:
    """Raises ValueError for estimators that were asked for, of which a log allows no estimate."""
    given = {each.estimator for each in found}
    if lacking := [name for name in estimators if name not in given]:
        raise ValueError(
            f"the log allows none of {', '.join(lacking)}; leave them out of --estimators"
        )


def _replay(log: "PolicyLog", options: argparse.Namespace) -> int:
    """Prints what each policy earns while it learns."""
    from recsim_env.benchmark.off_policy.replayed import learning_value, replayed
    from recsim_env.envs import RecommendationVectorEnv
    from recsim_env.results.wording import with_interval

    for name in options.policy:

        def made(seed: int, name: str = name) -> Any:
            assert log.scenario is not None
            env = RecommendationVectorEnv(log.scenario, num_envs=1)
            return chosen_agent(name, env, argparse.Namespace(**vars(options) | {"seed": seed}))

        found = replayed(made(options.seed), log, seed=options.seed)
        n = found.estimate.n
        said = f"{name}, while learning from {n:,} rows of {len(log):,} that it agrees with: "
        said += with_interval(found.estimate)
        if not options.no_truth:
            said += f"; truly {with_interval(learning_value(made, n))}"
        print("\n".join([said, *(f"   {text}" for text in found.warnings)]))
    return 0


def _labels(names: Sequence[str]) -> list[str]:
    """Returns short names of policies, told apart where they are alike."""
    short = [Path(name).stem for name in names]
    return [n if short.count(n) == 1 else f"{n} {k + 1}" for k, n in enumerate(short)]


def _read(options: argparse.Namespace) -> "PolicyLog":
    from recsim_env.benchmark.off_policy.estimated import with_estimated_propensities
    from recsim_env.benchmark.off_policy.exchange import read_log

    estimates = options.estimate_propensities
    roles = [each.name for each in options.columns or ()]
    if twice := [name for name in roles if roles.count(name) > 1]:
        raise ValueError(f"--columns names {twice[0]} twice; name it once")
    log = read_log(
        options.log,
        options.origin,
        columns=as_dict(options.columns),
        needs_propensities=not estimates,
        encoding=None if options.items and not _is_text(options.log) else options.encoding,
    )
    if "reading" in log.about:
        print(log.about["reading"])
    if not estimates:
        return log
    found = with_estimated_propensities(log, seed=options.seed)
    print(
        "propensities are estimated: predicted and observed frequencies differ by "
        f"{found.calibration.error:.4f} in the mean (temperature {found.temperature:.2f}); what "
        "decided and was not logged biases all that follows"
    )
    return found.log


def _is_text(path: Path) -> bool:
    return path.suffix not in (".npz", ".h5", ".parquet", ".pq")


def _balanced(log: "PolicyLog", options: argparse.Namespace) -> "PolicyLog":
    """Returns the log with propensities of the mixture of the policies that wrote it."""
    from recsim_env.benchmark.off_policy import balanced, target_chances
    from recsim_env.envs import RecommendationVectorEnv

    assert log.scenario is not None
    chances = []
    for name in options.logged_by:
        agent = chosen_agent(name, RecommendationVectorEnv(log.scenario, num_envs=1), options)
        how = {"n_draws": options.draws, "seed": options.seed}
        chances.append(target_chances(agent, log, explores=True, **how))
    print(f"propensities are those of the mixture of {', '.join(options.logged_by)}")
    return balanced(log, chances)


def _embedding(log: "PolicyLog", options: argparse.Namespace) -> "Embedding | None":
    """Returns what marginalized IPS goes by, if that is asked for."""
    from recsim_env.benchmark.off_policy.embedding import item_embedding, shown_embedding

    names = split_names(options.embedding or ())
    if options.items:
        from recsim_env.benchmark.off_policy.item_table import read_item_features

        is_for_log_alone = _is_text(options.log) and not _is_text(options.items)
        encoding = None if is_for_log_alone else options.encoding
        features = read_item_features(options.items, names, encoding=encoding)
        return item_embedding(log, features, ", ".join(names) or options.items.name)
    return shown_embedding(log, names) if names else None


def _about(log: "PolicyLog") -> str:
    where = type(log.scenario).__name__ if log.scenario else log.about.get("name", "real people")
    n_cut = len(log.starts) - int(log.is_complete[log.starts].sum())
    cut = f" ({n_cut:,} cut off, which tell nothing of whole sessions)" if n_cut else ""
    return (
        f"{where}: {len(log):,} slates of {len(log.starts):,} sessions{cut}, by "
        f"{', '.join(log.about.get('policies', ['another policy']))}, which earned "
        f"{log['reward'].mean():.4g} a slate"
    )


def _asked(
    name: str, log: "PolicyLog", options: argparse.Namespace
) -> tuple["Propensities", "TrueValues | None"]:
    """Returns how likely a policy shows what was logged, and what it truly earns, if known."""
    from recsim_env.benchmark.off_policy import target_chances, true_values
    from recsim_env.benchmark.off_policy.targets import chances_of, uniform_chances
    from recsim_env.envs import RecommendationVectorEnv

    if Path(name).suffix == ".npy":
        places = _array(name)
        if log.file_order is not None and len(places) == len(log):
            places = places[log.file_order]
        return chances_of(places, log), None
    if log.scenario is None and name == "uniform":
        return uniform_chances(log), None
    if log.scenario is None:
        raise ValueError(
            f"agent {name!r} cannot act in a log of no scenario; name uniform, or give a .npy file "
            "of probabilities"
        )
    env = RecommendationVectorEnv(log.scenario, num_envs=16 if options.learn else 1)
    agent = chosen_agent(name, env, options)
    if options.learn and agent.learns and not agent.num_timesteps:
        agent.learn(options.learn, progress_bar=True)
    how = {"explores": options.explore}
    target = target_chances(agent, log, n_draws=options.draws, seed=options.seed, **how)
    knows_people = "slot" in log.columns and not options.no_truth
    return target, true_values(agent, log, **how) if knows_people else None


def _array(name: str) -> "np.ndarray":
    import numpy as np

    try:
        return np.asarray(np.load(name, allow_pickle=False), np.float64)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{name} holds no array of numbers; write it by numpy.save") from error
