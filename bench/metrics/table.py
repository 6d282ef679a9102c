"""The functions that compute the metrics of `bench.metrics.catalog`, and the settings that their protocols state."""

from collections.abc import Callable

from bench.metrics import (
    accuracy_score,
    agreement,
    anomaly,
    calibration,
    density,
    inception_score,
    manifold,
    memorising,
    mixing,
    mixing_response,
    nearest_reconstructions,
    perceptual,
    perceptual_scores,
    reconstructed_factors,
    reconstruction,
)
from bench.metrics.balls import K
from bench.metrics.catalog import (
    CATALOG,
    RANKED,
    SAMPLING_SD,
    SECOND_JUDGE,
    MetricInfo,
    frechet_info,
    info,
    kernel_info,
)
from bench.metrics.context import EvaluationContext
from bench.metrics.control import class_leakage, identity, measures, path_length, sweeps
from bench.metrics.cost import cost
from bench.metrics.disentanglement import fixed_factor, votes
from bench.metrics.disentanglement import measures as disentanglement
from bench.metrics.diversity import diversity_ratio
from bench.metrics.fidelity import fd, intra_fd
from bench.metrics.infinity import fd_infinity
from bench.metrics.kernel import kid, kid_all
from bench.metrics.kernel_sums import SUBSETS, subset_size
from bench.metrics.metric import Measured, Metric
from bench.metrics.resampling import SAMPLINGS, sampling_sd
from bench.metrics.scale import Scale
from bench.metrics.vendi import vendi

Compute = Callable[[EvaluationContext], Measured]
Settings = Callable[[Scale], str]  # of a protocol


def _n(scale: Scale) -> str:
    return f"n={scale.n}"


def _samplings(scale: Scale) -> str:
    return f"{_both(scale)},samplings={SAMPLINGS}"


def _both(scale: Scale) -> str:
    return f"n={scale.n},ref={scale.reference}"


def _n_second(scale: Scale) -> str:
    return f"{_n(scale)},net={SECOND_JUDGE}"


def _both_second(scale: Scale) -> str:
    return f"{_both(scale)},net={SECOND_JUDGE}"


def _infinity(scale: Scale) -> str:
    return f"n={scale.n},ref={min(scale.n, scale.reference)},parts=1+2/3+1/2"


def _kid(scale: Scale) -> str:
    return f"{_both(scale)},subsets={SUBSETS},size={subset_size(scale.n, scale.reference)}"


def _splits(scale: Scale) -> str:
    return f"n={scale.n},splits={inception_score.SPLITS}"


def _manifold(scale: Scale) -> str:
    return f"{_both(scale)},k={K}"


def _bins(scale: Scale) -> str:
    return f"n={scale.n},bins={calibration.BINS}"


def _trained(scale: Scale) -> str:
    images = accuracy_score.training_images(scale.n)
    return f"n={scale.n},net={accuracy_score.NETWORK},images={images},test={scale.test}"


def _whole(scale: Scale) -> str:
    return f"n={scale.test}"


def _whole_bins(scale: Scale) -> str:
    return f"n={scale.test},bins={calibration.BINS}"


def _nearest(scale: Scale) -> str:
    return f"n={min(scale.n, memorising.MOST)},ref={scale.reference}"


def _decoded(scale: Scale) -> str:
    train = nearest_reconstructions.training_images(scale)
    return f"n={min(scale.n, nearest_reconstructions.MOST)},train={train}"


def _pairs(scale: Scale) -> str:
    return f"n={min(scale.n, perceptual_scores.MOST)},size={perceptual.SIZE}"


def _perceptual(scale: Scale) -> str:
    return f"{_both(scale)},pairs={perceptual_scores.MOST},size={perceptual.SIZE}"


def _mixtures(scale: Scale) -> str:
    return f"pairs={mixing.PAIRS},weights={len(mixing.WEIGHTS)}"


def _layers(scale: Scale) -> str:
    return f"n={min(scale.n, reconstruction.MOST)}"


def _density(scale: Scale) -> str:
    return "n={},draws={}".format(*density.numbers(scale))


