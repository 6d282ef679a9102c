"""The catalogue of metrics as plain data, in the order of a board: names, directions, units, what each one needs.

It imports neither torch nor NumPy, so that a board can be rendered in milliseconds. The functions that compute the
metrics are in `bench.metrics.table`; `docs/metrics.md` has a row for each metric.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

# What methods are ranked by: one metric for each question, all computed from samples alone. Distances of the whole in
# features that know nothing of the data set and in those of its judge, fidelity, variety, and the requested class,
# seen from both sides. More Frechet distances would only count the same thing twice.
RANKED = ("fd-lite0", "fd-judge", "precision-lite0", "recall-lite0", "intra-fd-judge", "class-agreement")

ORACLE = "oracle"  # in place of a feature space: the oracle of the data set, whose name the protocol states

SECOND_JUDGE = "convnext-s"  # the network of the second judge

TWO_JUDGES = {  # metrics of the judge, and the same by the second judge
    "fd-judge": "fd-judge2",
    "class-agreement": "class-agreement-judge2",
}

SAMPLING_SD = "sampling-sd"  # in a table of its own: it says how far to trust the others

BROUGHT = "†"  # marks a metric that a third party brings

CLASSES = "classes"  # of the data set, two or more: a judge, for example, is trained on them

SAMPLES = ("samples",)
LABELLED = ("samples", "ClassConditional", CLASSES)
MIXING = ("ClassMixing", CLASSES)
RECONSTRUCTING = ("Reconstructing",)
DENSITY = ("Density",)
SELF = ("SelfClassifying", CLASSES)
CODES = ("CodeConditional",)
ENCODING = ("Encoding",)
TRAINING = ("training",)


def direction(better: str | None) -> int:
    """1 if lower values are better, -1 if higher ones are, 0 if neither: times it, lower is better."""
    return {"lower": 1, "higher": -1}.get(better or "", 0)


@dataclass(frozen=True)
class MetricInfo:
    """What is known about a metric without computing it."""

    name: str  # kebab-case, as on the board
    about: str = ""
    better: Literal["lower", "higher"] | None = None
    unit: str = ""
    needs: tuple[str, ...] = ()  # CAPABILITIES, "samples" (drawn images), "training" (a trained model), CLASSES
    space: str | None = None  # the feature space
    version: int = 1  # raised when the same images would score another number
    control: bool = False  # whether it belongs to the table "Control" of a board
    brought_by: str = ""  # the distribution of a third party that brings it; empty for metrics of the host

    @property
    def heading(self) -> str:
        """The head of its column: name, unit, an arrow towards the better side, and a mark if a third party brings it."""
        arrow = {"lower": "↓", "higher": "↑"}.get(self.better or "", "")
        mark = BROUGHT if self.brought_by else ""
        return " ".join(part for part in (self.name, f"({self.unit})" if self.unit else "", arrow, mark) if part)

    @property
    def cost(self) -> bool:
        """Whether it says what training or sampling cost."""
        return "training" in self.needs

    @property
    def special(self) -> bool:
        """Whether it needs an ability beyond drawing images."""
        return not set(LABELLED).issuperset(self.needs)

    @property
    def ranked(self) -> bool:
        """Whether methods are ranked by it."""
        return self.name in RANKED


def frechet_info(space: str) -> MetricInfo:
    """Frechet distance in a feature space, `timm:NAME` included."""
    about = f"Frechet distance to training images in {space} features"
    needs = (*SAMPLES, CLASSES) if space in ("judge", "judge2") else SAMPLES
    return MetricInfo(f"fd-{space}", about, "lower", "", needs, space)


def kernel_info(space: str) -> MetricInfo:
    """Kernel distance in a feature space, `timm:NAME` included."""
    about = f"kernel distance to training images in {space} features"
    return MetricInfo(f"kid-{space}", about, "lower", "", SAMPLES, space)


_FIDELITY = (
    frechet_info("lite0"),
    frechet_info("judge"),
    replace(frechet_info("judge2"), about="fd-judge in features of the second judge"),
    MetricInfo("fd-lite0-inf", "fd-lite0 that infinitely many images would have; se: standard error",
               "lower", "", SAMPLES, "lite0"),
    frechet_info("lite2"),
    kernel_info("lite0"),
    MetricInfo("kid-lite0-all", "kid-lite0 of all images at once, without random subsets",
               "lower", "", SAMPLES, "lite0"),
    MetricInfo("fid", "Frechet Inception distance", "lower", "", SAMPLES, "inception"),
    kernel_info("inception"),
    MetricInfo("kid-inception-all", "kid-inception of all images at once, without random subsets",
               "lower", "", SAMPLES, "inception"),
    MetricInfo("clean-fid", "FID behind clean-fid's resize", "lower", "", SAMPLES, "clean"),
    MetricInfo("inception-score", "how sure and how varied Inception's classes are", "higher", "", SAMPLES, "inception"),
    MetricInfo("precision-lite0", "fraction of samples that lie among training images", "higher", "", SAMPLES, "lite0"),
    MetricInfo("recall-lite0", "fraction of training images that lie among samples", "higher", "", SAMPLES, "lite0"),
    MetricInfo("density-lite0", "how densely training images lie around samples; real is about 1",
               "higher", "", SAMPLES, "lite0"),
    MetricInfo("coverage-lite0", "fraction of training images with a sample next to them",
               "higher", "", SAMPLES, "lite0"),
    MetricInfo("vendi-lite0", "how many different images there seem to be", "higher", "", SAMPLES, "lite0"),
    MetricInfo(SAMPLING_SD, "standard deviation of fd-lite0 over samplings of one trained model; parts: of the other "
               "ranked metrics", None, "", SAMPLES, "lite0"),
)  # fmt: skip

_CLASSES = (
    MetricInfo("intra-fd-judge", "fd-judge within a class, mean over classes", "lower", "", LABELLED, "judge"),
    MetricInfo("class-agreement", "the judge's accuracy on samples drawn for a label", "higher", "", LABELLED),
    MetricInfo("class-agreement-judge2", "the second judge's accuracy on samples drawn for a label",
               "higher", "", LABELLED, "judge2"),
    MetricInfo("cas", "accuracy on real images of a classifier that is trained on samples alone", "higher", "", LABELLED),
    MetricInfo("hacking-gap", "the model's own accuracy on its samples minus the judge's",
               "lower", "", (*LABELLED, "SelfClassifying")),
    MetricInfo("accuracy", "the model's own classifier on real test images", "higher", "", SELF),
    MetricInfo("accuracy-all", "the model's own classifier on the whole test split", "higher", "", SELF),
    MetricInfo("ece", "expected calibration error of the model's own classifier", "lower", "", SELF),
    MetricInfo("ece-adaptive", "the same over bins with as many images each, on the whole test split",
               "lower", "", SELF),
    MetricInfo("nll", "negative log-probability of the true class under the model's own classifier",
               "lower", "nats", SELF),
    MetricInfo("brier", "squared error of the probabilities of the model's own classifier", "lower", "", SELF),
    MetricInfo("diversity-ratio", "distance of two samples of a class over that of two real images; 1 is real",
               None, "", LABELLED, "pixels"),
    MetricInfo("diversity-ratio-st-lpips", "the same in a learned perceptual distance", None, "", LABELLED, "st-lpips"),
    MetricInfo("nearest-training-ratio", "distance to the nearest training image over that of test images; "
               "1 is real, 0 is copied", None, "", SAMPLES, "lite0"),
    MetricInfo("copying-lite0", "how often a sample is nearer to a training image than a test image is; "
               "0.5 is real, 1 is copied", None, "", SAMPLES, "lite0"),
    MetricInfo("authenticity-lite0", "fraction of samples that are not nearer to a training image than that is to another",
               "higher", "", SAMPLES, "lite0"),
    MetricInfo("nearest-reconstruction-ratio", "distance to the nearest reconstruction of a training image over that of "
               "reconstructions of test images; 1 is ideal", None, "", (*SAMPLES, *RECONSTRUCTING)),
    MetricInfo("mixture-agreement", "the judge's probability of the two classes that were mixed",
               "higher", "", MIXING),
)  # fmt: skip

_RECONSTRUCTION = (
    MetricInfo("reconstruction-mse", "squared error of pixels in [0, 1]", "lower", "", RECONSTRUCTING),
    MetricInfo("psnr", "peak signal-to-noise ratio of reconstructions", "higher", "dB", RECONSTRUCTING),
    MetricInfo("ssim", "structural similarity of reconstructions", "higher", "", RECONSTRUCTING),
    MetricInfo("reconstruction-st-lpips", "learned perceptual distance of reconstructions; blur costs most",
               "lower", "", RECONSTRUCTING, "st-lpips"),
    MetricInfo("reconstruction-agreement", "the judge's accuracy on reconstructions of test images",
               "higher", "", (*RECONSTRUCTING, CLASSES)),
    MetricInfo("reconstruction-factors", "are true factors read from reconstructions? 1: without error, 0: a guess",
               "higher", "", RECONSTRUCTING, ORACLE),
    MetricInfo("feature-error-guide", "error of the guide's hidden layers over their variance",
               "lower", "", (*RECONSTRUCTING, CLASSES), version=2),
    MetricInfo("feature-error-judge", "error of the judge's hidden layers over their variance",
               "lower", "", (*RECONSTRUCTING, CLASSES), version=2),
)  # fmt: skip

_DENSITY = (
    MetricInfo("bits-per-dimension", "bits that test images cost under the density of the method; uniform pixels: 8",
               "lower", "", DENSITY),
)  # fmt: skip


def _control(name: str, about: str, better: Literal["lower", "higher"] | None, needs: tuple[str, ...] = CODES,
             space: str | None = ORACLE, version: int = 1) -> MetricInfo:  # fmt: skip
    return MetricInfo(name, about, better, "", needs, space, version, control=True)


_CONTROL = (
    _control("acs", "attribute control score: one code controls an attribute, alone; se: standard error", "higher",
             version=2),
    _control("control", "share of an attribute that its best code controls", "higher", version=2),
    _control("selectivity", "how much more a code moves its own attribute than any other", "higher", version=2),
    _control("monotonicity", "rank correlation of a code with its own attribute", "higher", version=2),
    _control("live-codes", "fraction of codes that move an attribute", "higher", version=2),
    _control("leakage", "share of a code's effect that falls on other attributes", "lower", version=2),
    _control("varying-attributes", "fraction of the attributes of real images that vary over samples", "higher"),
    _control("identity-lite0", "does an image stay recognisable while a code changes? 1: unchanged, 0: another one",
             "higher", space="lite0", version=2),
    _control("ppl-lite0", "perceptual path length: change of an image for a small step of its codes",
             "lower", space="lite0"),
    _control("ppl-judge", "the same in the judge's features", "lower", (*CODES, CLASSES), "judge"),
    _control("ppl-st-lpips", "the same in a learned perceptual distance", "lower", space="st-lpips"),
    _control("mig-generator", "mutual information gap between codes and attributes of the images drawn from them",
             "higher"),
    _control("dci-generator", "does each code matter for one attribute only? parts: completeness, informativeness",
             "higher"),
    _control("sap-generator", "how much better the best code predicts an attribute than the second", "higher"),
    _control("modularity-generator", "does each code carry information on one attribute only?", "higher"),
    _control("class-leakage", "how much asking for another class moves the other attributes", "lower",
             ("ClassConditional", CLASSES)),
    _control("mixture-response", "rank correlation of the share of a class with the judge's probability", "higher",
             MIXING, None),
    _control("mixture-calibration", "distance of that probability from the share", "lower", ("ClassMixing",), None),
    _control("mig-encoder", "mutual information gap between codes of real images and their attributes", "higher",
             ENCODING),
    _control("dci-encoder", "does each code of a real image matter for one attribute only?", "higher", ENCODING),
    _control("factor-vae-score", "do codes of real images that share a factor value agree in one code?", "higher",
             ENCODING),
    _control("beta-vae-score", "can the factor that two real images share be inferred from their codes?", "higher",
             ENCODING),
    _control("sap-encoder", "how much better the best code of a real image predicts an attribute than the second",
             "higher", ENCODING),
    _control("modularity-encoder", "does each code of a real image carry information on one attribute only?",
             "higher", ENCODING),
    _control("total-correlation", "dependence between the codes of real images, in nats", "lower", ENCODING, None),
    _control("anomaly-auroc", "do codes of real images give away a class that the detector has not seen? 0.5: chance; "
             "pixels-pca: the same without a method", "higher", (*ENCODING, CLASSES), None),
)  # fmt: skip

_COST = (
    MetricInfo("train-images", "training images seen, all phases together", None, "images", TRAINING),
    MetricInfo("train-seconds", "seconds of training", "lower", "s", TRAINING),
    MetricInfo("images-per-second", "training images a second", "higher", "1/s", TRAINING),
    MetricInfo("sample-seconds-per-1000", "seconds to draw 1,000 samples", "lower", "s", (*SAMPLES, *TRAINING)),
    MetricInfo("peak-memory-mb", "most memory held while training", "lower", "MB", TRAINING),
    MetricInfo("parameters", "parameters of the model", None, "", TRAINING),
)

CATALOG: tuple[MetricInfo, ...] = (*_FIDELITY, *_CLASSES, *_RECONSTRUCTION, *_DENSITY, *_CONTROL, *_COST)


# The protocol of a metric that a third party brings, e.g. spectrum@bench-spectrum:n=2000,ref=5000:lower:v1-3fa9c1d2.
STAMP = re.compile(r"[^:@]+@(?P<by>[^:@]+):[^:]*:(?P<better>lower|higher|neither):v(?P<version>\d{1,9})-[0-9a-f]{8}")
SIDES: dict[str, Literal["lower", "higher"]] = {"lower": "lower", "higher": "higher"}

PLACES = {row.name: place for place, row in enumerate(CATALOG)}


def info(metric: str, protocol: str = "") -> MetricInfo:
    """The entry of a metric, or of the one that `metric` is a part of (`ece/part`).

    Of a metric that a third party brings, what its protocol says; of an unknown one, its name alone.
    """
    whole = metric.partition("/")[0]
    return CATALOG[PLACES[whole]] if whole in PLACES else brought_info(whole, protocol)


@lru_cache(maxsize=1000)
def brought_info(metric: str, protocol: str) -> MetricInfo:
    """What a protocol says of a metric that a third party brings; for any other protocol, the name alone."""
    match = STAMP.fullmatch(protocol)
    if match is None:
        return MetricInfo(metric)
    better: Literal["lower", "higher"] | None = SIDES.get(match["better"])
    return MetricInfo(metric, "", better, "", SAMPLES, version=int(match["version"]), brought_by=match["by"])


def position(metric: str) -> int:
    """Its place among the columns of a board; unknown metrics come last."""
    return PLACES.get(metric.partition("/")[0], len(CATALOG))
