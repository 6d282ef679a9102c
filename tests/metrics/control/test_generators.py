"""Generators whose control is known by construction, and what their metrics say."""

import lamp_generators as toys
import numpy as np
import pytest
import torch
from lamp_generators import Lamps, pad

from bench.api import Code
from bench.errors import BenchError
from bench.metrics import METRICS
from bench.metrics.control import path_length
from bench.metrics.control.evaluation import control, draws, sweeps
from bench.metrics.metric import NotMeasured
from bench.metrics.perceptual import absent, perceptual_distance

METRIC = {metric.name: metric for metric in METRICS}


def value(name: str, context) -> float:
    return METRIC[name].compute(context).value


def test_a_renderer_with_its_own_factors_as_codes_scores_one(evaluate):
    context = evaluate(Lamps(toys.identity))
    for name in ("acs", "control", "selectivity", "monotonicity", "live-codes"):
        assert value(name, context) == pytest.approx(1, abs=0.06), name
    assert value("leakage", context) == pytest.approx(0, abs=0.01)
    assert METRIC["acs"].compute(context).parts["lamp-1"] == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("degrees", [20, 45])
def test_rotated_codes_score_cos_two_theta_on_the_two_attributes_they_share(evaluate, degrees):
    parts = METRIC["acs"].compute(evaluate(Lamps(toys.rotated(np.deg2rad(degrees))))).parts
    for name in ("lamp-0", "lamp-1"):
        assert parts[name] == pytest.approx(np.cos(np.deg2rad(2 * degrees)), abs=0.06)
    assert parts["lamp-2"] == pytest.approx(1, abs=0.06)


def test_a_dead_code_lowers_the_share_of_live_codes_and_nothing_else(evaluate):
    context = evaluate(Lamps(toys.identity, codes=4))
    assert value("live-codes", context) == 0.75
    assert value("acs", context) == pytest.approx(1, abs=0.06)
    assert value("selectivity", context) == pytest.approx(1, abs=0.06)


def test_codes_that_exchange_their_attributes_at_random_do_not_control_them(evaluate):
    parts = METRIC["acs"].compute(evaluate(Lamps(toys.swapped))).parts
    assert parts["lamp-0"] < 0
    assert parts["lamp-2"] == pytest.approx(1, abs=0.06)


def test_an_entangled_pair_has_control_without_selectivity(evaluate):
    context = evaluate(Lamps(toys.entangled))
    assert value("control", context) == pytest.approx(1, abs=0.06)
    assert value("selectivity", context) < 0.6
    assert value("leakage", context) == pytest.approx(0.25, abs=0.02)  # half of the effect of one of two live codes


def test_a_watermark_changes_pixels_and_controls_nothing(evaluate):
    context = evaluate(Lamps(toys.watermark))
    assert value("control", context) == pytest.approx(0, abs=1e-9)
    assert value("acs", context) == pytest.approx(0, abs=1e-9)
    assert value("live-codes", context) == 0
    with pytest.raises(NotMeasured, match="no code has a noticeable effect"):
        value("selectivity", context)


def test_nuisance_from_rng_is_held_fixed_and_halves_the_gap(evaluate):
    context = evaluate(Lamps(toys.noisy))
    assert value("acs", context) == pytest.approx(0.5, abs=0.06)
    assert value("selectivity", context) == pytest.approx(0.5, abs=0.06)


