"""Settings are read from text by the types of a frozen dataclass, and every complaint names the nearest right thing."""

import json
from dataclasses import dataclass, field, fields, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config import build, check_config, non_default_settings, parse, to_dict
from bench.errors import BenchError, nearest


@dataclass(frozen=True)
class Settings:
    lr: float = 1e-3
    steps: int = 10
    name: str = "adam"
    ema: bool = True
    mode: Literal["joint", "two-stage", 3] = "joint"
    limit: int | None = None
    old_style: Optional[float] = 0.5  # noqa: UP045
    widths: tuple[int, ...] = (16, 32)
    betas: tuple[float, float] = (0.9, 0.999)
    half: "float" = 0.5
    derived: int = field(init=False, default=7)

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError("steps must not be negative")


plain = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
number = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    "lr": number,
    "steps": st.integers(min_value=0),
    "name": plain,
    "ema": st.booleans(),
    "mode": st.sampled_from(["joint", "two-stage", 3]),
    "limit": st.none() | st.integers(),
    "old_style": st.none() | number,
    "widths": st.lists(st.integers()).map(tuple),
    "betas": st.tuples(number, number),
    "half": number,
}


def text_of(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_written_as_text_is_read_back(values):
    built = build(Settings, {name: text_of(value) for name, value in values.items()}, "toy")
    assert built == Settings(**values)


def test_every_setting_that_can_be_set_is_covered_above():
    assert set(VALUES) == {field.name for field in fields(Settings) if field.init}


def test_no_settings_are_the_defaults():
    assert build(Settings, {}, "toy") == Settings()


@pytest.mark.parametrize("text", ["true", "True", "YES", "on", "1"])
def test_true_is_written_in_several_ways(text):
    assert parse(text, bool, "toy.ema") is True


@pytest.mark.parametrize("text", ["false", "No", "off", "0"])
def test_false_is_written_in_several_ways(text):
    assert parse(text, bool, "toy.ema") is False


@pytest.mark.parametrize("text", ["none", "None", ""])
def test_none_is_written_in_several_ways(text):
    assert parse(text, int | None, "toy.limit") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning": "1"}, "toy has no setting 'learning': known: betas, ema, half, limit, lr"),
        ({"step": "1"}, "toy has no setting 'step': did you mean 'steps'?"),
        ({"derived": "1"}, "toy has no setting 'derived'"),
        ({"steps": "many"}, "toy.steps: expected a whole number, got 'many'"),
        ({"steps": "1.5"}, "toy.steps: expected a whole number, got '1.5'"),
        ({"lr": "fast"}, "toy.lr: expected a number, got 'fast'"),
        ({"ema": "maybe"}, "toy.ema: expected true or false, got 'maybe'"),
        ({"mode": "solo"}, "toy.mode: expected one of joint, two-stage, 3, got 'solo'"),
        ({"limit": "few"}, "toy.limit: expected a whole number, got 'few'"),
        ({"widths": "16,x"}, "toy.widths: expected a whole number, got 'x'"),
        ({"betas": "0.9"}, "toy.betas: expected 2 values, got 1"),
        ({"steps": "-1"}, "toy: steps must not be negative"),
    ],
)
def test_a_wrong_setting_is_told_in_a_sentence(settings, message):
    with pytest.raises(BenchError) as caught:
        build(Settings, settings, "toy")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.sampled_from(sorted(VALUES)), st.integers(min_value=0), st.characters(categories=["Ll"]))
def test_a_slip_of_one_letter_is_answered_with_the_right_name(name, place, letter):
    slip = name[: place % len(name)] + letter + name[place % len(name) :]
    assert nearest(slip, VALUES) == f"did you mean {name!r}?" or slip in VALUES or len(name) < 3


@given(plain)
def test_any_text_is_a_value_or_a_sentence(text):
    for name in VALUES:
        said = complaint(name, text)
        assert said == "" or said.startswith(
            (f"toy.{name}: expected", f"toy.{name}: got", "toy: steps must not be negative")
        )


