"""Names of estimators in full, and what each takes for granted beside right propensities."""

_NOTHING, _MODEL = "nothing", "the model"
_PLACES = "places earn independently"
_FROM_TOP = "people read from the top"
_SUM = "places add up"

#: Short name: name in full, and what is assumed; self-normalised forms assume the same.
_WORDS = {
    "dm": ("direct method, the model alone", _MODEL),
    "ips": ("inverse propensity score of whole slates", _NOTHING),
    "clipped-ips": ("inverse propensity score with clipped weights", "large weights carry little"),
    "snips": ("inverse propensity score, self-normalised", _NOTHING),
    "sub-gaussian-ips": (
        "inverse propensity score with shrunk weights",
        "large weights carry little",
    ),
    "dr": ("doubly robust", _NOTHING),
    "sndr": ("doubly robust, self-normalised", _NOTHING),
    "switch-dr": (
        "doubly robust, the model beyond a threshold",
        "the model, where weights are large",
    ),
    "dros": ("doubly robust with shrunk weights", "the model, where weights are large"),
    "mips": ("marginalized by an embedding of items", "rewards go through the embedding"),
    "sips": ("inverse propensity score of whole slates", _NOTHING),
    "iips": ("independent places", _PLACES),
    "rips": ("prefixes of slates", _FROM_TOP),
    "cascade-dr": ("doubly robust by prefixes", _FROM_TOP),
    "pseudo-inverse": ("pseudo-inverse of how slates vary", _SUM),
    "tis": ("trajectory importance sampling", _NOTHING),
    "pdis": ("importance sampling per decision", _NOTHING),
    "seq-dr": ("sequential doubly robust", _NOTHING),
    "fqe": ("fitted Q evaluation", _MODEL),
    "mis": ("marginalized, of states learned from what is seen", "what is seen is the state"),
    "mis-hidden": ("marginalized, of people's true states", "these states are all"),
}


def estimator_words(name: str) -> tuple[str, str]:
    """Returns an estimator's name in full, and what it assumes beside right propensities.

    >>> estimator_words("sn-pdis")
    ('importance sampling per decision, self-normalised', 'nothing')
    """
    if name in _WORDS:
        return _WORDS[name]
    full, assumed = _WORDS[name.removeprefix("sn-")]
    return f"{full}, self-normalised", assumed
