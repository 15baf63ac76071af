"""What of a person an encoder compares with candidates, and that their order means nothing."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from recsim_env.envs.registry import ENVIRONMENTS

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

from recsim_env.agents.networks.encoder import (  # noqa: E402 (needs torch)
    CandidateEncoder,
    CandidateScores,
    scores_only,
    split,
    values_only,
)

SHAPES = {
    "candidates": (5, 3),
    "narrow": (2,),
    "as_wide": (3,),
    "wide": (7,),
    "rows": (4, 3),
    "response": (2, 6),
}
SPACE = spaces.Dict({n: spaces.Box(-9.0, 9.0, shape, np.float32) for n, shape in SHAPES.items()})


def test_fields_are_cut_from_their_end_into_blocks_as_wide_as_features():
    encoder = CandidateEncoder(SPACE, 8)
    assert set(encoder.blocks) == {("as_wide", 0, 3), ("wide", 4, 7), ("wide", 1, 4)}
    assert encoder.rows == ["rows"]


@torch.no_grad()
def test_candidates_in_another_order_are_described_alike():
    rng = np.random.default_rng(0)
    seen = {
        name: torch.as_tensor(rng.normal(size=(6, *shape)).astype(np.float32))
        for name, shape in SHAPES.items()
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = CandidateEncoder(SPACE, 8)
    order = torch.as_tensor(rng.permutation(5))
    person, items = encoder(seen)
    same, turned = encoder(seen | {"candidates": seen["candidates"][:, order]})
    assert torch.equal(person, same)
    torch.testing.assert_close(turned, items[:, order])
    assert person.shape == (6, 8)
    assert items.shape == (6, 5, 8)
    for name in ("as_wide", "rows"):  # what is compared tells candidates apart
        gap = encoder(seen | {name: seen[name] + 1.0})[1] - items
        assert not torch.allclose(gap, gap[:, :1].expand_as(gap), atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("spacing", [0, 1, 3])
@pytest.mark.parametrize("offset", [0, 1, 2, 6])
def test_where_what_is_seen_lies_in_memory_changes_no_bit(offset, spacing):
    space = spaces.Dict(
        {
            n: spaces.Box(-9.0, 9.0, s, np.float32)
            for n, s in {"candidates": (10, 8), "rows": (7, 8)}.items()
        }
    )
    rng = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = CandidateEncoder(space, 8)
    seen, records = {}, {}
    for name, box in space.items():
        seen[name] = torch.as_tensor(rng.normal(size=(6, *box.shape)).astype(np.float32))
        rows, (n_rows, n_features) = seen[name].flatten(1), box.shape
        size = rows.shape[1] + spacing
        memory = torch.zeros(offset + 6 * size)
        strides = size, n_features, 1
        records[name] = memory.as_strided((6, n_rows, n_features), strides, offset)
        records[name].copy_(seen[name])
    for one, other in zip(encoder(seen), encoder(records), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["InterestEvolution", "RatedCatalogue", "MusicStreaming"])
def test_flat_observations_are_split_into_their_fields(name):
    env, flat = (
        gymnasium.make_vec(f"recsim_env/{name}-v0", num_envs=3, flat=is_flat)
        for is_flat in (False, True)
    )
    observation, vectors = env.reset(seed=1)[0], torch.as_tensor(flat.reset(seed=1)[0])
    space = env.single_observation_space
    fields = split(vectors, space)
    assert set(fields) == {k for k, part in space.items() if isinstance(part, spaces.Box)}
    for each, value in fields.items():
        assert np.array_equal(value.numpy(), observation[each])
    ahead = split(torch.stack([vectors, vectors]), space)  # (time, person)
    assert ahead["candidates"].shape == (2, 3, *space["candidates"].shape)
    with pytest.raises(ValueError, match=r"are not of this space, whose fields \(.*\) have"):
        split(vectors[:, 1:], space)
    with pytest.raises(TypeError, match="make the environment with flat=False"):
        split(vectors, flat.single_observation_space)


def test_every_environment_shows_its_fields_in_the_order_of_a_flat_observation():
    for name in ENVIRONMENTS:
        env = gymnasium.make(f"recsim_env/{name}").unwrapped
        schema = env.scenario.schema
        assert list(env.observation_space.spaces) == list(schema.spaces)


@torch.no_grad()
def test_where_nothing_is_known_of_a_person_candidates_still_differ():
    space = spaces.Dict({"candidates": SPACE["candidates"]})
    network = CandidateScores(space, 8)
    scores, values = network({"candidates": torch.rand(6, 5, 3)})
    assert scores.shape == (6, 5)
    assert values.shape == (6, 1)
    assert (scores.std(dim=1) > 0).all()


def test_without_features_of_candidates_there_is_nothing_to_encode():
    with pytest.raises(ValueError, match="no features of candidates, only narrow"):
        CandidateEncoder(spaces.Dict({"narrow": SPACE["narrow"], "id": spaces.Discrete(3)}), 8)


def test_halves_have_the_weights_and_the_answers_of_their_half():
    torch.manual_seed(0)
    whole = CandidateScores(SPACE, 8)
    seen = {name: torch.randn(4, *shape) for name, shape in SHAPES.items()}
    for half, answer in ((scores_only(SPACE, 8), "scores"), (values_only(SPACE, 8), "values")):
        names = list(half.state_dict())
        half.load_state_dict({name: whole.state_dict()[name] for name in names})
        assert torch.equal(getattr(half, answer)(seen), getattr(whole, answer)(seen))
    own = [set(half(SPACE, 8).state_dict()) for half in (scores_only, values_only)]
    assert not own[0] & own[1]
    assert own[0] | own[1] == set(whole.state_dict())
