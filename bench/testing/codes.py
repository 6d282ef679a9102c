"""The promises of generators whose codes are changed one by one: only the codes change, and all else is held fixed."""

import torch
from torch import Tensor

from bench.metrics.control.codes import code_layout
from bench.testing.promise import collect, promise, require
from bench.testing.subject import BATCH, GeneratorSubject

STEP = 1e-4  # of a code's deviation
LITTLE = 0.05  # change of an image after such a step, relative to that between images of other codes
ALONE = 1e-4  # relative tolerance: matrix shapes change the rounding


@promise(
    "G20",
    needs=("CodeConditional",),
    why="the same seed must mean the same nuisance for all codes",
    remedy="draw the nuisance before looking at the codes",
)
def decode_draws_as_much_for_any_codes(subject: GeneratorSubject) -> None:
    """How much `decode` draws from its `rng` does not depend on the codes, so that one seed is one nuisance."""
    states = []
    for seed in (1, 2):
        rng = subject.rng()
        subject.model.decode(subject.model.draw_codes(BATCH, subject.rng(seed)), rng)
        states.append(rng.get_state())
    require(
        torch.equal(*states),
        "decode: expected the same number of draws from rng whatever the codes, got another number",
    )


@promise(
    "G21",
    needs=("CodeConditional",),
    why="the effect of a code is measured on its own image",
    remedy="decode each row on its own",
)
def a_row_of_codes_changes_its_own_image_only(subject: GeneratorSubject) -> None:
    """Other codes in one row of `decode` leave the images of the other rows as they are."""
    codes, other = (subject.model.draw_codes(BATCH, subject.rng(seed)) for seed in (1, 2))
    changed = torch.cat([other[:1], codes[1:]])
    before, after = (subject.model.decode(table, subject.rng()) for table in (codes, changed))
    far = float((before[1:] - after[1:]).abs().max())
    require(far <= ALONE, f"decode: expected the other images unchanged, got a difference of {far:.2g}")


@promise(
    "G22",
    needs=("CodeConditional",),
    why="the effect of a code is measured with everything else held fixed",
    remedy="draw the nuisance from `rng` alone",
)
def a_small_step_of_a_code_is_a_small_step_of_the_image(subject: GeneratorSubject) -> None:
    """With the same `rng`, a small step of a continuous code changes an image only a little: no nuisance is drawn anew."""
    model = subject.model
    codes, other = (model.draw_codes(BATCH, subject.rng(seed)) for seed in (1, 2))
    images = model.decode(codes, subject.rng())
    apart = _distance(images, model.decode(other, subject.rng()))
    deviation = model.draw_codes(64, subject.rng(3)).std(0)
    for code in code_layout(model, codes.shape[1]):
        if code.kind != "continuous":
            continue
        moved = codes.clone()
        moved[:, code.columns[0]] += STEP * deviation[code.columns[0]]
        far = _distance(images, model.decode(moved, subject.rng()))
        require(
            far <= LITTLE * apart,
            f"decode: expected nearly the same images after a step of {STEP:g} deviations of {code.name!r}, got "
            f"{far / max(apart, 1e-12):.0%} of the distance between images of other codes",
        )


@promise(
    "G23",
    needs=("CodeConditional",),
    why="codes are changed by their columns and kinds",
    remedy="list in `code_layout` the columns that exist, with their kinds",
)
def code_layout_describes_the_codes(subject: GeneratorSubject) -> None:
    """`code_layout`, if there is one, names columns that exist; one-hot codes are one-hot, and pairs lie on a circle."""
    codes = subject.model.draw_codes(BATCH, subject.rng())
    for code in code_layout(subject.model, codes.shape[1]):
        columns = codes[:, list(code.columns)]
        if len(code.columns) > 1 and code.kind == "categorical":
            one_hot = bool(((columns == 0) | (columns == 1)).all()) and bool((columns.sum(1) == 1).all())
            require(one_hot, f"draw_codes: expected one 1 and otherwise 0 in the columns of {code.name!r}")
        if len(code.columns) > 1 and code.kind == "circular":
            radius = columns.square().sum(1).sqrt()
            require(
                bool((radius - radius.mean()).abs().max() <= 1e-3 * radius.mean()),
                f"draw_codes: expected the columns of {code.name!r} on a circle, got radii from "
                f"{float(radius.min()):.4g} to {float(radius.max()):.4g}",
            )


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().mean())


PROMISES = collect(globals())
