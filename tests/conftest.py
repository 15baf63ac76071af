"""What holds for all tests."""

import gc
from collections import Counter

from hypothesis import settings

# How long an example takes says how busy the machine is, and the first one may compile.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# Compiling makes many objects and hardly any circles of them. A process of tests holds so many that
# looking for circles as often as Python does by default takes an eighth of its time.
gc.set_threshold(50_000, 20, 10)

_LONG = ("published", "learns", "processes")


def pytest_collection_modifyitems(items):
    """Puts files that take long first, so that no worker is left with one when others are done."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (not any(map(item.get_closest_marker, _LONG)), -tests[item.path]))
