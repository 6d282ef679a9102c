"""The table: names, protocols, dashes, and what the anchor rows score."""

import math
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.api import CAPABILITIES, Data
from bench.metrics import METRICS, Metric, draw_samples, space_metrics
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.scale import Scale

BY_NAME = {metric.name: metric for metric in METRICS}
COSTS = dict.fromkeys([metric.name for metric in METRICS if "training" in metric.needs], 2.0)
OFFLINE = {"fid", "kid-inception", "kid-inception-all", "clean-fid", "inception-score"}
QUICK, SMOKE = Scale(2000, 5000, 20_000, 5_000, "factors"), Scale(100, 200, 20_000, 5_000, "factors")
DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture(autouse=True)
def no_inception(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "none.pth"))


def test_names_are_kebab_case_and_unique():
    assert len(BY_NAME) == len(METRICS)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in BY_NAME)


def test_every_metric_says_what_it_is():
    for metric in METRICS:
        assert metric.about
        assert metric.better in ("lower", "higher", None)
        assert set(metric.needs) <= {*CAPABILITIES, "samples", "training", "classes"}


def test_protocols_are_unique_and_change_with_what_is_measured():
    for scale in (QUICK, SMOKE):
        assert len({metric.protocol(scale) for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        bumped = replace(metric, version=metric.version + 1)
        assert bumped.protocol(QUICK) != metric.protocol(QUICK)
        if "samples" in metric.needs:
            assert metric.protocol(Scale(200, 5000)) != metric.protocol(Scale(100, 5000))


def test_the_protocol_names_the_oracle_that_reads_the_attributes():
    names = [BY_NAME["acs"].protocol(replace(QUICK, oracle=oracle)) for oracle in ("factors", "morphology")]
    assert names == [
        f"acs@{oracle}:contexts=256,values=11,codes=16,draws=4000:v2" for oracle in ("factors", "morphology")
    ]


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("fd-lite0", "fd@lite0:n=2000,ref=5000:v1"),
        ("fd-judge", "fd@judge:n=2000,ref=5000:v1"),
        ("fd-lite0-inf", "fd-inf@lite0:n=2000,ref=2000,parts=1+2/3+1/2:v1"),
        ("kid-lite0", "kid@lite0:n=2000,ref=5000,subsets=20,size=500:v1"),
        ("fid", "fid@inception:n=2000,ref=5000:v1"),
        ("precision-lite0", "precision@lite0:n=2000,ref=5000,k=5:v1"),
        ("intra-fd-judge", "intra-fd@judge:n=2000,ref=5000:v1"),
        ("class-agreement", "class-agreement:n=2000:v1"),
        ("cas", "cas:n=2000,net=resnet-xs,images=40000,test=5000:v1"),
        ("ece", "ece:n=2000,bins=15:v1"),
        ("ece-adaptive", "ece-adaptive:n=5000,bins=15:v1"),
        ("nll", "nll:n=5000:v1"),
        ("vendi-lite0", "vendi@lite0:n=2000:v1"),
        ("copying-lite0", "copying@lite0:n=500,ref=5000:v1"),
        ("diversity-ratio", "diversity-ratio@pixels:n=2000,ref=5000:v1"),
        ("diversity-ratio-st-lpips", "diversity-ratio@st-lpips:n=2000,ref=5000,pairs=500,size=64:v1"),
        ("reconstruction-st-lpips", "reconstruction@st-lpips:n=500,size=64:v1"),
        ("nearest-training-ratio", "nearest-training-ratio@lite0:n=500,ref=5000:v1"),
        ("feature-error-judge", "feature-error-judge:n=250:v2"),
        ("mixture-agreement", "mixture-agreement:pairs=50,weights=5:v1"),
        ("ppl-st-lpips", "ppl@st-lpips:pairs=500,eps=0.0001,size=64:v1"),
        ("bits-per-dimension", "bits-per-dimension:n=250,draws=100:v1"),
        ("train-seconds", "train-seconds:v1"),
    ],
)
def test_the_protocol_states_what_was_done(name: str, protocol: str):
    assert BY_NAME[name].protocol(QUICK) == protocol


