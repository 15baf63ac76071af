"""Every agent by its short name: where it is, its family, what it needs, and where it comes from.

Strings only, so that whoever names, lists or draws agents imports none of them. An agent is added
by its file and one line here, at the end of its family.
"""

from dataclasses import dataclass

#: Families of agents that learn, in the order of tables and figures, and what each ranks by.
FAMILIES = {
    "non-personalized": "what earned the most when shown, the same for everybody",
    "content and sequence": "features or order of what this person liked",
    "collaborative filtering": "what people of similar taste liked, by user and item ids",
    "multi-armed bandits": "what each item or topic earned, and how uncertain that is",
    "contextual bandits": "a model of person, moment and item features, and how uncertain it is",
    "value-based RL": "the expected return after a slate, learned online or from a log",
    "policy-based RL": "a stochastic policy, trained by policy gradient or imitation",
}

#: The family of agents that do not learn; all but `uniform` look into the simulated person.
REFERENCES = "references"

#: What is appended to an agent's name where its settings are tuned ones.
TUNED = " (tuned)"

#: What is appended to an agent's name where it sees the true state: it is a reference then.
SIGHTED = " (state)"


@dataclass(frozen=True)
class AgentEntry:
    """What is known of an agent without importing it.

    Attributes:
      family: one of `FAMILIES`, or `REFERENCES`.
      path: ``"module:Class"``.
      needs: what a scenario must have, in the words of the agent's refusal; empty for nothing.
      source: authors and year; empty for what has none.
      extra: the optional library that it imports; empty for none.
    """

    family: str
    path: str
    needs: str = ""
    source: str = ""
    extra: str = ""


def _family(name: str, **members: tuple[str, ...]) -> dict[str, AgentEntry]:
    return {
        agent: AgentEntry(name, f"recsim_env.agents.{place}", *about)
        for agent, (place, *about) in members.items()
    }


_FEATURES, _ITEMS, _IDS = "item features", "item ids", "user and item ids"
_IDS_OR_FEATURES = "item ids or features"
_ARMS, _TOPICS = "items or topics that can be told apart", "topics that can be told apart"
_CASCADE = "slates of several places, read from the top to the first click"
_TORCH, _SB3, _CONTRIB = "torch", "stable_baselines3", "sb3_contrib"

