"""Values of slates against sums over their items, and the best against all of them."""

import itertools

import numpy as np
import pytest
from gymnasium import spaces

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')

from recsim_env.agents.networks.slate_values import SlateValues  # noqa: E402 (needs torch)
from recsim_env.agents.sb3.slate_dqn import FlatSlateValues, SlateQRDQN  # noqa: E402 (needs torch)

N_CANDIDATES, SLATE_SIZE, N_PEOPLE = 7, 3, 40
SPACE = spaces.Dict(
    {
        "user": spaces.Box(-3.0, 3.0, (4,), np.float32),
        "candidates": spaces.Box(-3.0, 3.0, (N_CANDIDATES, 4), np.float32),
    }
)
ALL_SLATES = np.array(list(itertools.combinations(range(N_CANDIDATES), SLATE_SIZE)))


def observations(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {name: (N_PEOPLE, *part.shape) for name, part in SPACE.items()}
    return {
        name: torch.as_tensor(rng.normal(size=shape).astype(np.float32))
        for name, shape in shapes.items()
    }


def network(n_quantiles=1):
    """Returns one whose items differ as much as after long learning."""
    torch.manual_seed(3)
    made = SlateValues(SPACE, slate_size=SLATE_SIZE, width=16, n_quantiles=n_quantiles)
    torch.nn.init.normal_(made.of_item.weight, std=1.0)
    return made


def chosen_gain(weight, gain):
    """Returns what a choice of one item, or none at weight 1, gains, (n_quantiles,)."""
    total = 0.0
    for one_weight, one_gain in zip(weight, gain, strict=True):
        total = total + one_weight / (1.0 + weight.sum()) * one_gain
    return total


@torch.no_grad()
def enumerated(made, seen):
    """Returns the mean values of all slates, (n_people, n_slates), item by item."""
    value, weight, gain = (part.numpy().astype(float) for part in made._parts(seen))
    found = np.zeros((N_PEOPLE, len(ALL_SLATES)))
    for person, (number, slate) in itertools.product(range(N_PEOPLE), enumerate(ALL_SLATES)):
        copies = np.repeat(np.arange(N_CANDIDATES), SLATE_SIZE)  # all at once, each counted a bit
        share = np.full(len(copies), 1.0 / N_CANDIDATES)
        gains = chosen_gain(weight[person, slate], gain[person, slate])
        average = chosen_gain(share * weight[person, copies], gain[person, copies])
        found[person, number] = (value[person] + gains - average).mean()
    return found


@pytest.mark.parametrize("n_quantiles", [1, 5])
@torch.no_grad()
def test_a_slate_is_worth_what_a_choice_from_it_is_worth(n_quantiles):
    made, seen = network(n_quantiles), observations()
    expected = enumerated(made, seen)
    for number, slate in enumerate(ALL_SLATES):
        slates = torch.as_tensor(np.tile(slate[::-1].copy(), (N_PEOPLE, 1)))  # in any order
        values = made.values(seen, slates)
        assert values.shape == (N_PEOPLE, n_quantiles)
        np.testing.assert_allclose(values.mean(1), expected[:, number], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_quantiles", [1, 5])
@torch.no_grad()
def test_the_best_slate_is_the_best_of_all(n_quantiles):
    made, seen = network(n_quantiles), observations()
    found = np.sort(made.best(seen).numpy(), axis=1)
    values = enumerated(made, seen)
    assert np.array_equal(found, ALL_SLATES[values.argmax(axis=1)])
    assert len(np.unique(found, axis=0)) > 10  # people differ


@torch.no_grad()
def test_best_slates_are_not_just_the_items_that_are_best_alone():
    """Otherwise the test above would not tell."""
    made, seen = network(), observations()
    _, weight, gain = made._parts(seen)
    alone = (weight * gain[:, :, 0] / (1.0 + weight)).argsort(dim=1, descending=True)
    together = made.best(seen).sort(dim=1).values
    assert (alone[:, :SLATE_SIZE].sort(dim=1).values != together).any()


@torch.no_grad()
def test_flat_values_are_one_for_each_slate():
    torch.manual_seed(0)
    made, seen = FlatSlateValues(SPACE, 16, len(ALL_SLATES)), observations()
    numbers = [torch.full((N_PEOPLE, 1), number) for number in range(len(ALL_SLATES))]
    values = torch.cat([made.values(seen, each) for each in numbers], dim=1)
    assert torch.equal(made.best(seen)[:, 0], values.argmax(dim=1))
    shuffled = seen | {"candidates": seen["candidates"].flip(1)}
    assert not torch.allclose(values[:, :1], made.values(shuffled, numbers[0]))


def test_the_quantile_loss_is_least_at_the_quantiles():
    """Of targets far apart, whose quantiles at 1/8, 3/8, ... lie between each two of them."""
    targets = torch.tensor([[0.0, 10.0, 20.0, 30.0]])

    def loss(values):
        return float(SlateQRDQN.loss(None, torch.tensor([values]), targets))

    def expected(values):
        total = 0.0
        for place, value in enumerate(values):
            level = (2 * place + 1) / (2 * len(values))
            for target in (0.0, 10.0, 20.0, 30.0):
                apart = abs(target - value)
                huber = apart - 0.5 if apart > 1 else apart**2 / 2
                total += abs(level - (target < value)) * huber / 4
        return total

    for values in ([0.0, 10.0, 20.0, 30.0], [3.0, 3.5, 9.7, 40.0]):
        assert loss(values) == pytest.approx(expected(values), rel=1e-5)
    best = [0.0, 10.0, 20.0, 30.0]
    for place in range(4):
        for step in (-4.0, 4.0):
            moved = [value + step * (place == index) for index, value in enumerate(best)]
            assert loss(moved) > loss(best)
