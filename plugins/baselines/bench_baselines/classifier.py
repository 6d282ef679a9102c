"""The guide's backbone trained plainly: what a method's own classifier has to beat. It draws nothing (README, section 6)."""

from dataclasses import dataclass

from bench import ResNetTiny, ResNetTinyConfig


@dataclass(frozen=True)
class PlainConfig(ResNetTinyConfig):
    """The settings of the default guide; `name`, `widths` and `depths` select another architecture."""


class PlainClassifier(ResNetTiny):
    """A classifier as a method of a board: it has accuracy and calibration, and a dash where images would be drawn."""

    Config = PlainConfig
