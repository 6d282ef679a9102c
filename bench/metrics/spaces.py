"""Feature spaces by name, and which of them can be used."""

from bench.errors import BenchError, nearest
from bench.metrics import perceptual
from bench.metrics.features import clip, dinov2, inception, lite, timm
from bench.metrics.features.base import FeatureSpace
from bench.metrics.features.weights_file import WeightsFile

ON_REQUEST = ("dinov2", "clip")  # whose metrics are measured only if they are named


def load_space(name: str) -> FeatureSpace:
    """The feature space of this name: `lite0`, `lite2`, `inception`, `clean`, `dinov2`, `clip` or `timm:NAME`.

    Not `judge` and `judge2`, which need a judge: see `EvaluationContext.space`. Raises `BenchError` for an unknown name, and for
    weights that are missing.
    """
    if name.startswith("timm:"):
        return timm.timm_space(name.removeprefix("timm:"))
    makers = {
        "lite0": lite.lite0, "lite2": lite.lite2, "inception": inception.inception, "clean": inception.clean,
        "dinov2": dinov2.dinov2, "clip": clip.clip,
    }  # fmt: skip
    if name not in makers:
        raise BenchError(f"unknown feature space {name!r}: {nearest(name, [*makers, 'judge', 'timm:NAME'])}")
    return makers[name]()


def absent(name: str | None) -> str:
    """Why a feature space cannot be used now, or ""."""
    if name in ("inception", "clean"):
        return inception.absent()
    if name in ON_REQUEST:
        return weights_files()[name].absent()
    if name == perceptual.NAME:
        return perceptual.absent()
    return lite.absent(name) if name in lite.DIGESTS else ""


def weights_files() -> dict[str, WeightsFile]:
    """The files of weights that `bench fetch` downloads, by name."""
    return {file.name: file for file in (inception.WEIGHTS, dinov2.WEIGHTS, clip.WEIGHTS)}


def space_states() -> list[tuple[str, str, str]]:
    """Name, state (ready, needs weights, on request) and a note for each feature space."""
    notes = {
        "lite0": "EfficientNet-Lite0 at 64 px, 1280 features",
        "lite2": "EfficientNet-Lite2 at 64 px, 1280 features",
        "judge": "the judge's last features; comparable under the same judge only",
        "judge2": "the same of the second judge, which is published with some data sets",
        "inception": "torch-fidelity's Inception v3, 2048 features; the only one called fid",
        "clean": "the same Inception behind clean-fid's resize",
        "dinov2": "DINOv2 ViT-L/14 at 224 px, 1024 features; measured if fd-dinov2 or kid-dinov2 is named",
        "clip": "CLIP ViT-B/32 at 224 px, 512 features; measured if fd-clip or kid-clip is named",
        "st-lpips": "a distance of two images, learned from people's judgements; no features",
    }
    rows = [(name, "needs weights" if absent(name) else "ready", absent(name) or note) for name, note in notes.items()]
    return [*rows, ("timm:NAME", "on request", "any pretrained timm model whose weights can be loaded")]