def test_any_space_has_metrics_of_its_own():
    fd, kid = space_metrics("timm:resnet18")
    assert (fd.name, kid.name) == ("fd-timm:resnet18", "kid-timm:resnet18")
    assert fd.protocol(Scale(10, 20)) == "fd@timm:resnet18:n=10,ref=20:v1"


def test_a_missing_ability_is_the_reason_of_a_dash(toys):
    plain = toys.Plain()
    assert BY_NAME["psnr"].missing(plain, False) == "Plain has no reconstruct (Reconstructing)"
    assert BY_NAME["class-agreement"].missing(plain, False) == "Plain has no sample_class (ClassConditional)"
    assert BY_NAME["accuracy"].missing(plain, False) == "Plain has no logits (SelfClassifying)"
    assert BY_NAME["fd-judge"].missing(plain, False) == ""
    assert BY_NAME["psnr"].missing(toys.Painter(), True) == ""


def test_an_anchor_with_labels_is_judged_by_them():
    assert BY_NAME["class-agreement"].missing(None, True) == ""
    assert (
        BY_NAME["class-agreement"].missing(None, False)
        == "an entry without a model has no sample_class (ClassConditional)"
    )
    assert BY_NAME["train-seconds"].missing(None, True) == "an entry without a model is not trained"
    assert BY_NAME["accuracy"].missing(None, True) == "an entry without a model has no logits (SelfClassifying)"


def _scores(context) -> dict[str, float]:
    """Every metric that can be measured, by name."""
    able = [metric for metric in METRICS if not (metric.missing(context.model, context.conditional) or metric.absent())]
    return {metric.name: value.value for metric in able if (value := _value(metric, context))}


def _value(metric: Metric, context) -> Measured | None:
    """None if the metric does not apply."""
    with suppress(NotMeasured):
        return metric.compute(context)
    return None


