"""Classifiers that keep every promise but one."""

import torch
import torch.nn.functional as F
from bad import bad_ones, breaks
from torch import Tensor

from bench import Images, Logits, Spec
from bench.testing import TinyClassifier
from bench.testing.guide import TinyClassifierConfig


@breaks("logits_are_one_row_per_image", "logits: expected shape (1, 3), got (1, 4)")
class HasABackgroundClass(TinyClassifier):
    def logits(self, images: Images) -> Logits:
        return F.pad(super().logits(images), (0, 1))


@breaks("logits_are_one_row_per_image", "logits: expected shape (1, 3), got (3,)")
class DropsTheBatchOfOne(TinyClassifier):
    def logits(self, images: Images) -> Logits:
        return super().logits(images).squeeze(0)


@breaks("features_run_from_shallow_to_deep", "features: expected at least two layers, got 1")
class ShowsItsLastLayerOnly(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        return super().features(images)[-1:]


@breaks("features_run_from_shallow_to_deep", "features[-1]: expected shape (7, d), got (7, 32, 8, 8)")
class ShowsItsLayersBackwards(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        first, second, last = super().features(images)
        return [last, first, second]

    def logits(self, images: Images) -> Logits:
        return self.head(self.features(images)[0])


@breaks("gradients_reach_the_image", "logits is detached from the images")
class AnswersWithoutGradients(TinyClassifier):
    def logits(self, images: Images) -> Logits:
        return super().logits(images).detach() if not self.training else super().logits(images)


@breaks("gradients_reach_the_image", "features[0] is detached from the images")
class DetachesAHiddenLayer(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        first, *others = super().features(images)
        return [first.detach(), *others]


@breaks("gradients_reach_the_image", "expected a finite, nonzero gradient")
class RoundsTheImage(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        return super().features((images * 255).round() / 255)


@breaks("an_image_alone_is_as_in_a_batch", "one image alone and in a batch differ by")
class NormalisesOverTheBatch(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        return super().features(images - images.mean(dim=0, keepdim=True))


@breaks("answers_are_repeatable", "two calls with the same images")
class DropsOutForEver(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        return super().features(F.dropout(images, 0.1, training=True))


@breaks("using_a_model_leaves_the_process_unchanged", "logits or features changed torch's global random state")
class SeedsTorch(TinyClassifier):
    def logits(self, images: Images) -> Logits:
        torch.manual_seed(0)
        return super().logits(images)


@breaks("using_a_model_leaves_it_unchanged", "logits or features changed the state dict")
class CountsItsAnswers(TinyClassifier):
    def __init__(self, config: TinyClassifierConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("answered", torch.zeros((), dtype=torch.int64))

    def logits(self, images: Images) -> Logits:
        self.answered += len(images)
        return super().logits(images)


@breaks("arguments_are_left_unchanged", "features changed its argument in place")
class CentresInPlace(TinyClassifier):
    def features(self, images: Images) -> list[Tensor]:
        return super().features(images.data.sub_(0.5))

    def logits(self, images: Images) -> Logits:
        return self.head(super().features(images - 0.5)[-1])


BAD = bad_ones(globals())
