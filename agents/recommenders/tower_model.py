"""Two towers as a model of a table: fitted, going on from the last fit, and served."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.core.features import CONTEXT_FIELDS
from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import fits, require_range
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import RecommenderSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.data.interactions import Interactions

# The weights that have a row for every person or item, and one for the unknown.
_OF_PEOPLE, _OF_ITEMS = ("net.people.weight",), ("net.items.weight", "net.liked.weight")

# People whose states are computed at a time.
_BLOCK = 4_096

#: How a model is laid out; see `Recommender.layout`.
LAYOUT = {
    "context_scale": "f 2 G",
    "feature_scale": "f 2 F",
    "sizes": "i 6",
    "states": "f U S",
    "vectors": "f I V",
}

#: Observation fields that the towers take.
FIELDS = (*CONTEXT_FIELDS, "candidates")

#: How many of the last likes of a person are remembered from the table.
REMEMBERED = 50

#: The most likes that a network which reads them in order learns to read at once.
LONGEST = REMEMBERED - 1

#: Where torch computes.
DEVICES = ("cpu", "cuda", "auto")

#: Items in parts (n_parts, length), the latest last or then -1; part and place, (n,) each.
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class TowerSettings(RecommenderSettings):
    """Settings of recommenders with two towers."""

    refit_every: int = 5_000
    width: int = setting(32, low=1, doc="numbers of an embedding")
    hidden: int = setting(64, low=1, doc="units of the networks of features")
    epochs: int = setting(8, low=1, doc="passes over the table by the first fit")
    warm_epochs: int = setting(2, low=1, doc="passes by the fits that go on from the first")
    batch_size: int = setting(1_024, low=1, doc="of AdamW")
    learning_rate: float = setting(
        0.003, search=Search(0.0003, 0.03, log=True), above=0.0, high=LARGE, doc="of AdamW"
    )
    weight_decay: float = setting(
        1.0,
        search=Search(0.1, 10.0, log=True),
        low=0.0,
        high=LARGE,
        doc="of AdamW; that strong, as a log has few rows a person",
    )
    dropout: float = setting(
        0.2, search=Search(0.0, 0.5), low=0.0, below=1.0, doc="of a user's embedding"
    )
    id_dropout: float = setting(0.3, low=0.0, below=1.0, doc="how often an id is forgotten")
    device: str = setting(
        "cpu", choices=DEVICES, doc="where torch learns; auto is the GPU where there is one"
    )


@dataclass(frozen=True)
class TowerModel:
    """A user's embedding and an item's, each made by a network; their product is the affinity a.

    The item's is its id's plus a network of its features, with a bias; the user's is what they
    liked (as the kind of towers says) plus a network of the context. Learned are:

    - from each row, whether who saw the item liked it: with l the liking, w the attention and c one
      number that is learned, -l log sigma(a + c) - w max(1 - l, 0) log sigma(-a - c);
    - where the table tells less of passes than of likes (a real log tells of none), the choice of
      the liked item among as many sampled likes as a batch has rows, corrected for how often they
      are sampled (see `towers.sampled_softmax`), weighted by what is lacking.

    Served is the outcome of the item, plus w (a - the mean of a when it was shown), so that what
    features tell of a new item counts in full, and an item that was shown to those who like it is
    not taken to be good for all. Unknown people have a vector learned by forgetting ids now and
    then; so have unknown items where there are features, else the mean of all.

    The settings' defaults were chosen on logs of MusicStreaming, RatedCatalogue and NewsFeed, of
    20,000 interactions; a real log of likes alone wants less decay and more epochs.

    Args:
      kind: the class in `towers`.
      parts: returns what people liked in parts, and which part, and how far in it, the person of
        each row of a table had come.
    """

    kind: str
    parts: Callable[[Interactions], Parts]

    def network(self, sizes: Any, dropout: float = 0.0) -> Any:
        """Returns the untrained `towers.Towers` of these `Sizes`."""
        towers, _ = _torch_modules()
        return getattr(towers, self.kind)(sizes, dropout)

    def fit(self, fit: Fit[TowerSettings]) -> dict[str, np.ndarray]:
        """Returns the weights, and the states and vectors that follow from them."""
        towers, compute = _torch_modules()
        table, settings = fit.table, fit.settings
        seen = np.unique(table.item) if table.n_items else np.empty(0, np.int64)
        sizes = {
            "n_users": table.n_users,
            "n_items": len(seen),
            "n_context": table.context.shape[1],
            "n_features": table.features.shape[1],
            "width": settings.width,
            "hidden": settings.hidden,
        }
        scales = {
            "context_scale": _scale(table.context),
            "feature_scale": _scale(table.features),
        }
        lessons = _lessons(table, seen, self.parts(table), scales)
        with compute.computing(fit.seed):
            net = self.network(towers.Sizes(**sizes), settings.dropout)
            fresh = compute.arrays_of(net)
            epochs = settings.epochs
            if fit.previous is not None and _fits(fit.previous, fresh):
                compute.take(net, _warm(fit, fresh, seen))
                epochs = settings.warm_epochs
            towers.train(net, lessons, settings, epochs=epochs)
            weights = compute.arrays_of(net)
        model = _with_unknown(weights, table, seen, settings.id_dropout) | scales
        model["sizes"] = np.array([*(sizes | {"n_items": table.n_items}).values()])
        return model | self._known(model, table)

    def _known(self, model: Model, table: Interactions) -> dict[str, np.ndarray]:
        """Returns everybody's state, and the vector of every item as it looked last."""
        looks = np.tile(model["feature_scale"][0], (table.n_items, 1))
        if table.n_items:
            looks[table.item] = table.features
        with self._serving(model) as net:
            histories = table.histories(REMEMBERED)
            blocks = [histories[i : i + _BLOCK] for i in range(0, len(histories), _BLOCK)]
            states = [net.after(net.begin(len(block)), _tensor(block)) for block in blocks]
            vectors = net.item(_tensor(np.arange(table.n_items)), _seen(looks, model, "feature"))
            return {"states": np.concatenate(states), "vectors": vectors.numpy()}

    def affinity(self, model: Model, query: Query) -> np.ndarray:
        """Returns products of the vectors of people and items, this session's changes included."""
        n = len(query.user)
        with self._serving(model) as net:
            state = _tensor(query.of_users(model["states"], net.begin(1)[0].numpy()))
            context = model["context_scale"][0] if query.context is None else query.context
            context = np.broadcast_to(context, (n, len(model["context_scale"][0])))
            taste = net.taste(_tensor(query.user), net.after(state, _tensor(query.recent)))
            people = net.person(taste, _seen(context, model, "context")).numpy()
            people = np.hstack([people, np.ones((n, 1), np.float32)])
            if query.features is None or net.feature_net is None:
                return query.products(people, model["vectors"])
            item = query.item
            if item is None:
                every = np.arange(len(model["vectors"])) if len(model["vectors"]) else -1
                item = np.full(query.features.shape[:2], every)
            items = net.item(_tensor(item), _seen(query.features, model, "feature")).numpy()
        return np.asarray(np.matmul(items, people[:, :, None])[:, :, 0])

    @contextlib.contextmanager
    def _serving(self, model: Model) -> Iterator[Any]:
        """Yields the fitted network for computing without learning; it shares its memory."""
        import torch

        _, compute = _torch_modules()
        sizes = tuple(model["sizes"].tolist())
        with compute.computing(), torch.inference_mode():
            net = _without_weights(self, sizes, threading.get_ident())
            compute.take(net, model)
            yield net

    def check(self, model: Model, sizes: Mapping[str, int]) -> None:
        """Raises ValueError unless a model that is laid out well has weights that fit its sizes."""
        import torch

        towers, compute = _torch_modules()
        sizes = {"U": len(model["states"])} | dict(sizes)
        built = towers.Sizes(*model["sizes"].tolist())
        found = (built.n_users, built.n_items, built.n_context, built.n_features)
        if found != tuple(sizes[name] for name in "UIGF"):
            raise ValueError("sizes are of another log")
        for name in ("width", "hidden"):
            n_numbers = max(value.size for value in model.values())
            require_range(name, np.array(getattr(built, name)), low=1, high=n_numbers)
        with compute.computing(), torch.device("meta"):
            net = self.network(built)
            begun = net.begin(1)
        compute.check_weights(net, model)
        of_state = "f U S" if begun.is_floating_point() else "i U S"
        known = sizes | {"S": begun.shape[1], "V": built.width}
        fits(model, {"states": of_state, "vectors": "f I V+1"}, known)
        if not begun.is_floating_point():
            require_range("states", model["states"], low=-1, high=built.n_items - 1)


