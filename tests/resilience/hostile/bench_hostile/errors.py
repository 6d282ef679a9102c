"""Errors of every kind, at every place."""

from bench import BenchError

from .good import Good


class FailsAtConstruction(Good):
    def __init__(self, config, spec):
        raise ValueError("no such network")


class Raises(Good):
    def fit(self, data, run):
        raise RuntimeError("[bold]boom[/bold] | with a pipe\nand a second line")


class FailsInSample(Good):
    def sample(self, n, rng):
        raise RuntimeError("nothing to draw")


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__("cannot be pickled")
        self.hole = lambda: one

    def __reduce__(self):
        raise TypeError("told you so")


class RaisesUnpicklable(Good):
    def fit(self, data, run):
        raise Unpicklable(1, 2)


class RaisesAMegabyte(Good):
    def fit(self, data, run):
        raise BenchError("x" * 2**20)


class RaisesEscapes(Good):
    def fit(self, data, run):
        raise BenchError("\x1b[2J\x1b]0;owned\x07\u202egnp <script>alert(1)</script>")


class Textless(Exception):
    def __str__(self):
        raise ValueError("no text")


class RaisesWithoutText(Good):
    def fit(self, data, run):
        raise Textless


class Interrupts(Good):
    def fit(self, data, run):
        raise KeyboardInterrupt


class ExitsPolitely(Good):
    def fit(self, data, run):
        raise SystemExit(0)


ENTRIES = {
    "fails-at-construction": FailsAtConstruction,
    "raises": Raises,
    "fails-in-sample": FailsInSample,
    "raises-unpicklable": RaisesUnpicklable,
    "raises-a-megabyte": RaisesAMegabyte,
    "raises-escapes": RaisesEscapes,
    "raises-without-text": RaisesWithoutText,
    "interrupts": Interrupts,
    "exits-politely": ExitsPolitely,
}