def _sweeps(scale: Scale) -> str:
    return f"{_contexts(scale)},codes={sweeps.MOST},draws={scale.spread}"


def _contexts(scale: Scale) -> str:
    return f"contexts={scale.contexts},values={scale.values}"


def _identity(scale: Scale) -> str:
    return f"contexts={sweeps.KEPT},values={scale.values},codes={sweeps.MOST}"


def _path(scale: Scale) -> str:
    return f"pairs={scale.pairs},eps={path_length.EPSILON:g}"


def _path_st_lpips(scale: Scale) -> str:
    return f"{_path(scale)},size={perceptual.SIZE}"


def _drawn(scale: Scale) -> str:
    return f"n={sum(scale.draws)}"


def _fit(scale: Scale) -> str:
    return f"n={scale.draws[0]}"


def _fit_and_test(scale: Scale) -> str:
    return "n={},test={}".format(*scale.draws)


def _encoded(scale: Scale) -> str:
    return f"n={scale.encoded[0]}"


def _encoded_and_test(scale: Scale) -> str:
    return "n={},test={}".format(*scale.encoded)


def _votes(scale: Scale) -> str:
    pool = f"values={fixed_factor.VALUES},images={fixed_factor.GROUP},n={sum(scale.encoded)}"
    return f"votes={votes.TRAIN},test={votes.EVALUATE},{pool}"


def _anomaly(scale: Scale) -> str:
    detector = f"detector=knn{anomaly.NEIGHBOURS},pca={anomaly.COMPONENTS},fit={min(anomaly.FIT, scale.encoded[0])}"
    return f"classes={anomaly.CLASSES},{detector},{_encoded_and_test(scale)}"


def _class_leakage(scale: Scale) -> str:
    return f"contexts={scale.contexts},classes={class_leakage.MOST},n={scale.n}"


def _response(scale: Scale) -> str:
    return f"pairs={mixing.PAIRS},doses={len(mixing_response.DOSES)}"


def _none(scale: Scale) -> str:
    return ""


