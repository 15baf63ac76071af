"""The networks of the deep recommenders, and how they learn.

Import this module where it is used: it needs torch.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsim_env.agents.networks.compute import device_of
from recsim_env.agents.recommenders.tower_model import LONGEST, TowerSettings

# The spread of weights at first.
_START = 0.1


class Embedding(nn.Module):
    """A vector for each id, and in the last row, (n_ids + 1, width), that of the unknown: id -1."""

    def __init__(self, n_ids: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(_START * torch.randn(n_ids + 1, width))

    def forward(self, ids: Tensor) -> Tensor:
        """Returns (..., width) for ids (...)."""
        return functional.embedding(ids % len(self.weight), self.weight)


class FeatureNet(nn.Module):
    """A linear map of features, plus a network with one hidden layer."""

    def __init__(self, n_features: int, hidden: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_features, width)
        self.inner = nn.Linear(n_features, hidden)
        self.outer = nn.Linear(hidden, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Returns (..., width) for standardised features (..., n_features)."""
        result: Tensor = self.linear(features)
        return result + self.outer(functional.relu(self.inner(features)))


@dataclass(frozen=True)
class Sizes:
    """How many people and items have vectors, of which width, and features of both."""

    n_users: int
    n_items: int
    n_context: int
    n_features: int
    width: int
    hidden: int


class Towers(nn.Module, ABC):
    """A network that makes a vector of a person, and one that makes a vector of an item.

    An item's vector has one number more, its bias. What a person liked is a state that goes on with
    each like; a subclass says how, in `begin`, `after` and `taste`.

    Args:
      sizes: of what it knows.
      dropout: how often numbers are left out; it is for learning, and else 0.
    """

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.items = Embedding(sizes.n_items, sizes.width + 1)
        self.liked = Embedding(sizes.n_items, sizes.width)
        self.level = nn.Parameter(torch.zeros(()))
        self.context_net = self.feature_net = None
        if sizes.n_context:
            self.context_net = FeatureNet(sizes.n_context, sizes.hidden, sizes.width)
        if sizes.n_features:
            self.feature_net = FeatureNet(sizes.n_features, sizes.hidden, sizes.width + 1)

    @abstractmethod
    def begin(self, n: int) -> Tensor:
        """Returns the states of `n` people who liked nothing yet, (n, state width)."""

    @abstractmethod
    def taste(self, user: Tensor, state: Tensor) -> Tensor:
        """Returns what people and their states say of them, (n, width)."""

    @abstractmethod
    def after(self, state: Tensor, liked: Tensor) -> Tensor:
        """Returns the states after all likes, which may stand anywhere among -1."""

    def person(self, taste: Tensor, context: Tensor) -> Tensor:
        """Returns the vectors of people of these tastes at a moment, (n, width)."""
        return taste if self.context_net is None else taste + self.context_net(context)

    def item(self, item: Tensor, features: Tensor) -> Tensor:
        """Returns the vectors of items as they look, (..., width + 1)."""
        vectors: Tensor = self.items(item)
        return vectors if self.feature_net is None else vectors + self.feature_net(features)


class MeanTowers(Towers):
    """A person is an id, and the sum of what they liked over the root of its number.

    The state holds the sum and, last, the number.
    """

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__(sizes, dropout)
        self.people = Embedding(sizes.n_users, sizes.width)

    def begin(self, n: int) -> Tensor:
        """Returns nothing liked: zeros."""
        weight = self.liked.weight
        return weight.new_zeros(n, weight.shape[1] + 1)

    def after(self, state: Tensor, liked: Tensor) -> Tensor:
        """Returns the states after all likes; their order does not matter."""
        is_liked = (liked >= 0).to(state.dtype)
        vectors = self.liked(liked) * is_liked[:, :, None]
        added = [vectors.sum(dim=1), is_liked.sum(dim=1, keepdim=True)]
        return state + torch.cat(added, dim=1)

    def taste(self, user: Tensor, state: Tensor) -> Tensor:
        """Returns the vector of the id plus that of what was liked."""
        vectors: Tensor = self.people(user)
        return vectors + state[:, :-1] / state[:, -1:].clamp(min=1.0).sqrt()


class OrderedTowers(Towers):
    """A person is what they liked, in order, whoever they are.

    A subclass reads whole parts of what people liked in `along`.
    """

    @abstractmethod
    def along(self, liked: Tensor) -> Tensor:
        """Returns the vectors of people before and after each like.

        Args:
          liked: (n, length), the items, the first first; then -1 where there are fewer.

        Returns:
          (n, length + 1, width); what follows the last like does not count.
        """


