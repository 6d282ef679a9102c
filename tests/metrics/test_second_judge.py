"""The second judge: the same questions to a network of another family."""

from types import SimpleNamespace

import pytest
import torch

from bench.backbones.presets import ConvNeXtSmall, ConvNeXtSmallConfig, ResNetTiny, ResNetTinyConfig
from bench.data.digits import Digits
from bench.metrics import METRICS
from bench.metrics.catalog import SECOND_JUDGE, TWO_JUDGES
from bench.metrics.metric import NotMeasured
from bench.published.cards import cards
from bench.training.guide_and_judge import accuracy_of
from bench.training.second_judge import find_second_judge

BY_NAME = {metric.name: metric for metric in METRICS}
CPU = torch.device("cpu")
OF_VERSION_1 = {  # raise the version of the metrics of TWO_JUDGES if other weights are published
    "digits": "cc75836a27d3cf8499d2adede5b0eea4cc6dc26f52ec8c96aca23a0acf29db48",
    "sprites": "d5366726c26cd94f99a8aec335016c145eda71cfceb7e18c276eb7062e5b425e",
}  # fmt: skip


@pytest.mark.parametrize("name", TWO_JUDGES)
def test_a_second_judge_that_is_the_first_one_gives_the_same_number(make_context, name):
    context = make_context()
    assert BY_NAME[TWO_JUDGES[name]].compute(context).value == BY_NAME[name].compute(context).value


@pytest.mark.parametrize("name", TWO_JUDGES)
def test_it_is_the_second_judge_that_is_asked(make_context, toys, name):
    """A judge that is always wrong, with features three times as large."""

    class Contrary(toys.Thirds):
        def logits(self, images):
            return -super().logits(images)

        def features(self, images):
            return [3 * layer for layer in super().features(images)]

    context = make_context(find_second_judge=lambda: (Contrary(), "contrary"))
    first, second = (BY_NAME[each].compute(context).value for each in (name, TWO_JUDGES[name]))
    assert second == pytest.approx(9 * first if name == "fd-judge" else 0.0)


@pytest.mark.parametrize("name", TWO_JUDGES.values())
def test_a_data_set_without_one_has_a_dash_with_the_reason(make_context, name):
    def absent():
        return find_second_judge(SimpleNamespace(digest="0" * 64, spec=SimpleNamespace(name="stripes")), CPU, {})

    context = make_context(find_second_judge=absent)
    with pytest.raises(NotMeasured, match="no second judge is published for stripes"):
        BY_NAME[name].compute(context)


def test_its_metrics_count_for_no_rank_and_state_the_network():
    for name in TWO_JUDGES.values():
        metric = BY_NAME[name]
        assert not metric.ranked
        assert f"net={SECOND_JUDGE}" in metric.protocol(SimpleNamespace(n=200, reference=300))


def test_the_published_one_is_as_accurate_as_its_card_says_and_is_frozen():
    digits = Digits("").load()
    guide = ResNetTiny(ResNetTinyConfig(), digits.spec)
    state = torch.random.get_rng_state()
    judge, digest = find_second_judge(digits, CPU, {"guide": guide})
    assert torch.equal(torch.random.get_rng_state(), state)
    [card] = (card for card in cards() if (card.network, card.dataset) == (SECOND_JUDGE, "digits"))
    assert digest == card.weights
    assert isinstance(judge, ConvNeXtSmall)
    assert accuracy_of(judge, digits.test, CPU) == pytest.approx(card.accuracy, abs=0.003)
    assert not any(parameter.requires_grad for parameter in judge.parameters())


@pytest.mark.parametrize("role", ["guide", "judge"])
def test_a_run_whose_guide_or_judge_is_the_same_network_has_none(role):
    """A method must never have seen the network that scores it, and a judge cannot confirm its own scores."""
    digits = Digits("").load()
    same = ConvNeXtSmall(ConvNeXtSmallConfig(), digits.spec)
    with pytest.raises(NotMeasured, match=f"the {role} is the network of the second judge, convnext-s"):
        find_second_judge(digits, CPU, {role: same})


def test_its_weights_are_those_that_the_version_of_its_metrics_stands_for():
    published = {card.dataset: card.weights for card in cards() if card.network == SECOND_JUDGE}
    assert published == OF_VERSION_1
    assert {BY_NAME[name].version for name in TWO_JUDGES.values()} == {1}
