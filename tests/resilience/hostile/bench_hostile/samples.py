"""What is drawn, in every wrong way, and in some that only look wrong."""

import torch

from .good import Good


class DrawsNan(Good):
    def sample(self, n, rng):
        return super().sample(n, rng) * float("nan")


class DrawsTooBright(Good):
    def sample(self, n, rng):
        return super().sample(n, rng) + 1.5


class DrawsWrongShape(Good):
    def sample(self, n, rng):
        return super().sample(n, rng)[:, :, 1:]


class DrawsDoubles(Good):
    def sample(self, n, rng):
        return super().sample(n, rng).double()


class DrawsElsewhere(Good):
    def sample(self, n, rng):
        return super().sample(n, rng).to("meta")


class DrawsNothing(Good):
    def sample(self, n, rng):
        return None


class DrawsWithGrad(Good):
    def sample(self, n, rng):
        return super().sample(n, rng).requires_grad_()


class DrawsFromTheGlobalRng(Good):
    def sample(self, n, rng):
        return torch.rand(n, *self.spec.shape)


class DrawsOneImageManyTimes(Good):
    """Views of one image: all of them lie in the same memory."""

    def sample(self, n, rng):
        return super().sample(1, rng).expand(n, -1, -1, -1)


class ReusesItsBuffer(Good):
    """What it gave before changes when it draws again."""

    def sample(self, n, rng):
        if getattr(self, "buffer", None) is None:
            self.buffer = torch.empty(10_000, *self.spec.shape)
        return self.buffer[:n].copy_(super().sample(n, rng))


class DrawsItsTrainingImages(Good):
    def fit(self, data, run):
        super().fit(data, run)
        self.seen = torch.nn.Buffer(data.images / 255)

    def sample(self, n, rng):
        return self.seen[:n]


ENTRIES = {
    "draws-nan": DrawsNan,
    "draws-too-bright": DrawsTooBright,
    "draws-wrong-shape": DrawsWrongShape,
    "draws-doubles": DrawsDoubles,
    "draws-elsewhere": DrawsElsewhere,
    "draws-nothing": DrawsNothing,
    "draws-with-grad": DrawsWithGrad,
    "draws-from-the-global-rng": DrawsFromTheGlobalRng,
    "draws-one-image-many-times": DrawsOneImageManyTimes,
    "reuses-its-buffer": ReusesItsBuffer,
    "draws-its-training-images": DrawsItsTrainingImages,
}
