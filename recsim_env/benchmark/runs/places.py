"""Where runs are played: by processes of this machine, or by the workers of a cluster."""

import contextlib
from collections.abc import Iterator

import joblib

from recsim_env.benchmark.runs.cluster import ClusterBackend
from recsim_env.benchmark.runs.dask_workers import DaskBackend
from recsim_env.benchmark.runs.ray_workers import RayBackend

#: The backends by name; None is joblib's own processes on this machine.
BACKENDS: dict[str, type[ClusterBackend] | None] = {
    "loky": None,
    "dask": DaskBackend,
    "ray": RayBackend,
}


@contextlib.contextmanager
def working_on(backend: str | None, address: str | None = None) -> Iterator[None]:
    """Lets comparisons within a `with` be played by processes here, or by a cluster's workers.

    Args:
      backend: ``"loky"``, ``"dask"`` or ``"ray"``; None leaves joblib's as it is.
      address: of the cluster; see `DaskBackend` and `RayBackend`.

    Raises:
      ValueError: an unknown backend, or an address that it does not take.
      ImportError: its library is missing.
      ClusterFault: no cluster answers there.
    """
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is unknown; known are {', '.join(BACKENDS)}")
    kind = BACKENDS[backend] if backend else None
    if kind is None:
        if address is not None:
            raise ValueError(
                f"address={address!r} (--address) is of no use to "
                f"{backend or 'processes of this machine'}; name the backend of the cluster too, "
                "dask or ray (--backend)"
            )
        with joblib.parallel_config(backend=backend) if backend else contextlib.nullcontext():
            yield
        return
    cluster = kind(address)
    try:
        with joblib.parallel_config(backend=cluster):
            yield
    finally:
        cluster.close()