COMPUTE: dict[str, tuple[Compute, Settings]] = {
    "fd-lite0": (fd("lite0"), _both),
    "fd-judge": (fd("judge"), _both),
    "fd-judge2": (fd("judge2"), _both_second),
    "fd-lite0-inf": (fd_infinity("lite0"), _infinity),
    "fd-lite2": (fd("lite2"), _both),
    "kid-lite0": (kid("lite0"), _kid),
    "kid-lite0-all": (kid_all("lite0"), _both),
    "fid": (fd("inception"), _both),
    "kid-inception": (kid("inception"), _kid),
    "kid-inception-all": (kid_all("inception"), _both),
    "clean-fid": (fd("clean"), _both),
    "inception-score": (inception_score.score, _splits),
    "precision-lite0": (manifold.part("precision", "lite0"), _manifold),
    "recall-lite0": (manifold.part("recall", "lite0"), _manifold),
    "density-lite0": (manifold.part("density", "lite0"), _manifold),
    "coverage-lite0": (manifold.part("coverage", "lite0"), _manifold),
    "vendi-lite0": (vendi("lite0"), _n),
    "intra-fd-judge": (intra_fd("judge"), _both),
    "class-agreement": (agreement.class_agreement, _n),
    "class-agreement-judge2": (agreement.class_agreement_second, _n_second),
    "cas": (accuracy_score.accuracy_score, _trained),
    "hacking-gap": (agreement.hacking_gap, _n),
    "accuracy": (agreement.accuracy, _n),
    "accuracy-all": (calibration.accuracy_of_all, _whole),
    "ece": (calibration.ece, _bins),
    "ece-adaptive": (calibration.ece_adaptive, _whole_bins),
    "nll": (calibration.nll, _whole),
    "brier": (calibration.brier, _whole),
    "diversity-ratio": (diversity_ratio, _both),
    "diversity-ratio-st-lpips": (perceptual_scores.diversity, _perceptual),
    "nearest-training-ratio": (memorising.nearest_training_ratio("lite0"), _nearest),
    "copying-lite0": (memorising.copying("lite0"), _nearest),
    "authenticity-lite0": (memorising.authenticity("lite0"), _nearest),
    "nearest-reconstruction-ratio": (nearest_reconstructions.nearest_reconstruction_ratio, _decoded),
    "mixture-agreement": (mixing.mixture_agreement, _mixtures),
    "reconstruction-mse": (reconstruction.reconstruction_mse, _n),
    "psnr": (reconstruction.psnr, _n),
    "ssim": (reconstruction.ssim, _n),
    "reconstruction-st-lpips": (perceptual_scores.reconstruction_distance, _pairs),
    "reconstruction-agreement": (reconstruction.reconstruction_agreement, _n),
    "reconstruction-factors": (reconstructed_factors.reconstructed_factors, _n),
    "feature-error-guide": (reconstruction.feature_error("guide"), _layers),
    "feature-error-judge": (reconstruction.feature_error("judge"), _layers),
    "bits-per-dimension": (density.bits_per_dimension, _density),
    "acs": (measures.acs, _sweeps),
    "control": (measures.control_share, _sweeps),
    "selectivity": (measures.selectivity, _sweeps),
    "monotonicity": (measures.monotonicity, _sweeps),
    "live-codes": (measures.live_codes, _sweeps),
    "leakage": (measures.leakage, _sweeps),
    "varying-attributes": (measures.varying_attributes, _drawn),
    "identity-lite0": (identity.identity, _identity),
    "ppl-lite0": (path_length.path_length("lite0"), _path),
    "ppl-judge": (path_length.path_length("judge"), _path),
    "ppl-st-lpips": (path_length.path_length_st_lpips, _path_st_lpips),
    "mig-generator": (disentanglement.mig(disentanglement.drawn), _fit),
    "dci-generator": (disentanglement.dci(disentanglement.drawn), _fit_and_test),
    "sap-generator": (disentanglement.sap(disentanglement.drawn), _fit),
    "modularity-generator": (disentanglement.modular(disentanglement.drawn), _fit),
    "class-leakage": (class_leakage.class_leakage, _class_leakage),
    "mixture-response": (mixing_response.mixture_response, _response),
    "mixture-calibration": (mixing_response.mixture_calibration, _response),
    "mig-encoder": (disentanglement.mig(disentanglement.encoded), _encoded),
    "dci-encoder": (disentanglement.dci(disentanglement.encoded), _encoded_and_test),
    "factor-vae-score": (fixed_factor.factor_vae, _votes),
    "beta-vae-score": (fixed_factor.beta_vae, _votes),
    "sap-encoder": (disentanglement.sap(disentanglement.encoded), _encoded),
    "modularity-encoder": (disentanglement.modular(disentanglement.encoded), _encoded),
    "total-correlation": (disentanglement.total_correlation, _encoded),
    "anomaly-auroc": (anomaly.anomaly_auroc, _anomaly),
    "train-images": (cost("train-images"), _none),
    "train-seconds": (cost("train-seconds"), _none),
    "images-per-second": (cost("images-per-second"), _none),
    "sample-seconds-per-1000": (cost("sample-seconds-per-1000"), _n),
    "peak-memory-mb": (cost("peak-memory-mb"), _none),
    "parameters": (cost("parameters"), _none),
}


def _metric(info: MetricInfo, compute: Compute, settings: Settings) -> Metric:
    return Metric(**vars(info), compute=compute, settings=settings)


def space_metrics(space: str) -> tuple[Metric, ...]:
    """Frechet and kernel distance in any feature space, such as `dinov2` or `timm:NAME`."""
    return _metric(frechet_info(space), fd(space), _both), _metric(kernel_info(space), kid(space), _kid)


COMPUTE[SAMPLING_SD] = (sampling_sd([_metric(info(name), *COMPUTE[name]) for name in RANKED]), _samplings)
METRICS: tuple[Metric, ...] = tuple(_metric(info, *COMPUTE[info.name]) for info in CATALOG)