def test_each_image_of_a_sweep_is_drawn_once_for_all_metrics_of_control(evaluate):
    model = Lamps(toys.identity)
    context = evaluate(model)
    for name in ("acs", "control", "selectivity", "monotonicity", "live-codes", "leakage", "identity-lite0"):
        value(name, context)
    scale = context.scale
    sweep = scale.contexts * scale.values * model.codes
    repeated = 2 * min(scale.contexts, 128)  # to see whether decoding can be repeated
    assert model.decoded == sweep + sum(scale.draws) + scale.spread + repeated + 128  # others, for identity


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(evaluate):
    first, again, other = (value("acs", evaluate(Lamps(toys.noisy), seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_an_attribute_that_does_not_vary_over_samples_is_dropped_by_name(evaluate):
    context = evaluate(Lamps(lambda c, rng: pad(c[:, :2])))
    found = control(context)
    assert found.effects.attributes == ("lamp 0", "lamp 1")
    assert found.dropped == {"lamp 2": "varies 0.0% as much as over real images"}
    assert value("varying-attributes", context) == pytest.approx(2 / 3)
    assert value("acs", context) == pytest.approx(1, abs=0.06)


def test_images_without_any_variation_have_no_control_to_measure(evaluate):
    context = evaluate(Lamps(lambda c, rng: torch.full((len(c), 4), 0.5)))
    with pytest.raises(NotMeasured, match="no attribute varies over the images of the codes"):
        value("acs", context)
    assert value("varying-attributes", context) == 0


def test_an_attribute_that_hardly_varies_over_real_images_is_dropped(evaluate, lamps):
    dark = type(lamps.test)(lamps.spec, lamps.test.images.clone(), lamps.test.labels)
    dark.images[..., :4] = 100
    still = type(lamps)(lamps.spec, lamps.train, lamps.validation, dark, "still")
    context = evaluate(Lamps(toys.identity), dataset=still)
    assert control(context).dropped == {"lamp 0": "hardly varies over real images"}
    assert value("varying-attributes", context) == 1


def test_an_oracle_without_a_reliable_attribute_is_a_dash_with_its_reasons(evaluate):
    class Blind(toys.LampOracle):
        attributes, left_out = (), {"lamp 0": "R2 0.81, below 0.95"}

    with pytest.raises(NotMeasured, match=r"no attribute can be read reliably \(lamp 0: R2 0.81, below 0.95\)"):
        value("acs", evaluate(Lamps(toys.identity), find_oracle=Blind))


def test_decoding_that_ignores_its_generator_is_refused(evaluate):
    def law(codes, rng):
        return pad(torch.rand(len(codes), 3))

    with pytest.raises(BenchError, match="decode: expected the same images from the same codes and seed, got others"):
        value("acs", evaluate(Lamps(law)))


def test_codes_that_are_not_finite_are_refused(evaluate):
    class Broken(Lamps):
        def draw_codes(self, n, rng):
            return torch.full((n, 3), torch.nan)

    with pytest.raises(BenchError, match="draw_codes: expected finite codes, got 4500 that are nan or inf"):
        value("acs", evaluate(Broken(toys.identity)))


def test_codes_of_no_variance_are_dead(evaluate):
    class Constant(Lamps):
        def draw_codes(self, n, rng):
            return super().draw_codes(n, rng) * torch.tensor([1.0, 1.0, 0.0])

    assert value("live-codes", evaluate(Constant(toys.identity))) == pytest.approx(2 / 3)


def test_of_five_hundred_codes_those_that_change_the_pixels_most_are_swept(evaluate):
    """The three codes that matter are among 500; they have the largest variance, as the filter by variance assumes."""

    class Many(Lamps):
        def draw_codes(self, n, rng):
            codes = torch.rand((n, 500), generator=rng)
            codes[:, 3:490] *= 0.1
            return codes[:, torch.arange(500).roll(200)]

    context = evaluate(Many(lambda c, rng: toys.identity(c.roll(-200, 1), rng), codes=500))
    found = sweeps(context)
    assert len(found.sweeps) == 16
    assert found.codes == 500
    assert {"code 200", "code 201", "code 202"} <= {sweep.name for sweep in found.sweeps}
    assert value("acs", context) == pytest.approx(1, abs=0.06)


def test_one_code_is_enough(evaluate):
    context = evaluate(Lamps(lambda c, rng: pad(c), codes=1))
    assert value("acs", context) == pytest.approx(1, abs=0.06)


def test_declared_codes_are_moved_as_declared(evaluate):
    """A one-hot code of three values and a circular one in two columns; the last column is not a code."""

    class Declared(Lamps):
        code_layout = (Code("which", "categorical", (0, 1, 2)), Code("turn", "circular", (3, 4)))

        def draw_codes(self, n, rng):
            which = torch.eye(3)[torch.randint(3, (n,), generator=rng)]
            turn = 2 * torch.pi * torch.rand((n, 1), generator=rng)
            return torch.cat([which, turn.cos(), turn.sin(), torch.rand((n, 1), generator=rng)], dim=1)

    def law(codes, rng):
        assert bool((codes[:, :3].sum(1) == 1).all())  # never half of a value
        assert torch.allclose(codes[:, 3:5].square().sum(1), torch.ones(len(codes)), atol=1e-4)
        level = codes[:, :3] @ torch.tensor([0.0, 0.5, 1.0])
        return pad(torch.stack([level, 0.5 + 0.5 * codes[:, 3], codes[:, 5]], dim=1))

    context = evaluate(Declared(law))
    found = control(context)
    assert found.effects.codes == ("which", "turn")
    assert found.effects.total == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]), abs=0.06)
    assert np.isnan(found.effects.rank).all()
    with pytest.raises(NotMeasured, match="with an order"):
        value("monotonicity", context)