class RecurrentTowers(OrderedTowers):
    """What somebody liked is the state of a recurrent network."""

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__(sizes, dropout)
        self.start = nn.Parameter(torch.zeros(sizes.width))
        self.order = nn.GRU(sizes.width, sizes.width, batch_first=True)

    def begin(self, n: int) -> Tensor:
        """Returns the learned state of a stranger."""
        return self.start.expand(n, -1)

    def along(self, liked: Tensor) -> Tensor:
        """Returns the states from the beginning on."""
        return self._states(self.begin(len(liked)), liked)

    def _states(self, state: Tensor, liked: Tensor) -> Tensor:
        """Returns the states before and after each like, as `along` does, from any on."""
        if not liked.shape[1]:
            return state[:, None]
        following, _ = self.order(self.liked(liked), state[None].contiguous())
        return torch.cat([state[:, None], following], dim=1)

    def after(self, state: Tensor, liked: Tensor) -> Tensor:
        """Returns the states after all likes, which may stand anywhere among -1, in their order."""
        liked, n_liked = _first(liked)
        return self._states(state, liked)[torch.arange(len(liked), device=liked.device), n_liked]

    def taste(self, user: Tensor, state: Tensor) -> Tensor:
        """Returns the state, whoever it is."""
        return state


class AttentiveTowers(OrderedTowers):
    """What somebody liked is read by a transformer, each like in view of those before it.

    The state holds the last items themselves, the latest last, and -1 where there are fewer.
    """

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__(sizes, dropout)
        width = sizes.width
        self.start = nn.Parameter(_START * torch.randn(width))
        self.positions = nn.Parameter(_START * torch.randn(LONGEST + 1, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 1, width, dropout, batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)

    def begin(self, n: int) -> Tensor:
        """Returns no items."""
        return torch.full((n, LONGEST), -1, dtype=torch.int32, device=self.start.device)

    def along(self, liked: Tensor) -> Tensor:
        """Returns what the last block makes of a learned beginning, and of each like."""
        begun = self.start.expand(len(liked), 1, -1)
        n_places = liked.shape[1] + 1
        places = torch.cat([begun, self.liked(liked)], dim=1) + self.positions[:n_places]
        places = functional.dropout(places, self.dropout)
        later = nn.Transformer.generate_square_subsequent_mask(n_places, device=liked.device)
        for block in self.blocks:
            places = block(places, src_mask=later, is_causal=True)
        read: Tensor = self.norm(places)
        return read

    def after(self, state: Tensor, liked: Tensor) -> Tensor:
        """Returns the last items of all, in their order."""
        every = torch.cat([state, liked], dim=1)
        none_first = torch.argsort((every >= 0).int(), dim=1, stable=True)
        return every.gather(1, none_first)[:, -LONGEST:].int()

    def taste(self, user: Tensor, state: Tensor) -> Tensor:
        """Returns what was read when all the items were, whoever liked them."""
        state, which = torch.unique(state, dim=0, return_inverse=True)  # each is read once
        liked, n_liked = _first(state)
        read = self.along(liked)[torch.arange(len(liked), device=liked.device), n_liked]
        return read[which]


def _first(liked: Tensor) -> tuple[Tensor, Tensor]:
    """Returns likes with what is none behind them, as short as can be, and how many they are."""
    n_liked = (liked >= 0).sum(dim=1)
    order = torch.argsort((liked < 0).int(), dim=1, stable=True)
    return liked.gather(1, order)[:, : int(n_liked.max())], n_liked


@dataclass(frozen=True, eq=False)
class Lessons:
    """The rows of a table as tensors.

    Attributes:
      user, item: (n,), -1 where there are no ids.
      context, features: (n, G) and (n, F), standardised.
      speaks_for, speaks_against: (n,), how much a row says that the item is liked, or is not.
      log_chance: (n,), log of how often the item of a row is among what was liked.
      liked: (n_parts, length), parts of what people liked.
      part, place: (n,), which part, and how many of it, a row's person had liked before.
    """

    user: Tensor
    item: Tensor
    context: Tensor
    features: Tensor
    speaks_for: Tensor
    speaks_against: Tensor
    log_chance: Tensor
    liked: Tensor
    part: Tensor
    place: Tensor

    def batches(self, size: int) -> tuple[Tensor, ...]:
        """Returns the rows in random order, those of one part together."""
        turn = torch.randperm(len(self.liked))[self.part.cpu()]
        return torch.argsort(turn, stable=True).to(self.part.device).split(size)

    def tastes(self, net: Towers, user: Tensor, rows: Tensor) -> Tensor:
        """Returns the tastes of the people of some rows just before, (n, width).

        Args:
          net: the towers.
          user: (n,), who they are, or -1 where that is forgotten.
          rows: (n,).
        """
        part, which = torch.unique(self.part[rows], return_inverse=True)
        liked = self.liked[part]
        if isinstance(net, OrderedTowers):
            place = self.place[rows]
            return net.along(liked[:, : int(place.max())])[which, place]
        return net.taste(user, net.after(net.begin(len(part)), liked)[which])  # a part ends there


class Loss:
    """What a network has to say of some rows of its lessons, and how wrong it is.

    Each row tells whether an item that was seen is liked. Where nobody is shown anything, and a log
    tells of likes alone, the items to compare with are sampled; see `sampled_softmax`.

    Args:
      lessons: the rows.
      settings: of the recommender.
    """

    def __init__(self, lessons: Lessons, settings: TowerSettings) -> None:
        self.lessons, self.settings = lessons, settings
        self._liked = torch.nonzero(lessons.speaks_for > 0)[:, 0]
        told = float(lessons.speaks_against.sum() / lessons.speaks_for.sum())
        self.softmax_weight = max(0.0, 1.0 - told)

    def __call__(self, net: Towers, rows: Tensor) -> Tensor:
        """Returns the mean loss of some rows."""
        lessons = self.lessons
        user = _forgetting(lessons.user[rows], self.settings.id_dropout)
        people = net.person(lessons.tastes(net, user, rows), lessons.context[rows])
        people = functional.dropout(people, net.dropout)
        people = functional.pad(people, (0, 1), value=1.0)
        items = self._items(net, rows)
        score = (people * items).sum(dim=1)
        speaks_for, against = lessons.speaks_for[rows], lessons.speaks_against[rows]
        known = functional.logsigmoid(score + net.level) * speaks_for
        loss = known + functional.logsigmoid(-score - net.level) * against
        if not self.softmax_weight:
            return -loss.mean()
        others = self._liked[torch.randint(len(self._liked), (len(rows),))]
        sampled = sampled_softmax(
            torch.cat([score[:, None], people @ self._items(net, others).T], dim=1),
            torch.cat(
                [lessons.log_chance[rows, None], lessons.log_chance[others].expand(len(rows), -1)],
                dim=1,
            ),
        )
        return (self.softmax_weight * speaks_for * sampled - loss).mean()

    def _items(self, net: Towers, rows: Tensor) -> Tensor:
        """Returns the vectors of items; where features tell of them, some ids are forgotten."""
        share = self.settings.id_dropout if net.feature_net is not None else 0.0
        item = _forgetting(self.lessons.item[rows], share)
        return net.item(item, self.lessons.features[rows])


def _forgetting(ids: Tensor, share: float) -> Tensor:
    """Returns ids, a share of them -1, so that the unknown is learned too."""
    return torch.where(torch.rand(ids.shape, device=ids.device) < share, -1, ids)


def sampled_softmax(scores: Tensor, log_chance: Tensor) -> Tensor:
    """Returns -log of the chance of each row's first item among those sampled.

    Each score is lowered by the log of how often its item is sampled, so that the popular are not
    punished for being sampled often; with many items it tends to the softmax over all items.

    Args:
      scores: (n, 1 + n_sampled).
      log_chance: log Q of the items, shaped alike.

    Returns:
      (n,).

    Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
      recommendations".
    """
    first = torch.zeros(len(scores), dtype=torch.int64, device=scores.device)
    return functional.cross_entropy(scores - log_chance, first, reduction="none")


def train(
    net: Towers, lessons: Mapping[str, np.ndarray], settings: TowerSettings, *, epochs: int
) -> None:
    """Fits a network, on the device of the settings, by AdamW (Loshchilov and Hutter 2019).

    Args:
      net: is changed.
      lessons: arrays of `Lessons`.
      settings: of the recommender.
      epochs: passes over the rows.
    """
    device = device_of(settings.device)
    net.to(device)
    tensors = {name: torch.as_tensor(value, device=device) for name, value in lessons.items()}
    loss_of = Loss(Lessons(**tensors), settings)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    for _ in range(epochs):
        for rows in loss_of.lessons.batches(settings.batch_size):
            loss = loss_of(net, rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