def test_a_capable_model_is_measured_in_every_metric(make_context, toys, tmp_path):
    model = toys.Painter()
    samples, conditional = draw_samples(model, 60, 0, "cpu")
    context = make_context(model=model, samples=samples, conditional=conditional, costs=COSTS, cache=tmp_path)
    measured = {
        metric.name: value for metric in METRICS if metric.name not in OFFLINE and (value := _value(metric, context))
    }
    missing = {metric.name for metric in METRICS} - measured.keys() - OFFLINE
    assert missing == {
        "class-leakage",
        "factor-vae-score",
        "beta-vae-score",
        "cas",
        "reconstruction-factors",
        "sampling-sd",
    }  # ground truth, more samples
    for name, result in measured.items():
        assert isinstance(BY_NAME[name], Metric)
        assert math.isfinite(result.value), name
        assert all(math.isfinite(value) for value in result.parts.values()), name
        assert all(re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", part) for part in result.parts), name
        assert result.n > 0
    assert list(measured["intra-fd-judge"].parts) == ["left-side", "middle", "right"]
    assert measured["train-seconds"].value == 2
    again = make_context(model=model, samples=samples, conditional=conditional, costs=COSTS, cache=tmp_path)
    assert _scores(again) == {name: result.value for name, result in measured.items()}


@pytest.mark.parametrize("counts", [(30, 29, 1), (30, 30, 0)])
def test_a_metric_is_measured_with_few_images_of_a_class_or_says_why_not(make_context, dataset, tmp_path, counts):
    """The reason names the first class that lacks images, with both counts; nothing fails and nothing is not a number."""
    members = [(dataset.test.labels == label).nonzero()[:count, 0] for label, count in enumerate(counts)]
    context = make_context(samples=dataset.test[torch.cat(members)], cache=tmp_path)
    able = [
        metric
        for metric in METRICS
        if metric.name not in OFFLINE and not (metric.missing(None, True) or metric.absent())
    ]
    reasons = {
        metric.name: _reason(metric, context)
        for metric in able
        if metric.name not in ("class-leakage", "cas", "sampling-sd")
    }
    assert {name for name, reason in reasons.items() if reason} == {
        "intra-fd-judge", "diversity-ratio", "diversity-ratio-st-lpips"
    }  # fmt: skip
    assert "class 'right': expected" in reasons["diversity-ratio"]
    assert f"got {counts[2]} of n=60 samples" in reasons["diversity-ratio"]
    full = make_context(cache=tmp_path)
    assert not any(_reason(BY_NAME[name], full) for name in reasons)


def _reason(metric: Metric, context) -> str:
    """Why the metric does not apply, or "" if it is a number."""
    try:
        assert math.isfinite(metric.compute(context).value)
    except NotMeasured as reason:
        return str(reason)
    return ""


def test_anchors_score_as_their_construction_implies(make_context, dataset, tmp_path):
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    mean = dataset.train.images.double().mean(0, keepdim=True).round().to(torch.uint8).expand(60, -1, -1, -1)
    blank = torch.zeros(60, dtype=torch.int64)
    anchors = {
        "real": (dataset.test[:60], True),
        "replay": (dataset.train[200:260], True),
        "mean": (Data(dataset.spec, mean, blank), False),
        "noise": (Data(dataset.spec, noise, blank), False),
    }
    scores = {
        name: _scores(make_context(samples=samples, conditional=conditional, cache=tmp_path))
        for name, (samples, conditional) in anchors.items()
    }
    for name in ("fd-lite0", "fd-lite0-inf", "fd-judge", "kid-lite0", "kid-lite0-all"):
        assert scores["real"][name] < 0.5 * min(scores["mean"][name], scores["noise"][name]), name
    for name in ("precision-lite0", "recall-lite0", "density-lite0", "coverage-lite0"):
        assert scores["real"][name] > 0.5, name
        assert scores["noise"][name] == 0, name
    assert scores["mean"]["recall-lite0"] == 0
    assert scores["real"]["class-agreement"] == 1
    assert scores["real"]["diversity-ratio"] == pytest.approx(1, abs=0.1)
    assert scores["real"]["nearest-training-ratio"] == pytest.approx(1, abs=0.2)
    assert scores["replay"]["nearest-training-ratio"] == pytest.approx(0, abs=1e-3)
    assert scores["noise"]["nearest-training-ratio"] > 1.5
    assert scores["real"]["copying-lite0"] == pytest.approx(0.5, abs=0.15)
    assert scores["replay"]["copying-lite0"] > 0.99
    assert scores["replay"]["authenticity-lite0"] == 0
    assert scores["mean"]["vendi-lite0"] == pytest.approx(1)
    assert scores["real"]["vendi-lite0"] > 1.5
    assert "class-agreement" not in scores["mean"]


def test_an_unmeasured_cost_is_an_error_not_a_zero(make_context, toys):
    with pytest.raises(Exception, match="train-seconds was not measured"):
        BY_NAME["train-seconds"].compute(make_context(model=toys.Painter()))


def test_the_document_has_a_row_for_every_metric_and_quotes_its_protocol():
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {metric.name: metric.protocol(QUICK) for metric in METRICS}


def test_no_distance_is_measured_on_fewer_images_than_stated():
    spaced = [metric for metric in METRICS if metric.name in ("fd-lite0", "kid-lite0", "recall-lite0", "fd-judge")]
    assert len(spaced) == 4
    for metric in spaced:
        assert metric.too_few(Scale(20, 20)) == ""
        assert metric.too_few(Scale(19, 500, 900, 800)) == (
            "expected at least 20 samples and reference images, got 19 and 500"
        )
        assert metric.too_few(Scale(2, 8, 8, 2)).endswith("got 2 and 8: the data set has no more")
    assert BY_NAME["accuracy"].too_few(Scale(2, 2)) == ""
