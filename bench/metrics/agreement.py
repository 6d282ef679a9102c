"""Accuracies: of the judge on samples drawn for a label, and of a method's own classifier."""

from bench.metrics.context import EvaluationContext, fraction_correct
from bench.metrics.metric import Measured


def class_agreement(context: EvaluationContext) -> Measured:
    """Accuracy of the judge on the samples; the label of a sample is the one it was drawn for."""
    return Measured(fraction_correct(context.sample_logits, context.samples.labels), context.n)


def class_agreement_second(context: EvaluationContext) -> Measured:
    """The same of the second judge. Raises `NotMeasured` if there is none for the data set."""
    logits = context.logits_of(context.second_judge[0], context.samples.images)
    return Measured(fraction_correct(logits, context.samples.labels), context.n)


def hacking_gap(context: EvaluationContext) -> Measured:
    """Accuracy of the model's own classifier on its samples, minus that of the judge. Part `self`: the former."""
    own = fraction_correct(context.own_logits(context.samples.images), context.samples.labels)
    return Measured(own - fraction_correct(context.sample_logits, context.samples.labels), context.n, {"self": own})


def accuracy(context: EvaluationContext) -> Measured:
    """Accuracy of the model's own classifier on real test images."""
    return Measured(fraction_correct(context.own_test_logits, context.test.labels), context.n)
