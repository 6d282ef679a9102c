"""Generators that keep every promise but one about what they draw and answer."""

import random

import torch
from bad import bad_ones, breaks
from torch import Tensor
from toys import Plain, Toy, ToyConfig

from bench import Code, Codes, Images, Labels, Logits, LogWeights, Spec

IMAGES = "samples_are_images"
PROCESS = "using_a_model_leaves_the_process_unchanged"


@breaks("methods_take_the_documented_arguments", "sample_class(label, n, rng): expected (labels, rng)")
class DrawsOneClassAtATime(Toy):
    def sample_class(self, label, n, rng):
        return super().sample_class(torch.full((n,), label), rng)


@breaks(IMAGES, "sample of 1: expected shape (1, 3, 32, 32), got (3, 32, 32)")
class DropsTheBatchOfOne(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(n, rng).squeeze(0)


@breaks(IMAGES, "sample of 1: expected torch.float32, got torch.float64")
class DrawsInDouble(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(n, rng).double()


@breaks(IMAGES, "expected values in [0, 1], got")
class DrawsOutOfRange(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return 2 * super().sample(n, rng) - 1


@breaks(IMAGES, "expected finite values")
class DrawsNothingness(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(n, rng).sub(0.5).sqrt()


@breaks(IMAGES, "sample_class of 1: expected images without grad, got requires_grad=True; use `@torch.no_grad()`")
class DragsItsGraphAlong(Toy):
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        return self.decoder(self.means[labels]).sigmoid().unflatten(1, self.spec.shape)


@breaks(IMAGES, "sample of 1: expected shape (1, 3, 32, 32), got (8, 3, 32, 32)")
class AlwaysDrawsEight(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(8, rng)


@breaks("same_rng_gives_same_images", "sample differs")
class ThrowsItsOwnDice(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return (self.mean.detach() + 0.1 * torch.randn(n, *self.spec.shape)).clamp(0, 1)


@breaks("another_rng_gives_other_images", "expected other images from another rng")
class AlwaysTheSame(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(n, torch.Generator().manual_seed(0))


@breaks("samples_are_not_all_one_image", "expected different images, got 14 equal ones")
class Collapsed(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(1, rng).repeat(n, 1, 1, 1)


@breaks("samples_belong_to_the_caller", "sample: writing into its images changes the next ones")
class LendsItsBank(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("bank", torch.rand(16, *spec.shape))

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return self.bank[:n]


@breaks("samples_belong_to_the_caller", "sample: writing into its images changes the next ones")
class KeepsItsLastDraw(Plain):
    last: Tensor | None = None

    def sample(self, n: int, rng: torch.Generator) -> Images:
        if self.last is None or len(self.last) != n:
            self.last = super().sample(n, rng)
        return self.last


@breaks(PROCESS, "sample changed torch's global random state")
class SeedsTorch(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        torch.manual_seed(rng.initial_seed())
        return (self.mean.detach() + 0.1 * torch.randn(n, *self.spec.shape)).clamp(0, 1)


@breaks(PROCESS, "python's global random state")
class ShufflesWithPython(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        random.random()
        return super().sample(n, rng)


@breaks(PROCESS, "torch's grad mode")
class LeavesGradientsOff(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        torch.set_grad_enabled(False)
        return super().sample(n, rng)


@breaks(PROCESS, "sample changed grid.pt")
class SavesItsSamples(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        images = super().sample(n, rng)
        torch.save(images, "grid.pt")
        return images


@breaks("using_a_model_leaves_it_unchanged", "sample changed the state dict")
class CountsItsDraws(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("drawn", torch.zeros((), dtype=torch.int64))

    def sample(self, n: int, rng: torch.Generator) -> Images:
        self.drawn += n
        return super().sample(n, rng)


@breaks("arguments_are_left_unchanged", "sample_class changed its argument in place")
class ShiftsLabels(Toy):
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        return super().sample_class(labels.add_(1).remainder_(len(self.means)), rng)


@breaks("arguments_are_left_unchanged", "encode changed its argument in place")
class CentresInPlace(Toy):
    def encode(self, images: Images) -> Codes:
        return super().encode(images.sub_(0.5))


@breaks("labels_are_honoured", "expected other images for class 1 than for class 0")
class IgnoresLabels(Toy):
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        return self.sample(len(labels), rng)


@breaks("labels_are_honoured", "sample_class of class 0: expected shape (7, 3, 32, 32), got (1, 3, 32, 32)")
class DrawsOncePerClass(Toy):
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        return super().sample_class(labels.unique(), rng)


@breaks("mixtures_are_honoured", "expected other images for class 1 than for class 0")
class IgnoresWeights(Toy):
    def sample_mixture(self, weights: Tensor, rng: torch.Generator) -> Images:
        return self.sample(len(weights), rng)


@breaks("mixtures_are_honoured", "one class at a time")
class WantsPureRows(Toy):
    def sample_mixture(self, weights: Tensor, rng: torch.Generator) -> Images:
        if not bool((weights.max(1).values == 1).all()):
            raise ValueError("one class at a time")
        return super().sample_mixture(weights, rng)


@breaks("codes_are_honoured", "decode: expected other images from other codes")
class IgnoresCodes(Toy):
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        return super().decode(torch.randn(codes.shape, generator=rng), rng)


@breaks("codes_are_honoured", "expected the same codes from the same rng")
class DrawsCodesFromElsewhere(Toy):
    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        return torch.randn(n, self.config.codes)


@breaks("codes_are_honoured", "expected torch.float32")
class DrawsWholeCodes(Toy):
    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        return super().draw_codes(n, rng).round().long()

    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        return super().decode(codes.float(), rng)


@breaks("decode_draws_as_much_for_any_codes", "got another number")
class DrawsUntilItLikesTheCodes(Toy):
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        images = super().decode(codes, rng)
        for _ in range(int(codes.double().abs().sum() * 1e6) % 7):
            images = (images + 0.01 * torch.rand(images.shape, generator=rng)).clamp(0, 1)
        return images


@breaks("a_row_of_codes_changes_its_own_image_only", "expected the other images unchanged")
class MixesRows(Toy):
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        return super().decode(codes + 0.5 * codes.mean(0), rng)


@breaks("a_small_step_of_a_code_is_a_small_step_of_the_image", "of the distance between images of other codes")
class DrawsNuisanceFromTheCodes(Toy):
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        images = super().decode(codes, rng)
        for image, row in zip(images, codes, strict=True):
            own = torch.Generator().manual_seed(hash(tuple(row.tolist())) % 2**31)
            image.mul_(torch.rand(image.shape, generator=own))
        return images


@breaks("code_layout_describes_the_codes", "code_layout: expected columns from 0 to 7 for 'size', got (8,)")
class NamesAColumnTooMany(Toy):
    code_layout = (Code("size", "continuous", (8,)),)


@breaks("code_layout_describes_the_codes", "expected one 1 and otherwise 0 in the columns of 'kind'")
class SaysOneHotForNumbers(Toy):
    code_layout = (Code("kind", "categorical", (0, 1)),)


@breaks("code_layout_describes_the_codes", "expected the columns of 'hue' on a circle")
class SaysCircleForNumbers(Toy):
    code_layout = (Code("hue", "circular", (0, 1)),)


@breaks("encodings_are_codes", "encode: expected 8 columns as from draw_codes, got 4")
class EncodesHalf(Toy):
    def encode(self, images: Images) -> Codes:
        return super().encode(images)[:, :4]


@breaks("encodings_are_codes", "encode: expected shape (7, d), got (7, 8, 1)")
class EncodesMaps(Toy):
    def encode(self, images: Images) -> Codes:
        return super().encode(images)[..., None]


@breaks("reconstructions_follow_the_image", "expected different images for different images")
class ReconstructsTheMean(Toy):
    def reconstruct(self, images: Images) -> Images:
        return images.mean(0, keepdim=True).repeat(len(images), 1, 1, 1)


@breaks("reconstructions_follow_the_image", "use `.clamp(0, 1)`")
class ReconstructsOutOfRange(Toy):
    def reconstruct(self, images: Images) -> Images:
        return super().reconstruct(images) * 255


@breaks("own_logits_are_one_row_per_image", "logits: expected shape (7, 3), got (7, 4)")
class HasAClassTooMany(Toy):
    def logits(self, images: Images) -> Logits:
        return torch.nn.functional.pad(super().logits(images), (0, 1))


@breaks("own_logits_are_one_row_per_image", "expected finite values")
class IsInfinitelySure(Toy):
    def logits(self, images: Images) -> Logits:
        return super().logits(images) * float("inf")


WEIGHTS = "log_weights_are_one_row_per_draw"


@breaks(WEIGHTS, "log_weights: expected shape (1, 7), got (7,)")
class AveragesItsWeights(Toy):
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        return super().log_weights(images, draws, rng).logsumexp(0)


@breaks(WEIGHTS, "log_weights: expected finite values")
class HasADensityOnASubspace(Toy):
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        return super().log_weights(images, draws, rng) - float("inf")


@breaks(WEIGHTS, "log_weights: expected no grad")
class KeepsTheGraphOfItsWeights(Toy):
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        return self.head.bias.sum() + super().log_weights(images, draws, rng)


@breaks(WEIGHTS, "expected the same values from the same rng")
class WeighsDrawsFromElsewhere(Toy):
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        return super().log_weights(images, draws, torch.Generator().manual_seed(torch.seed()))


@breaks(WEIGHTS, "no_density: expected a text, got bool")
class SaysOnlyThatItHasNoDensity(Toy):
    no_density = True


@breaks("an_image_alone_is_as_in_a_batch", "encode: one image alone and in a batch")
class NormalisesOverTheBatch(Toy):
    def encode(self, images: Images) -> Codes:
        codes = super().encode(images)
        return (codes - codes.mean(0)) / (codes.std(0, correction=0) + 1e-3)


@breaks("an_image_alone_is_as_in_a_batch", "one image alone and in a batch differ")
class BrightensOverTheBatch(Toy):
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        images = super().decode(codes, rng)
        return images / images.max()


@breaks("answers_are_repeatable", "two calls with the same images: reconstruct differs")
class ReconstructsAtRandom(Toy):
    def reconstruct(self, images: Images) -> Images:
        return self.sample(len(images), torch.Generator().manual_seed(torch.seed()))


BAD = bad_ones(globals())
