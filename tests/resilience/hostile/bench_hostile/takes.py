"""Takes what is not theirs to take: time, memory, disk, images, and what they are only lent."""

import random
import signal
import time

import numpy as np
import torch

from .good import Good


class Hangs(Good):
    def fit(self, data, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)


class HangsInSample(Good):
    def sample(self, n, rng):
        while True:
            time.sleep(1)


class Eats(Good):
    def fit(self, data, run):
        hoard = []
        while True:
            hoard.append(torch.ones(2**24))
            time.sleep(0.02)


class FillsTheDisk(Good):
    def fit(self, data, run):
        with open("filler", "wb") as file:
            while True:
                file.write(bytes(2**20))


class PrintsWithoutEnd(Good):
    def fit(self, data, run):
        while True:
            print("spam " * 20_000)


class Diverges(Good):
    def fit(self, data, run):
        for _ in run.batches(data, 32, run.images):
            run.log(loss=torch.tensor(float("nan")))


class Overspends(Good):
    def fit(self, data, run):
        for _ in run.batches(data, 32, run.images * 2):
            pass


class RaisesItsBudget(Good):
    def fit(self, data, run):
        run.left = 10 * run.images
        for _ in run.batches(data, 32, run.images * 2):
            pass


class ReadsTheTestSplit(Good):
    def fit(self, data, run):
        self.mean.copy_(run.test.images[0] / 255)


class ChangesTheGuide(Good):
    def fit(self, data, run):
        super().fit(data, run)
        for parameter in run.guide.parameters():
            parameter.data.zero_()


class ChangesItsImages(Good):
    def fit(self, data, run):
        super().fit(data, run)
        data.images.zero_()


class SeedsTheWorld(Good):
    def fit(self, data, run):
        random.seed(0)
        np.random.seed(0)
        super().fit(data, run)


ENTRIES = {
    "hangs": Hangs,
    "hangs-in-sample": HangsInSample,
    "eats": Eats,
    "fills-the-disk": FillsTheDisk,
    "prints-without-end": PrintsWithoutEnd,
    "diverges": Diverges,
    "overspends": Overspends,
    "raises-its-budget": RaisesItsBudget,
    "reads-the-test-split": ReadsTheTestSplit,
    "changes-the-guide": ChangesTheGuide,
    "changes-its-images": ChangesItsImages,
    "seeds-the-world": SeedsTheWorld,
}
