"""Codes that control attributes, found without labels by mutual information (arXiv 2002.11169)."""

from collections.abc import Mapping

from bench import Generator, hookimpl
from bench_mi_control.config import MiControlConfig, MiControlGlobalConfig
from bench_mi_control.model import MiControl, MiControlGlobal

__all__ = ["MiControl", "MiControlConfig", "MiControlGlobal", "MiControlGlobalConfig", "bench_generators"]


@hookimpl
def bench_generators() -> Mapping[str, type[Generator]]:
    """The codes enter one scale each, or all scales."""
    return {"mi-control": MiControl, "mi-control-global": MiControlGlobal}
