"""The functions that compute the metrics of `bench.metrics.catalog`, and the settings that their protocols state."""

from collections.abc import Callable

from bench.metrics import agreement, inception_score, manifold, memorising, mixing, reconstruction
from bench.metrics.catalog import CATALOG, MetricInfo, frechet_info, kernel_info
from bench.metrics.classes import too_few
from bench.metrics.context import EvaluationContext
from bench.metrics.cost import cost
from bench.metrics.diversity import diversity_ratio
from bench.metrics.fidelity import fd, intra_fd
from bench.metrics.infinity import fd_infinity
from bench.metrics.kernel import SUBSETS, kid, subset_size
from bench.metrics.metric import Measured, Metric

Compute = Callable[[EvaluationContext], Measured]
Settings = Callable[[int, int], str]  # of a protocol, from n and the number of reference images


def _n(n: int, reference: int) -> str:
    return f"n={n}"


def _both(n: int, reference: int) -> str:
    return f"n={n},ref={reference}"


def _infinity(n: int, reference: int) -> str:
    return f"{_both(n, min(n, reference))},parts=1+2/3+1/2"


def _kid(n: int, reference: int) -> str:
    return f"{_both(n, reference)},subsets={SUBSETS},size={subset_size(n, reference)}"


def _splits(n: int, reference: int) -> str:
    return f"n={n},splits={inception_score.SPLITS}"


def _manifold(n: int, reference: int) -> str:
    return f"{_both(n, reference)},k={manifold.K}"


def _bins(n: int, reference: int) -> str:
    return f"n={n},bins={agreement.BINS}"


def _nearest(n: int, reference: int) -> str:
    return _both(min(n, memorising.MOST), reference)


def _mixtures(n: int, reference: int) -> str:
    return f"pairs={mixing.PAIRS},weights={len(mixing.WEIGHTS)}"


def _layers(n: int, reference: int) -> str:
    return f"n={min(n, reconstruction.MOST)}"


def _none(n: int, reference: int) -> str:
    return ""


COMPUTE: dict[str, tuple[Compute, Settings]] = {
    "fd-lite0": (fd("lite0"), _both),
    "fd-judge": (fd("judge"), _both),
    "fd-lite0-inf": (fd_infinity("lite0"), _infinity),
    "kid-lite0": (kid("lite0"), _kid),
    "fid": (fd("inception"), _both),
    "kid-inception": (kid("inception"), _kid),
    "clean-fid": (fd("clean"), _both),
    "inception-score": (inception_score.score, _splits),
    "precision-lite0": (manifold.part("precision", "lite0"), _manifold),
    "recall-lite0": (manifold.part("recall", "lite0"), _manifold),
    "density-lite0": (manifold.part("density", "lite0"), _manifold),
    "coverage-lite0": (manifold.part("coverage", "lite0"), _manifold),
    "intra-fd-judge": (intra_fd("judge"), _both),
    "class-agreement": (agreement.class_agreement, _n),
    "hacking-gap": (agreement.hacking_gap, _n),
    "accuracy": (agreement.accuracy, _n),
    "ece": (agreement.ece, _bins),
    "diversity-ratio": (diversity_ratio, _both),
    "nearest-training-ratio": (memorising.nearest_training_ratio("lite0"), _nearest),
    "mixture-agreement": (mixing.mixture_agreement, _mixtures),
    "reconstruction-mse": (reconstruction.reconstruction_mse, _n),
    "psnr": (reconstruction.psnr, _n),
    "ssim": (reconstruction.ssim, _n),
    "reconstruction-agreement": (reconstruction.reconstruction_agreement, _n),
    "feature-error-guide": (reconstruction.feature_error("guide"), _layers),
    "feature-error-judge": (reconstruction.feature_error("judge"), _layers),
    "train-images": (cost("train-images"), _none),
    "train-seconds": (cost("train-seconds"), _none),
    "images-per-second": (cost("images-per-second"), _none),
    "sample-seconds-per-1000": (cost("sample-seconds-per-1000"), _n),
    "peak-memory-mb": (cost("peak-memory-mb"), _none),
    "parameters": (cost("parameters"), _none),
}


LACKING: dict[str, Callable[[EvaluationContext], str]] = {"intra-fd-judge": too_few, "diversity-ratio": too_few}


def _metric(info: MetricInfo, compute: Compute, settings: Settings) -> Metric:
    lacking = LACKING.get(info.name, lambda context: "")
    return Metric(**vars(info), compute=compute, settings=settings, lacking=lacking)


def space_metrics(space: str) -> tuple[Metric, ...]:
    """Frechet and kernel distance in any feature space, also `timm:NAME`."""
    return _metric(frechet_info(space), fd(space), _both), _metric(kernel_info(space), kid(space), _kid)


METRICS: tuple[Metric, ...] = tuple(_metric(info, *COMPUTE[info.name]) for info in CATALOG)
