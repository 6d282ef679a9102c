"""Feature spaces by name, and which of them can be used."""

from bench.errors import BenchError, nearest
from bench.metrics import perceptual
from bench.metrics.features import inception, lite, timm
from bench.metrics.features.base import FeatureSpace


def load_space(name: str) -> FeatureSpace:
    """The feature space of this name: `lite0`, `lite2`, `inception`, `clean` or `timm:NAME`.

    Not `judge`, which needs a judge: see `EvaluationContext.space`. Raises `BenchError` for an unknown name, and for
    weights that are missing.
    """
    if name.startswith("timm:"):
        return timm.timm_space(name.removeprefix("timm:"))
    makers = {"lite0": lite.lite0, "lite2": lite.lite2, "inception": inception.inception, "clean": inception.clean}
    if name not in makers:
        raise BenchError(f"unknown feature space {name!r}: {nearest(name, [*makers, 'judge', 'timm:NAME'])}")
    return makers[name]()


def absent(name: str | None) -> str:
    """Why a feature space cannot be used now, or ""."""
    if name in ("inception", "clean"):
        return inception.absent()
    if name == perceptual.NAME:
        return perceptual.absent()
    return lite.absent(name) if name in lite.DIGESTS else ""


def space_states() -> list[tuple[str, str, str]]:
    """Name, state (ready, needs weights, on request) and a note for each feature space."""
    notes = {
        "lite0": "EfficientNet-Lite0 at 64 px, 1280 features",
        "lite2": "EfficientNet-Lite2 at 64 px, 1280 features",
        "judge": "the judge's last features; comparable under the same judge only",
        "inception": "torch-fidelity's Inception v3, 2048 features; the only one called fid",
        "clean": "the same Inception behind clean-fid's resize",
        "st-lpips": "a distance of two images, learned from people's judgements; no features",
    }
    rows = [(name, "needs weights" if absent(name) else "ready", absent(name) or note) for name, note in notes.items()]
    return [*rows, ("timm:NAME", "on request", "any pretrained timm model whose weights can be loaded")]
