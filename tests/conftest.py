"""What holds for all tests."""

from collections import Counter

from hypothesis import settings

# How long an example takes says how busy the machine is, and the first one may compile.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

_LONG = ("published", "learns", "processes")


def pytest_collection_modifyitems(items):
    """Puts files that take long first, so that no worker is left with one when others are done."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (not any(map(item.get_closest_marker, _LONG)), -tests[item.path]))
