"""What can be read back of a code, in closed form: channels whose information is known."""

import numpy as np
import pytest

from bench.api import Code
from bench.metrics.control.information import information

N = 20_000
RNG = np.random.default_rng(0)
LEVEL, ANGLE, TURN = (
    Code("level", "continuous", (0,)),
    Code("angle", "circular", (0,)),
    Code("turn", "circular", (0, 1)),
)
VALUE, ONE_HOT = Code("value", "categorical", (0,)), Code("which", "categorical", (0, 1, 2, 3))
LARGEST = 13.8  # nats: 1e-12 of the variance is unexplained


def normal(n: int = N) -> np.ndarray:
    return RNG.standard_normal((n, 1))


def circle(angles: np.ndarray) -> np.ndarray:
    return np.hstack([np.cos(angles), np.sin(angles)])


def angles(n: int = N) -> np.ndarray:
    return 2 * np.pi * RNG.random((n, 1))


def one_hot(values: np.ndarray) -> np.ndarray:
    return np.eye(4)[values]


def test_a_gaussian_code_with_as_much_noise_has_half_the_logarithm_of_two():
    code = normal()
    assert information(LEVEL, code, code + normal()) == pytest.approx(np.log(2) / 2, abs=0.02)


def test_a_uniform_code_has_its_negentropy_too_much():
    """The channel is exact for little noise: H(c) - H(noise). The negentropy is 1/2 ln(2 pi e / 3) - ln 2 = 0.18."""
    code, deviation = RNG.uniform(-1, 1, (N, 1)), 0.01
    exact = np.log(2) - np.log(2 * np.pi * np.e * deviation**2) / 2
    assert information(LEVEL, code, code + deviation * normal()) - exact == pytest.approx(0.176, abs=0.02)


@pytest.mark.parametrize("slope", [1.0, -3.0])
def test_a_code_that_is_read_exactly_has_much_information_whatever_its_unit(slope):
    code = normal()
    assert information(LEVEL, code, slope * code + 2) == pytest.approx(LARGEST, abs=0.1)


@pytest.mark.parametrize("code", [LEVEL, ANGLE])
def test_a_reading_of_one_value_has_no_information(code):
    assert information(code, angles(), np.full((N, 1), 3.0)) == 0


def test_a_constant_code_has_no_information():
    assert information(LEVEL, np.zeros((N, 1)), normal()) == 0
    assert information(ANGLE, np.zeros((N, 1)), normal()) == 0


@pytest.mark.parametrize(("code", "draw"), [(LEVEL, normal), (ANGLE, angles)])
def test_readings_of_something_else_have_almost_no_information(code, draw):
    assert information(code, draw(1024), draw(1024)) < 0.01


def test_an_angle_with_noise_has_the_correlation_of_its_cosine_and_its_sine():
    """The correlation of cos(a) and cos(a + e) is E cos(e), which is exp(-s^2 / 2) for normal e of deviation s."""
    angle, deviation = angles(), 0.5
    expected = -np.log(1 - np.exp(-(deviation**2))) / 2
    read = angle + deviation * normal()
    assert information(TURN, circle(angle), circle(read)) == pytest.approx(expected, abs=0.02)
    assert information(ANGLE, angle, read) == pytest.approx(expected, abs=0.02)


def test_an_angle_in_turns_is_an_angle():
    angle = angles()
    read = angle + 0.5 * normal()
    turns = information(ANGLE, angle / (2 * np.pi), read / (2 * np.pi))
    assert turns == pytest.approx(information(TURN, circle(angle), circle(read)), abs=0.02)


def test_the_sine_alone_is_half_of_a_circular_code():
    angle = circle(angles())
    assert information(TURN, angle, angle * [0, 1]) == pytest.approx(np.log(2) / 2, abs=0.02)


def test_four_values_that_are_read_exactly_have_the_logarithm_of_four():
    values = RNG.integers(4, size=1024)
    assert information(ONE_HOT, one_hot(values), one_hot(values)) == pytest.approx(np.log(4), abs=0.01)
    assert information(ONE_HOT, one_hot(values), one_hot((values + 1) % 4)) == pytest.approx(np.log(4), abs=0.01)


def test_a_value_is_read_as_the_nearest_one_that_was_drawn():
    values = RNG.choice([-1.0, 0.0, 5.0, 6.0], (1024, 1))
    read = values + RNG.uniform(-0.4, 0.4, values.shape)
    assert information(VALUE, values, read) == pytest.approx(np.log(4), abs=0.01)


def test_two_values_that_are_confused_have_the_information_of_the_binary_symmetric_channel():
    values = RNG.integers(2, size=N)
    read = np.where(RNG.random(N) < 0.1, 1 - values, values)
    expected = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert information(VALUE, values[:, None], read[:, None]) == pytest.approx(expected, abs=0.02)


def test_values_read_at_random_have_no_information_as_the_bias_is_subtracted():
    drawn, read = RNG.integers(4, size=(2, 4096))
    assert information(ONE_HOT, one_hot(drawn), one_hot(read)) < 0.003


def test_one_value_has_no_information():
    assert information(VALUE, np.ones((50, 1)), normal(50)) == 0
