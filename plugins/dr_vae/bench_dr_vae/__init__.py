"""VAEs that must keep what a classifier sees: in its hidden layers (arXiv 1602.03220) or in its answer (ICML 2019)."""

from collections.abc import Mapping

from bench import Generator, hookimpl
from bench_dr_vae.config import DrVaeConfig, DrVaeLogitsConfig
from bench_dr_vae.model import DrVae, DrVaeLogits

__all__ = ["DrVae", "DrVaeConfig", "DrVaeLogits", "DrVaeLogitsConfig", "bench_generators"]


@hookimpl
def bench_generators() -> Mapping[str, type[Generator]]:
    """`dr-vae` is lamb2016, `dr-vae-logits` is miller2019 (README, section 1)."""
    return {"dr-vae": DrVae, "dr-vae-logits": DrVaeLogits}
