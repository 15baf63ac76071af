"""People and items as nodes of one graph, who take after whom they are linked to: LightGCN."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.pairs import Pairs
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings
from recsim_env.compiler.kernel_cache import compiled
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting

# Spread of the embeddings before the first step.
_START = 0.1

# Constants of Adam, as published.
_FADING, _SQUARE_FADING, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, kw_only=True)
class LightGCNSettings(RecommenderSettings):
    """Settings of `LightGCN`."""

    refit_every: int = 5_000
    factors: int = setting(32, low=1, doc="numbers a person and item")
    layers: int = setting(
        3,
        search=Search(choices=(1, 2, 3, 4)),
        low=1,
        doc="how many links away somebody still tells of one",
    )
    epochs: int = setting(100, low=1, doc="how often all likes are passed through")
    batch_size: int = setting(2_048, low=1, doc="pairs a step")
    learning_rate: float = setting(
        0.01, search=Search(0.001, 0.1, log=True), above=0.0, high=LARGE, doc="of Adam"
    )
    regularization: float = setting(
        1e-4,
        search=Search(1e-6, 1e-2, log=True),
        low=0.0,
        high=LARGE,
        doc="of the embeddings in a pair",
    )
    passed_share: float = setting(
        1.0, low=0.0, high=1.0, doc="of items passed over among those compared with what was liked"
    )


class LightGCN(Recommender[LightGCNSettings]):
    """Shows the candidates that are near a person in the graph of who liked what.

    Idea: an item is like the people who like it, and they are like what they like; so a few likes
      reach, over several links, what people of similar taste liked.
    Update: A_ui is how much u liked i in all, d a node's sum of A. With e⁰ learned,
      e_uᵏ⁺¹ = sum_i A_ui e_iᵏ / sqrt(d_u d_i), and likewise for items; e is the mean of e⁰ to
      eᴷ, K being `layers`. Affinity is a_ui = e_u·e_i. Minimise the mean of -ln sigma(a_ui - a_uj)
      + regularization (|e_u⁰|² + |e_i⁰|² + |e_j⁰|²) / 2 by Adam over pairs as `bpr` draws them:
      u liked i, and j was passed over in the same session, or is any item. What is liked in this
      session are further links of the person, whose e follows at once, also that of a stranger; a
      new item has the mean outcome. See `Personalization` for what is served.
    Cost: O((layers likes + people + items) factors) a step, and likes / batch_size steps an epoch;
      O(n_candidates factors) a decision; 8 bytes a factor of every person in the log and item.
    Source: He, Deng, Wang, Li, Zhang and Wang 2020, "LightGCN: simplifying and powering graph
      convolution network for recommendation"; Adam: Kingma and Ba 2015.
    Differs: a link counts as much as was liked, and what was passed over may be compared with
      (`passed_share=0` is the original). Layers are linear and the same both ways, so the slope
      in e⁰ is the slope in e passed through the same layers, and no library need find it. While
      learning, a session counts twice between a refit and the session's end.
    Defaults: chosen on RatedCatalogue at 20,000 interactions.
    """

    layout: ClassVar[Mapping[str, str]] = {
        "own": "f U K",
        "heard": "f U K",
        "links": "f U",
        "items": "f I K",
        "given": "f I K",
    }
    Settings = LightGCNSettings

    @classmethod
    def fit_table(cls, fit: Fit[LightGCNSettings]) -> dict[str, np.ndarray]:
        """Returns the embeddings of items, and what those of people are made of."""
        likes = fit.table.likes().astype(np.float32)
        graph = Graph(likes, fit.settings.layers)
        start = _trained(graph, fit)
        own = graph.parts(start)[0] / (graph.layers + 1)
        own[graph.user_links == 0] = 0.0  # nothing moved them from where they began
        given = graph.given(start)
        return {
            "own": own,
            "heard": np.asarray(likes @ given),
            "links": graph.user_links,
            "items": graph.parts(graph.spread(start))[1],
            "given": given,
        }

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns e_u·e_i; what was liked in this session are links more."""
        nothing, is_recent = np.zeros(model["items"].shape[1], np.float32), query.recent >= 0
        heard = query.of_users(model["heard"], nothing)
        heard = heard + (model["given"][query.recent] * is_recent[:, :, None]).sum(axis=1)
        links = query.of_users(model["links"], np.array(0.0)) + is_recent.sum(axis=1)
        people = query.of_users(model["own"], nothing)
        people = people + heard / np.sqrt(np.where(links > 0, links, 1.0))[:, None]
        return query.products(people.astype(np.float32), model["items"])


