"""The packages that lie beside this one, and which links show in it."""

import importlib.util

LINKED = ("agents", "plots", "scenarios")


def require_linked_packages() -> None:
    """Checks that the linked packages can be imported, before anything needs one.

    A wheel and an editable install know where they are. A checkout knows by links alone, which git
    on Windows and archives may turn into text files.

    Raises:
      ImportError: one of them cannot be found; says what helps.
    """
    for name in LINKED:
        if importlib.util.find_spec(f"{__package__}.{name}") is None:
            raise ImportError(
                f"recsim_env/{name} is not the link to ../{name} that it should be: this checkout "
                "lost its links. Install it (`python -m pip install -e .`), or let git make them: "
                "`git config core.symlinks true`, then `git checkout -- recsim_env`",
                name=f"{__package__}.{name}",
            )
