"""The table of metrics, in the order of the board. `docs/metrics.md` has a row for each."""

from collections.abc import Callable
from functools import partial

from bench.metrics import agreement, inception_score, manifold, memorising, mixing, reconstruction
from bench.metrics.classes import too_few
from bench.metrics.cost import cost
from bench.metrics.diversity import diversity_ratio
from bench.metrics.exam import Exam
from bench.metrics.fidelity import fd, intra_fd
from bench.metrics.infinity import fd_infinity
from bench.metrics.kernel import SUBSETS, kid, subset_size
from bench.metrics.metric import Measured, Metric

Settings = Callable[[int, int], str]

SAMPLES = ("samples",)
LABELLED = ("samples", "ClassConditional")
RECONSTRUCTING = ("Reconstructing",)
SELF = ("SelfClassifying",)


def _both(n: int, reference: int) -> str:
    return f"n={n},ref={reference}"


def _infinity(n: int, reference: int) -> str:
    return f"{_both(n, min(n, reference))},parts=1+2/3+1/2"


def _kid(n: int, reference: int) -> str:
    return f"{_both(n, reference)},subsets={SUBSETS},size={subset_size(n, reference)}"


def _manifold(n: int, reference: int) -> str:
    return f"{_both(n, reference)},k={manifold.K}"


def _nearest(n: int, reference: int) -> str:
    return _both(min(n, memorising.MOST), reference)


def _layers(n: int, reference: int) -> str:
    return f"n={min(n, reconstruction.MOST)}"


def _alone(n: int, reference: int) -> str:
    return ""


def space_metrics(space: str) -> tuple[Metric, ...]:
    """Frechet and kernel distance in any feature space, also `timm:NAME`."""
    return (
        Metric(f"fd-{space}", 1, "lower", "", f"Frechet distance to training images in {space} features",
               SAMPLES, fd(space), space, _both),
        Metric(f"kid-{space}", 1, "lower", "", f"kernel distance to training images in {space} features",
               SAMPLES, kid(space), space, _kid),
    )  # fmt: skip


def _fidelity() -> tuple[Metric, ...]:
    fd_lite0, kid_lite0 = space_metrics("lite0")
    fd_judge, _ = space_metrics("judge")
    fid, kid_inception = space_metrics("inception")
    return (
        fd_lite0,
        fd_judge,
        Metric("fd-lite0-inf", 1, "lower", "", "fd-lite0 that infinitely many images would have; se: standard error",
               SAMPLES, fd_infinity("lite0"), "lite0", _infinity),
        kid_lite0,
        Metric("fid", 1, fid.better, fid.unit, "Frechet Inception distance", SAMPLES, fid.compute, "inception", _both),
        kid_inception,
        Metric("clean-fid", 1, "lower", "", "FID behind clean-fid's resize", SAMPLES, fd("clean"), "clean", _both),
        Metric("inception-score", 1, "higher", "", "how sure and how varied Inception's classes are",
               SAMPLES, inception_score.score, "inception", partial(_split, inception_score.SPLITS)),
    )  # fmt: skip


def _split(splits: int, n: int, reference: int) -> str:
    return f"n={n},splits={splits}"


def _balls() -> tuple[Metric, ...]:
    about = {
        "precision": "fraction of samples that lie among training images",
        "recall": "fraction of training images that lie among samples",
        "density": "how densely training images lie around samples; real is about 1",
        "coverage": "fraction of training images with a sample next to them",
    }
    return tuple(
        Metric(f"{name}-lite0", 1, "higher", "", text, SAMPLES, manifold.part(name, "lite0"), "lite0", _manifold)
        for name, text in about.items()
    )


def _labels() -> tuple[Metric, ...]:
    return (
        Metric("intra-fd-judge", 1, "lower", "", "fd-judge within a class, mean over classes",
               LABELLED, intra_fd("judge"), "judge", _both, too_few),
        Metric("class-agreement", 1, "higher", "", "the judge's accuracy on samples drawn for a label",
               LABELLED, agreement.class_agreement),
        Metric("hacking-gap", 1, "lower", "", "the model's own accuracy on its samples minus the judge's",
               (*LABELLED, *SELF), agreement.hacking_gap),
        Metric("accuracy", 1, "higher", "", "the model's own classifier on real test images",
               SELF, agreement.accuracy),
        Metric("ece", 1, "lower", "", "expected calibration error of the model's own classifier",
               SELF, agreement.ece, None, lambda n, reference: f"n={n},bins={agreement.BINS}"),
        Metric("diversity-ratio", 1, None, "", "distance of two samples of a class over that of two real images; 1 is real",
               LABELLED, diversity_ratio, "pixels", _both, too_few),
        Metric("nearest-training-ratio", 1, None, "", "distance to the nearest training image over that of test images; "
               "1 is real, 0 is copied", SAMPLES, memorising.nearest_training_ratio("lite0"), "lite0", _nearest),
        Metric("mixture-agreement", 1, "higher", "", "the judge's probability of the two classes that were mixed",
               ("ClassMixing",), mixing.mixture_agreement, None,
               lambda n, reference: f"pairs={mixing.PAIRS},weights={len(mixing.WEIGHTS)}"),
    )  # fmt: skip


def _reconstructions() -> tuple[Metric, ...]:
    rows: tuple[tuple[str, str, str, str, Callable[[Exam], Measured], Settings], ...] = (
        ("reconstruction-mse", "lower", "", "squared error of pixels in [0, 1]", reconstruction.reconstruction_mse, _n),
        ("psnr", "higher", "dB", "peak signal-to-noise ratio of reconstructions", reconstruction.psnr, _n),
        ("ssim", "higher", "", "structural similarity of reconstructions", reconstruction.ssim, _n),
        ("reconstruction-agreement", "higher", "", "the judge's accuracy on reconstructions of test images",
         reconstruction.reconstruction_agreement, _n),
        ("feature-error-guide", "lower", "", "error of the guide's hidden layers over their variance",
         reconstruction.feature_error("guide"), _layers),
        ("feature-error-judge", "lower", "", "error of the judge's hidden layers over their variance",
         reconstruction.feature_error("judge"), _layers),
    )  # fmt: skip
    return tuple(
        Metric(name, 1, better, unit, about, RECONSTRUCTING, compute, None, settings)  # type: ignore[arg-type]
        for name, better, unit, about, compute, settings in rows
    )


def _n(n: int, reference: int) -> str:
    return f"n={n}"


def _costs() -> tuple[Metric, ...]:
    training = ("training",)
    return (
        Metric("train-images", 1, None, "images", "training images seen, all phases together",
               training, cost("train-images"), None, _alone),
        Metric("train-seconds", 1, "lower", "s", "seconds of training", training, cost("train-seconds"), None, _alone),
        Metric("images-per-second", 1, "higher", "1/s", "training images a second",
               training, cost("images-per-second"), None, _alone),
        Metric("sample-seconds-per-1000", 1, "lower", "s", "seconds to draw 1,000 samples",
               ("samples", "training"), cost("sample-seconds-per-1000"), None, _n),
        Metric("peak-memory-mb", 1, "lower", "MB", "most memory held while training",
               training, cost("peak-memory-mb"), None, _alone),
        Metric("parameters", 1, None, "", "parameters of the model", training, cost("parameters"), None, _alone),
    )  # fmt: skip


METRICS: tuple[Metric, ...] = (*_fidelity(), *_balls(), *_labels(), *_reconstructions(), *_costs())