class Graph:
    """Who liked what, as links between people and items.

    Args:
      likes: (n_users, n_items), how much.
      layers: how many links embeddings spread over.

    Attributes:
      layers: as given.
      user_links: (n_users,), sums of likes.
    """

    def __init__(self, likes: sparse.csr_array, layers: int) -> None:
        self.layers = layers
        self.user_links = np.asarray(likes.sum(axis=1))
        self._item_scale = _inverse_root(np.asarray(likes.sum(axis=0)))
        scaled = sparse.diags_array(_inverse_root(self.user_links)) @ likes
        self._to_people = (scaled @ sparse.diags_array(self._item_scale)).tocsr()
        self._to_items = self._to_people.T.tocsr()

    def parts(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns people and items, of nodes (n_users + n_items, ...)."""
        return nodes[: len(self.user_links)], nodes[len(self.user_links) :]

    def spread(self, nodes: np.ndarray) -> np.ndarray:
        """Returns the mean of a node's embedding over all layers, (n_users + n_items, factors)."""
        return np.asarray(sum(self._layers(nodes))) / np.float32(self.layers + 1)

    def given(self, nodes: np.ndarray) -> np.ndarray:
        """Returns what a link to each item adds to a person's sqrt(links) e, (n_items, factors)."""
        items = sum(self.parts(layer)[1] for layer in self._layers(nodes)[:-1])
        return np.asarray(items * self._item_scale[:, None] / np.float32(self.layers + 1))

    def _layers(self, nodes: np.ndarray) -> list[np.ndarray]:
        found = [nodes]
        for _ in range(self.layers):
            people, items = self.parts(found[-1])
            found.append(np.concatenate([self._to_people @ items, self._to_items @ people]))
        return found


def _inverse_root(links: np.ndarray) -> np.ndarray:
    """Returns 1 / sqrt(links), 0 where there are none."""
    return np.where(links > 0, 1.0 / np.sqrt(np.where(links > 0, links, 1.0)), 0.0).astype("f4")


def _trained(graph: Graph, fit: Fit[LightGCNSettings]) -> np.ndarray:
    """Returns the e⁰ of people and items after all epochs, (n_users + n_items, factors)."""
    settings, rng = fit.settings, np.random.default_rng(fit.seed)
    n_users, n_nodes = fit.table.n_users, fit.table.n_users + fit.table.n_items
    nodes = rng.normal(0.0, _START, (n_nodes, settings.factors)).astype(np.float32)
    adam, pairs = Adam(nodes, settings.learning_rate), Pairs(fit.table, settings.passed_share)
    for _ in range(settings.epochs):
        user, item, other = pairs.draw(rng)
        for first in range(0, len(user), settings.batch_size):
            batch = slice(first, first + settings.batch_size)
            pair = (user[batch], n_users + item[batch], n_users + other[batch])
            decay = np.bincount(np.concatenate(pair), minlength=n_nodes) / len(pair[0])
            slope = graph.spread(_slope(graph.spread(nodes), *pair))
            adam.step(slope + (settings.regularization * decay).astype("f4")[:, None] * nodes)
    return nodes


@compiled
def _slope(
    nodes: np.ndarray, users: np.ndarray, better_ones: np.ndarray, worse_ones: np.ndarray
) -> np.ndarray:
    """Returns the slope in all embeddings of the mean of -ln sigma(lead) of some pairs."""
    slope = np.zeros_like(nodes)
    for index in range(len(users)):
        user, item, other = users[index], better_ones[index], worse_ones[index]
        lead = 0.0
        for k in range(nodes.shape[1]):
            lead += nodes[user, k] * (nodes[item, k] - nodes[other, k])
        step = 1.0 / ((1.0 + np.exp(lead)) * len(users))
        for k in range(nodes.shape[1]):
            slope[user, k] -= step * (nodes[item, k] - nodes[other, k])
            slope[item, k] -= step * nodes[user, k]
            slope[other, k] += step * nodes[user, k]
    return slope


class Adam:
    """Changes an array in place, against slopes, by steps that their sizes do not change."""

    def __init__(self, values: np.ndarray, learning_rate: float) -> None:
        self._values, self._rate = values, learning_rate
        self._mean, self._square = np.zeros_like(values), np.zeros_like(values)
        self._n_steps = 0

    def step(self, slope: np.ndarray) -> None:
        """Takes a step."""
        self._n_steps += 1
        self._mean += np.float32(1.0 - _FADING) * (slope - self._mean)
        self._square += np.float32(1.0 - _SQUARE_FADING) * (slope**2 - self._square)
        rate = self._rate / (1.0 - _FADING**self._n_steps)
        root = np.sqrt(self._square / np.float32(1.0 - _SQUARE_FADING**self._n_steps))
        self._values -= np.float32(rate) * self._mean / (root + np.float32(_TINY))