@functools.lru_cache(maxsize=2)
def _without_weights(model: TowerModel, sizes: tuple[int, ...], thread: int) -> Any:
    """Returns a network that is to be given weights; one for each thread, as each gives its own.

    It is kept, because building it takes longer than what a few people are served in.
    """
    import torch

    towers, _ = _torch_modules()
    with torch.device("meta"):
        return model.network(towers.Sizes(*sizes))


def _scale(values: np.ndarray) -> np.ndarray:
    """Returns what standardises columns, (2, n_columns): centres and factors; constants get 0."""
    centre, deviation = values.mean(axis=0), values.std(axis=0)
    varies = deviation > 1e-6 * np.maximum(1.0, np.abs(centre))
    return np.stack([centre, varies / np.where(varies, deviation, 1.0)]).astype(np.float32)


def _lessons(
    table: Interactions,
    seen: np.ndarray,
    parts: Parts,
    scales: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Returns the arrays of `towers.Lessons`; items are places in `seen`."""
    place_of = np.full(table.n_items + 1, -1)  # -1 finds the last, which stays -1
    place_of[seen] = np.arange(len(seen))
    item, (liked, part, place) = place_of[table.item], parts
    is_liked = table.liking > 0
    chance = np.bincount(item[is_liked] + 1, minlength=len(seen) + 1) / is_liked.sum()
    centre, factor = scales["context_scale"]
    feature_centre, feature_factor = scales["feature_scale"]
    speaks_against = table.examination_probability * np.maximum(1.0 - table.liking, 0.0)
    return {
        "user": table.user.astype(np.int64),
        "item": item,
        "context": (table.context - centre) * factor,
        "features": (table.features - feature_centre) * feature_factor,
        "speaks_for": table.liking.astype(np.float32),
        "speaks_against": speaks_against.astype(np.float32),
        "log_chance": np.log(np.maximum(chance, 1e-12))[item + 1].astype(np.float32),
        "liked": place_of[liked],
        "part": part,
        "place": place,
    }


def _fits(previous: Model, fresh: Model) -> bool:
    """Returns whether a network can go on from an earlier one."""
    return all(
        name in previous and np.shape(previous[name])[1:] == value.shape[1:]
        for name, value in fresh.items()
    )


def _warm(fit: Fit[TowerSettings], fresh: Model, seen: np.ndarray) -> dict[str, np.ndarray]:
    """Returns copies of earlier weights, with a row for everybody who is in the table now."""
    assert fit.previous is not None
    weights = {name: np.array(fit.previous[name]) for name in fresh}
    for name in _OF_ITEMS:
        weights[name] = weights[name][np.append(seen, -1)]
    for name in _OF_PEOPLE:
        if name in weights:
            weights[name] = weights[name][np.append(fit.places_in(fit.previous), -1)]
    return weights


def _with_unknown(
    weights: Mapping[str, np.ndarray], table: Interactions, seen: np.ndarray, id_dropout: float
) -> dict[str, np.ndarray]:
    """Returns weights with a row for every item, and what is unknown in the last."""
    model = dict(weights)
    learns_unknown = {
        "net.people.weight": id_dropout > 0,
        "net.items.weight": not len(seen) or (id_dropout > 0 and table.features.shape[1] > 0),
        "net.liked.weight": not len(seen),
    }
    for name, is_learned in learns_unknown.items():
        if name in model and not is_learned:
            model[name][-1] = model[name][:-1].mean(axis=0)
    for name in _OF_ITEMS:
        rows = np.tile(model[name][-1], (table.n_items + 1, 1))
        rows[seen] = model[name][:-1]
        model[name] = rows
    return model


def _tensor(values: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))


def _seen(values: np.ndarray, model: Model, kind: str) -> Any:
    """Returns standardised features, of kind "context" or "feature", as a tensor."""
    centre, factor = model[f"{kind}_scale"]
    return _tensor(((values - centre) * factor).astype(np.float32))


def _torch_modules() -> tuple[Any, Any]:
    """Returns the modules of the networks, and of how they compute."""
    names = ("recommenders.towers", "networks.compute")
    network, computing = (
        extra(f"recsim_env.agents.{name}", needed_by="a deep recommender") for name in names
    )
    return network, computing
