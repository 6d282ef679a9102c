"""Scores of external images: two sets of images, or one set and a data set, without a method."""

from bench.comparison.result import Evaluation, Score
from bench.comparison.scoring import evaluate

__all__ = ["Evaluation", "Score", "evaluate"]
