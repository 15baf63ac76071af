"""Which tests run when: `make test` leaves out whole files, by marks that are declared."""

import re
import tomllib

from tests.checkout import REPOSITORY

OPTIONS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
DECLARED = [line.partition(":")[0] for line in OPTIONS["pytest"]["ini_options"]["markers"]]


def test_make_leaves_out_what_is_declared_or_what_is_slow_alone():
    recipes = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    tiers = " or ".join(name for name in DECLARED if name != "slow")
    assert re.findall(r'\$\(PYTEST\) -m "(.*)"', recipes) == [
        f"not ({tiers} or slow)",
        "not slow",
    ]


def test_all_marks_but_slow_are_of_whole_files():
    tiers = "|".join(name for name in DECLARED if name != "slow")
    for file in (REPOSITORY / "tests").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if re.search(rf"pytest\.mark\.({tiers})\b", line):
                assert line.startswith("pytestmark = "), (file, line)