@given(st.data())
def test_settings_as_text_give_the_same_configuration(data):
    values = {name: data.draw(values) for name, values in VALUES.items() if data.draw(st.booleans())}
    config = Settings(**values)
    texts = dict(non_default_settings(config, values))
    assert build(Settings, texts, "toy") == config
    assert not {name for name in texts if getattr(config, name) == getattr(Settings(), name)}


def complaint(name: str, text: str) -> str:
    try:
        build(Settings, {name: text}, "toy")
    except BenchError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", [list[int], dict, bytes, tuple])
def test_a_type_that_no_text_can_give_is_a_bug_of_the_plugin(kind):
    with pytest.raises(TypeError, match="cannot be parsed from text"):
        parse("1", kind, "toy.setting")


def test_a_config_that_is_no_dataclass_is_refused():
    with pytest.raises(BenchError, match="Config must be a frozen dataclass"):
        build(dict, {}, "toy")


def test_a_setting_without_a_default_is_told():
    @dataclass(frozen=True)
    class Greedy:
        path: str

    with pytest.raises(BenchError, match="missing 1 required positional argument: 'path'"):
        build(Greedy, {}, "toy")


def test_settings_are_plain_json():
    plain = json.loads(json.dumps(to_dict(Settings())))
    assert plain["widths"] == [16, 32]
    assert plain["limit"] is None
    assert (
        Settings(**{name: tuple(v) if isinstance(v, list) else v for name, v in plain.items() if name != "derived"})
        == Settings()
    )


class Kind(Enum):
    SOFT = 1


@dataclass(frozen=True)
class Fine:
    a: int = 1
    b: float = 1
    c: bool = True
    d: str = "x"
    e: Literal["p", "q"] = "p"
    f: tuple[int, ...] = (1, 2)
    g: tuple[int, str] = (1, "y")
    h: float | None = None
    i: "int" = 3


def config_with(kind: Any, default: Any) -> type:
    options = {"default_factory": lambda: default} if isinstance(default, list | dict | set) else {"default": default}
    return make_dataclass("Config", [("size", kind, field(**options))], frozen=True)


def test_settings_of_every_documented_type_are_allowed() -> None:
    check_config(Fine)


@pytest.mark.parametrize(
    ("kind", "default", "reason"),
    [
        (Path, Path("x"), "Config.size has the type Path: expected bool, int, float, str, Literal, a tuple"),
        (Kind, Kind.SOFT, "Config.size has the type Kind"),
        (list[int], [1], r"Config.size has the type list\[int\]"),
        (dict, {}, "Config.size has the type dict"),
        (Path | None, None, "Config.size has the type .*Path"),
        (tuple[Path, ...], (), "Config.size has the type tuple"),
        (tuple, (), "Config.size has the type tuple"),
        (Any, 1, "Config.size has the type .*Any"),
        ("NoSuchType", 1, "NameError"),
        (int, None, "Config.size has the default None, which is not of its type"),
        (str, None, "Config.size=none: expected None when read from text, got 'none'"),
        (int, 0.5, "Config.size has the default 0.5, which is not of its type"),
        (Literal["a"], "b", "Config.size has the default 'b', which is not of its type"),
    ],
)
def test_a_setting_that_text_cannot_give_is_named_with_what_is_allowed(kind: Any, default: Any, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        check_config(config_with(kind, default))


def test_a_config_that_cannot_be_made_or_changed_is_refused() -> None:
    with pytest.raises(BenchError, match="expected a frozen dataclass, got None"):
        check_config(None)
    with pytest.raises(BenchError, match="Config is not frozen"):
        check_config(make_dataclass("Config", []))
    with pytest.raises(BenchError, match=r"Config\(\) fails: TypeError: .*missing 1 required"):
        check_config(make_dataclass("Config", [("size", int)], frozen=True))
