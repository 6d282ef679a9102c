"""Prints what the published judges and lite0 say about fixed images of digits: run under several instruction sets."""

import json

import torch

from bench.data.digits import Digits
from bench.evaluation.anchors import ANCHORS
from bench.experiment.budget import find_budget
from bench.experiment.device import Device
from bench.experiment.request import ClassifierRef
from bench.metrics import METRICS, EvaluationContext
from bench.registry.plugins import Plugins
from bench.training.classifier_spec import resolve_classifier
from bench.training.guide_and_judge import load_or_fit
from bench.training.second_judge import find_second_judge
from bench.training_run import silent

MEASURED = (
    "fd-lite0", "fd-judge", "fd-judge2", "precision-lite0", "recall-lite0", "intra-fd-judge", "class-agreement",
    "class-agreement-judge2",
)  # fmt: skip
N, REFERENCE, CPU = 300, 1_000, torch.device("cpu")


def main() -> None:
    digits = Digits("").load()
    spec = resolve_classifier(
        "judge", ClassifierRef.parse("resnet-s"), Plugins(), digits, find_budget("smoke"),
        Device("cpu", 1, "float32", "a device"),
    )  # fmt: skip
    judge = load_or_fit(spec, None, silent)  # type: ignore[arg-type]  # a published one needs no cache
    context = EvaluationContext(
        model=None, dataset=digits, samples=ANCHORS["slight-noise"](digits, N, 0), conditional=True,
        judge=judge.classifier, judge_digest=judge.digest, guide=judge.classifier, device=CPU, n=N,
        reference=REFERENCE, seed=0, find_second_judge=lambda: find_second_judge(digits, CPU, {}),
    )  # fmt: skip
    values = {metric.name: metric.compute(context).value for metric in METRICS if metric.name in MEASURED}
    print(
        json.dumps(
            {"capability": torch.backends.cpu.get_cpu_capability(), "label": judge.label, "n": N, "values": values}
        )
    )


if __name__ == "__main__":
    main()