REGISTRY: dict[str, AgentEntry] = {
    **_family(
        REFERENCES,
        uniform=("references.uniform:Uniform",),
        oracle=("references.oracle:Oracle", "an expected reward"),
        diverse_oracle=(
            "references.oracle:DiverseOracle",
            "item categories",
            "Carbonell and Goldstein 1998",
        ),
        far_sighted=("references.oracle:FarSighted", "a long-term value"),
    ),
    **_family(
        "non-personalized",
        popularity=("recommenders.popularity:Popularity", _ITEMS),
        topic_quality=(
            "bandits.epsilon_greedy:TopicQuality",
            "topics or items that can be told apart",
        ),
    ),
    **_family(
        "content and sequence",
        content=("recommenders.content:Content", _FEATURES, "Pazzani and Billsus 2007"),
        two_tower=("recommenders.two_tower:TwoTower", _IDS_OR_FEATURES, "Yi et al. 2019", _TORCH),
        sequential=("recommenders.two_tower:Sequential", _ITEMS, "Hidasi et al. 2016", _TORCH),
        sasrec=("recommenders.two_tower:SASRec", _ITEMS, "Kang and McAuley 2018", _TORCH),
    ),
    **_family(
        "collaborative filtering",
        user_knn=("recommenders.knn:UserKNN", _IDS, "Herlocker et al. 1999"),
        item_knn=("recommenders.knn:ItemKNN", _IDS, "Deshpande and Karypis 2004"),
        svd=("recommenders.user_vectors:PureSVD", _IDS, "Cremonesi, Koren and Turrin 2010"),
        ials=("recommenders.ials:ImplicitALS", _IDS, "Hu, Koren and Volinsky 2008", "implicit"),
        ease=("recommenders.user_vectors:EASE", _IDS, "Steck 2019"),
        bpr=("recommenders.bpr:BPR", _IDS, "Rendle et al. 2009"),
        slim=("recommenders.slim:SLIM", _IDS, "Ning and Karypis 2011"),
        lightgcn=("recommenders.lightgcn:LightGCN", _IDS, "He et al. 2020"),
    ),
    **_family(
        "multi-armed bandits",
        epsilon_greedy=("bandits.epsilon_greedy:EpsilonGreedy", _ARMS, "Auer et al. 2002"),
        ucb=("bandits.ucb:UCB", _ARMS, "Auer et al. 2002; Garivier and Cappé 2011"),
        thompson=("bandits.thompson:Thompson", _ARMS, "Thompson 1933"),
        cascade_ucb=("bandits.ucb:CascadeUCB", _CASCADE, "Kveton et al. 2015"),
        topic_ucb=("bandits.ucb:TopicUCB", _TOPICS, "Ie et al. 2019"),
    ),
    **_family(
        "contextual bandits",
        linucb=("bandits.linear_bandit:LinUCB", _FEATURES, "Li et al. 2010"),
        lin_thompson=("bandits.linear_bandit:LinThompson", _FEATURES, "Agrawal and Goyal 2013"),
        logistic_thompson=(
            "bandits.logistic_thompson:LogisticThompson",
            _FEATURES,
            "Chapelle and Li 2011",
        ),
        neural_linear=(
            "bandits.neural_linear:NeuralLinear",
            _FEATURES,
            "Riquelme, Tucker and Snoek 2018",
            _TORCH,
        ),
    ),
    **_family(
        "value-based RL",
        dqn=("sb3.dqn:DQNAgent", _FEATURES, "Mnih et al. 2015", _SB3),
        qrdqn=("sb3.dqn:QRDQNAgent", _FEATURES, "Dabney et al. 2018", _CONTRIB),
        slateq=("rl.slateq:SlateQ", _FEATURES, "Ie et al. 2019", _TORCH),
        full_slate_q=("sb3.dqn:FullSlateQAgent", _FEATURES, "Ie et al. 2019", _SB3),
        iql=("rl.offline:ImplicitQLearning", _FEATURES, "Kostrikov et al. 2022", _TORCH),
    ),
    **_family(
        "policy-based RL",
        ppo=("policy_gradient.ppo:PPO", _FEATURES, "Schulman et al. 2017", _TORCH),
        sb3_ppo=("sb3.ppo:PPOAgent", _FEATURES, "Schulman et al. 2017", _SB3),
        a2c=("sb3.ppo:A2CAgent", _FEATURES, "Mnih et al. 2016", _SB3),
        recurrent_ppo=(
            "sb3.recurrent_ppo:RecurrentPPOAgent",
            _FEATURES,
            "Hochreiter and Schmidhuber 1997",
            _CONTRIB,
        ),
        sac=("sb3.sac:SACAgent", _FEATURES, "Haarnoja et al. 2018", _SB3),
        reinforce=("rl.reinforce:Reinforce", _FEATURES, "Chen et al. 2019", _TORCH),
        bc=("rl.offline:BehaviourCloning", _FEATURES, "Pomerleau 1989", _TORCH),
    ),
}


def names_of(family: str) -> list[str]:
    """Returns the agents of a family, in the order of the registry."""
    return [name for name, entry in REGISTRY.items() if entry.family == family]


def is_reference(label: str) -> bool:
    """Returns whether an agent is what others are measured against, and is not compared with them.

    >>> is_reference("oracle"), is_reference("ppo (state)"), is_reference("ppo (tuned)")
    (True, True, False)
    """
    label = plain_name(label)
    return label.endswith(SIGHTED) or label in names_of(REFERENCES)


def plain_name(label: str) -> str:
    """Returns the name of an agent, whether or not its settings are tuned.

    >>> plain_name("linucb (tuned)"), plain_name("linucb")
    ('linucb', 'linucb')
    """
    return label.removesuffix(TUNED)


def registered_name(name_or_path: str) -> str:
    """Returns the name of the registered agent of that name or path; of another what was given."""
    by_path = {entry.path: name for name, entry in REGISTRY.items()}
    return by_path.get(name_or_path, name_or_path)
