"""What is installed, from the built wheel, and what importing it costs."""

import email.parser
import importlib
import importlib.metadata
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import recsim_env
from tests.checkout import LINKED, REPOSITORY, module_files

HEAVY = (
    *("implicit", "llvmlite", "matplotlib", "numba", "polars", "pyarrow", "stable_baselines3"),
    "torch",
)
NOT_SOURCE = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".data",
    ".*cache*",
    "__pycache__",
    ".hypothesis",
    "*.egg-info",
    "build",
    "dist",
    "docs",
)

#: Files of the package that are no modules.
DATA = {"recsim_env/py.typed", "recsim_env/agents/tuned.json"} | {
    f"recsim_env/plots/page/{file.name}"
    for file in (REPOSITORY / "plots" / "page").iterdir()
    if file.suffix in (".css", ".html", ".js")
}

pytestmark = pytest.mark.processes


def run_python(code, *, path=(), cwd):
    """Runs code in a fresh process outside the repository and returns what it prints as JSON."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built from the sdist of a copy of the sources."""
    source = tmp_path_factory.mktemp("source") / "recsim-env"
    shutil.copytree(REPOSITORY, source, symlinks=True, ignore=NOT_SOURCE)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def unpacked(wheel, tmp_path_factory):
    """A folder that holds nothing but what the wheel installs."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def metadata(unpacked):
    (file,) = unpacked.glob("*.dist-info/METADATA")
    return email.parser.Parser().parsestr(file.read_text(encoding="utf-8"))


def test_wheel_holds_every_module_once_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert set(files) >= DATA
    code = [name for name in files if name not in DATA]
    modules = [name.removesuffix(".py").removesuffix("/__init__") for name in code]
    assert sorted(name.replace("/", ".") for name in modules) == list(module_files())


def test_check_wheel_contents_accepts_the_wheel(wheel):
    done = subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", str(wheel)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_works_outside_the_repository(unpacked, tmp_path):
    code = """