def test_declared_codes_are_kept_among_many_wide_ones(evaluate):
    """A one-hot code has little variance, and matters."""

    class Wide(Lamps):
        code_layout = (Code("which", "categorical", (0, 1)), *(Code(f"z{i}", "continuous", (i,)) for i in range(2, 90)))

        def draw_codes(self, n, rng):
            which = torch.eye(2)[torch.randint(2, (n,), generator=rng)]
            wide = 100 * torch.rand((n, 88), generator=rng)
            return torch.cat([which, 2 * wide[:, :2], wide[:, 2:]], dim=1)

    context = evaluate(Wide(lambda c, rng: pad(torch.cat([c[:, :1], c[:, 2:4] / 200], dim=1)), codes=90))
    assert "which" in control(context).effects.codes
    assert value("control", context) > 0.9


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ((Code("a", "continuous", (3,)),), "expected columns from 0 to 2 for 'a', got .3,."),
        ((Code("a", "continuous", (0, 1)),), "expected 1 column for the continuous 'a', got 2"),
        ((Code("a", "continuous", (0,)), Code("b", "continuous", (0,))), "expected codes with columns of their own"),
        (
            (Code("a", "binary", (0,)),),
            "expected one of continuous, circular, categorical as kind of 'a', got 'binary'",
        ),
        ((Code("a", "circular", (0, 1, 2)),), "expected 1 to 2 columns for the circular 'a', got 3"),
        ((), "expected at least one code, got none"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_with_a_sentence(evaluate, layout, message):
    class Odd(Lamps):
        code_layout = layout

    with pytest.raises(BenchError, match=message):
        value("acs", evaluate(Odd(toys.identity)))


@pytest.mark.parametrize("values", [None, 3, 4, 6])
def test_perfect_control_scores_one_under_any_prior(evaluate, values):
    """Normal codes, and codes of a few values: the variance between the values of a sweep is not that of the code."""

    class Prior(Lamps):
        def draw_codes(self, n, rng):
            if values is None:
                return 0.5 + torch.randn((n, 3), generator=rng) / 10
            return torch.randint(values, (n, 3), generator=rng) / (values - 1)

    context = evaluate(Prior(toys.identity))
    assert value("acs", context) == pytest.approx(1, abs=0.08)
    assert value("control", context) == pytest.approx(1, abs=0.08)


def test_codes_that_depend_on_each_other_have_shares_of_at_most_one(evaluate):
    """Under their prior the first two codes cancel out, so that the first lamp hardly moves."""

    class Dependent(Lamps):
        def draw_codes(self, n, rng):
            first, third = torch.rand((2, n, 1), generator=rng)
            return torch.cat([first, 1 - first, third], dim=1)

    law = lambda c, rng: pad((c[:, :1] + c[:, 1:2]) / 2 + 0.1 * (c[:, 2:3] - 0.5))  # noqa: E731
    found = control(evaluate(Dependent(law)))
    assert found.effects.total.max() <= 1.1
    assert found.scores.control == pytest.approx(0.5, abs=0.1)


def test_of_a_categorical_code_the_most_frequent_values_are_swept(evaluate):
    class Many(Lamps):
        code_layout = (Code("which", "categorical", (0,)),)

        def draw_codes(self, n, rng):
            return torch.randint(200, (n, 1), generator=rng).float()

    found = sweeps(evaluate(Many(lambda c, rng: pad(c / 200))))
    assert len(found.sweeps[0].values) == 64
    assert found.sweeps[0].shares.sum() == pytest.approx(1)


def test_draws_do_not_depend_on_what_is_measured_before(evaluate):
    first, second = (evaluate(Lamps(toys.identity)) for _ in range(2))
    value("acs", second)
    assert torch.equal(draws(first).codes, draws(second).codes)
    assert np.array_equal(draws(first).readings, draws(second).readings)


# Identity preservation and path length


def test_identity_is_kept_by_codes_that_change_nothing_visible_and_lost_by_codes_that_change_all(evaluate):
    def slightly(codes, rng):
        rest = torch.rand((len(codes), 4), generator=rng)
        return torch.cat([0.45 + 0.1 * codes[:, :1], rest[:, 1:]], dim=1)

    little = value("identity-lite0", evaluate(Lamps(slightly, codes=1)))
    much = value("identity-lite0", evaluate(Lamps(lambda c, rng: pad(c[:, :1].repeat(1, 3)), codes=1)))
    assert 0.8 < little <= 1
    assert -0.5 < much < little - 0.3


def test_identity_is_not_measured_if_all_images_look_alike(evaluate, monkeypatch):
    """Cosines differ by 2 at most, so that with this limit all images do."""
    monkeypatch.setattr("bench.metrics.control.identity.ALIKE", 2.0)
    with pytest.raises(NotMeasured, match="images of different codes look alike"):
        value("identity-lite0", evaluate(Lamps(toys.identity)))


def test_path_length_of_quantized_images_is_not_measured(evaluate):
    with pytest.raises(NotMeasured, match="its images are quantized"):
        value("ppl-lite0", evaluate(Lamps(lambda c, rng: (pad(c) * 255).round() / 255)))


def test_path_length_is_that_of_a_straight_line_in_feature_space(evaluate):
    """The judge's features turn by a known angle per unit of the code: the squared speed is that of the angle."""

    class Angles:
        name, digest, dim = "judge", "angles", 2

        def embed(self, pixels, device):
            angle = pixels.float()[:, 0, 0, 0] / 255 * 0.5
            return torch.stack([angle.cos(), angle.sin()], dim=1)

    model = Lamps(lambda c, rng: pad(c[:, :1]), codes=1)
    context = evaluate(model)
    context._spaces["judge"] = Angles()
    rng = torch.Generator().manual_seed(0)
    expected = float((0.5 * (torch.rand(100_000, generator=rng) - torch.rand(100_000, generator=rng))).square().mean())
    assert value("ppl-judge", context) == pytest.approx(expected, rel=0.2)


needs_st_lpips = pytest.mark.skipif(bool(absent()), reason=absent() or "installed")


@needs_st_lpips
def test_path_length_in_st_lpips_is_the_distance_of_each_pair_over_the_squared_step(evaluate):
    context = evaluate(Lamps(lambda c, rng: pad(c)))
    found = value("ppl-st-lpips", context)
    distances = torch.cat([perceptual_distance()(before, after) for before, after in path_length.pairs(context)])
    assert len(distances) == context.scale.pairs
    assert found == pytest.approx(path_length.trimmed_mean(distances.double().numpy() / 1e-8), rel=1e-4)
    assert found > 0


@needs_st_lpips
@pytest.mark.parametrize("name", ["ppl-lite0", "ppl-st-lpips"])
def test_a_path_along_which_nothing_changes_has_no_length(evaluate, name):
    """The distance of each pair is exactly 0, which is shown as a dash: a constant image is not smoothness."""
    context = evaluate(Lamps(lambda c, rng: torch.full((len(c), 4), 0.3)))
    assert all(torch.equal(before, after) for before, after in path_length.pairs(context))
    with pytest.raises(NotMeasured, match="do not change its images"):
        value(name, context)


def test_path_length_in_a_squared_distance_is_the_squared_speed(evaluate, monkeypatch):
    """A quarter of the pixels moves from one draw to another at a constant speed: its mean square is a sixth."""
    squared = lambda x, y, device: ((x - y) / 255).square().mean((1, 2, 3))  # noqa: E731
    monkeypatch.setattr(path_length, "perceptual_distance", lambda: squared)
    for speed in (1.0, 0.5):
        context = evaluate(Lamps(lambda c, rng, speed=speed: pad(speed * c[:, :1]), codes=1))
        assert value("ppl-st-lpips", context) == pytest.approx(speed**2 / 6 / 4, rel=0.2)


@needs_st_lpips
def test_all_path_lengths_share_the_images_of_one_decoding(evaluate, monkeypatch):
    context = evaluate(Lamps(lambda c, rng: pad(c)))
    value("ppl-lite0", context)
    monkeypatch.setattr(context.coder, "decode", None)
    assert value("ppl-st-lpips", context) > 0


def test_path_length_needs_a_continuous_code(evaluate):
    class Categories(Lamps):
        code_layout = (Code("a", "categorical", (0,)),)

        def draw_codes(self, n, rng):
            return torch.randint(3, (n, 1), generator=rng).float()

    with pytest.raises(NotMeasured, match="no code is continuous"):
        value("ppl-lite0", evaluate(Categories(lambda c, rng: pad(c / 2))))
