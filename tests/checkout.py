"""The checkout: its files by their one spelling, and the modules that they are."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

#: Packages that lie beside `recsim_env/` and are shown in it by links.
LINKED = ("agents", "plots", "scenarios")


def module_files():
    """The file of each module of ours, by the module's name."""
    found = {}
    for folder in ("recsim_env", *LINKED):
        for file in (REPOSITORY / folder).rglob("*.py"):
            parts = file.relative_to(REPOSITORY).with_suffix("").parts
            is_linked = parts[0] == "recsim_env" and parts[1] in LINKED
            if not is_linked:  # before Python 3.13, rglob follows links
                parts = parts if parts[0] == "recsim_env" else ("recsim_env", *parts)
                found[".".join(parts).removesuffix(".__init__")] = file
    return dict(sorted(found.items()))