import json, gymnasium, recsim_env
env = gymnasium.make("recsim_env/InterestEvolution-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
print(json.dumps(recsim_env.__file__))
"""
    origin = run_python(code, path=[unpacked], cwd=tmp_path)
    assert Path(origin) == unpacked / "recsim_env" / "__init__.py"


def test_simulating_needs_no_extra(unpacked, tmp_path):
    extras = (
        *("altair", "implicit", "matplotlib", "optuna", "polars", "pyarrow"),
        *("stable_baselines3", "sb3_contrib", "torch", "vl_convert"),
    )
    # Plain Python: what is imported is the same, and two dozen kernels take minutes to compile.
    code = f"""
import json, os, sys
os.environ["NUMBA_DISABLE_JIT"] = "1"
sys.modules.update(dict.fromkeys({extras!r}))  # importing any of these raises ImportError
import gymnasium, recsim_env, recsim_env.agents
for spec in list(gymnasium.registry.values()):
    if spec.namespace == "recsim_env":
        env = gymnasium.make(spec.id)
        env.reset(seed=0)
        env.step(env.action_space.sample())
print(json.dumps(True))
"""
    assert run_python(code, path=[unpacked], cwd=tmp_path)


def test_metadata_names_the_extras_and_no_heavy_requirement(metadata):
    required = {
        re.split(r"[^\w-]", line, maxsplit=1)[0]
        for line in metadata.get_all("Requires-Dist")
        if "extra ==" not in line
    }
    assert required == {"gymnasium", "joblib", "numba", "numpy", "scipy", "threadpoolctl", "tqdm"}
    extras = {"agents", "all", "cluster", "data", "dev", "docs", "page", "plots", "track", "tune"}
    assert set(metadata.get_all("Provides-Extra")) == extras
    assert metadata["License-Expression"] == "MIT"


def test_version_is_the_same_everywhere(metadata):
    assert metadata["Version"] == recsim_env.__version__
    assert importlib.metadata.version("recsim-env") == recsim_env.__version__
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {recsim_env.__version__}\n" in citation
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## .*?(\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    assert newest == recsim_env.__version__


def test_the_links_show_the_mapped_folders():
    for name in LINKED:
        link = REPOSITORY / "recsim_env" / name
        assert link.is_symlink(), f"{link} is not a link"
        assert link.readlink() == Path("..", name)


NOT_INSTALLED = """
import importlib.util, json, sys
sys.meta_path = [each for each in sys.meta_path if "editable" not in each.__module__]
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of the sources."""
    folder = tmp_path / "checkout"
    shutil.copytree(REPOSITORY, folder, symlinks=True, ignore=NOT_SOURCE)
    return folder


def lose_link(checkout, name, how):
    """Leaves a link as archives do, or as git does where the system has none."""
    link = checkout / "recsim_env" / name
    target = str(link.readlink())
    link.unlink()
    if how == "text":
        link.write_text(target, encoding="utf-8")


@pytest.mark.parametrize("name, how", [*((name, "text") for name in LINKED), ("agents", "missing")])
def test_a_checkout_that_lost_a_link_says_what_helps(name, how, checkout, tmp_path):
    lose_link(checkout, name, how)
    code = f"""{NOT_INSTALLED}
try:
    import recsim_env.{name}
except ImportError as error:
    print(json.dumps([str(error), error.name, error.__context__ is None]))
"""
    message, missing, is_only_one = run_python(code, path=[checkout], cwd=tmp_path)
    assert missing == f"recsim_env.{name}" and is_only_one
    assert "pip install -e ." in message and "git checkout -- recsim_env" in message


def test_an_install_needs_no_links(checkout, tmp_path):
    """What maps the folders, as an editable install does, finds them behind a text file."""
    lose_link(checkout, "agents", "text")
    code = f"""{NOT_INSTALLED}
class Mapping:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "recsim_env.agents":
            file = {str(checkout / "agents" / "__init__.py")!r}
            return importlib.util.spec_from_file_location(name, file)
sys.meta_path.append(Mapping)
import recsim_env.agents
print(json.dumps(recsim_env.agents.__file__))
"""
    found = run_python(code, path=[checkout], cwd=tmp_path)
    assert Path(found) == checkout / "agents" / "__init__.py"


#: What modules bind that no extra of ours installs; without it they say so, as test_missing shows.
FRAMEWORKS = {
    f"recsim_env.agents.frameworks.{name}": library
    for name, library in (("rllib", "ray.rllib"), ("tianshou", "tianshou"), ("torchrl", "torchrl"))
}


@pytest.mark.parametrize("name", module_files())
def test_module_imports(name):
    if name in FRAMEWORKS:
        pytest.importorskip(FRAMEWORKS[name], reason=f"{FRAMEWORKS[name]} is not installed")
    if name != "recsim_env.__main__":
        if name.startswith("recsim_env.agents.frameworks."):
            framework = (
                name.rpartition(".")[2].replace("rllib", "ray").replace("sb3", "sb3_contrib")
            )
            pytest.importorskip(framework, reason="make interop installs it and runs its example")
        assert importlib.import_module(name).__name__ == name


def test_packages_are_found_by_walking():
    walked = {module.name for module in pkgutil.walk_packages(recsim_env.__path__, "recsim_env.")}
    assert walked | {"recsim_env"} == set(module_files())


def test_no_module_is_named_like_one_of_pythons():
    names = {name.rpartition(".")[2] for name in module_files()} - {"__main__"}
    assert names & set(sys.stdlib_module_names) == set()


def test_import_loads_nothing_heavy(tmp_path):
    code = (
        f"import json, sys, recsim_env; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert run_python(code, path=[REPOSITORY], cwd=tmp_path) == []


def test_import_takes_less_than_600_ms(tmp_path):
    code = """
import json, time
start = time.perf_counter()
import recsim_env
print(json.dumps(time.perf_counter() - start))
"""
    seconds = [run_python(code, path=[REPOSITORY], cwd=tmp_path) for _ in range(3)]
    assert min(seconds) < 0.6


def test_entry_points_resolve():
    scripts = importlib.metadata.entry_points(group="console_scripts", name="recsim-env")
    (main,) = {script.load() for script in scripts}
    assert main.__module__ == "recsim_env.cli"
    plugins = importlib.metadata.entry_points(group="gymnasium.envs", name="__root__")
    assert recsim_env.register_all in [plugin.load() for plugin in plugins]


def test_gymnasium_finds_an_id_by_its_module(tmp_path):
    code = """
import gymnasium, json
env = gymnasium.make("recsim_env:recsim_env/InterestEvolution-v0")
print(json.dumps(env.spec.id))
"""
    found = run_python(code, path=[REPOSITORY], cwd=tmp_path)
    assert found == "recsim_env/InterestEvolution-v0"
