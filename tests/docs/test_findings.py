"""The numbers of docs/findings.md are those of the published boards."""

import csv
import html
import re
import statistics
import tomllib
from pathlib import Path

import pytest

from bench.util.text import one_line, shorten

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "docs/findings.md").read_text(encoding="utf-8").split())
MEDIUM = [("id-gan", "acs", "0.281"), ("beta-vae", "acs", "0.826")]
JUDGES = {"sprites": "resnet-s@0c6c27bc64c6", "digits": "resnet-s@78ae025dc144",
          "sprites-simple": "resnet-s@1e00ba97ef69"}  # fmt: skip
QUOTED = [
    ("sprites", "ae-mix", "class-agreement", "0.845"), ("sprites", "ae-mix", "cas", "0.885"),
    ("sprites", "ae-mix", "fd-lite0", "461"), ("sprites", "ae-mix", "reconstruction-mse", "0.0007"),
    ("sprites", "regene", "class-agreement", "0.642"), ("sprites", "regene", "cas", "0.580"),
    ("sprites", "regene", "fd-lite0", "1,771"), ("sprites", "regene", "accuracy-all", "0.996"),
    ("sprites", "regene", "anomaly-auroc", "0.893"), ("sprites", "regene", "reconstruction-mse", "0.0080"),
    ("sprites", "gmm", "accuracy-all", "0.346"), ("sprites", "gmm", "class-agreement", "0.275"),
    ("sprites", "cvae", "accuracy-all", "0.588"), ("sprites", "cvae", "anomaly-auroc", "0.642"),
    ("sprites", "dr-vae", "reconstruction-agreement", "0.912"), ("sprites", "dr-vae", "reconstruction-factors", "0.924"),
    ("sprites", "dr-vae", "reconstruction-mse", "0.0012"), ("sprites", "dr-vae", "fd-judge", "57.0"),
    ("sprites", "vae", "reconstruction-agreement", "0.647"), ("sprites", "vae", "reconstruction-factors", "0.786"),
    ("sprites", "vae", "reconstruction-mse", "0.0018"), ("sprites", "vae", "fd-judge", "53.5"),
    ("sprites", "vae", "fd-lite0", "1,279"), ("sprites", "vae-mix", "acs", "0.082"), ("sprites", "real", "acs", "0.989"),
    ("sprites", "slight-noise", "fd-lite0", "1,403"), ("digits", "regene", "accuracy-all", "0.992"),
    ("digits", "regene", "class-agreement", "1.000"), ("digits", "regene", "fd-lite0", "212"),
    ("digits", "ae-mix", "fd-lite0", "130"), ("digits", "real", "fd-lite0", "139"),
    ("digits", "ae-mix", "nearest-training-ratio", "0.644"), ("digits", "gmm", "accuracy-all", "0.943"),
    ("digits", "gmm", "class-agreement", "0.992"), ("digits", "gmm", "cas", "0.976"),
    ("digits", "gmm", "train-seconds", "1.3"), ("digits", "regene", "nearest-training-ratio", "0.897"),
    ("digits", "regene", "nearest-reconstruction-ratio", "0.361"),
    ("digits", "ae-mix", "nearest-reconstruction-ratio", "0.324"),
    ("sprites-simple", "mi-control", "control", "0.619"), ("sprites-simple", "mi-control", "acs", "0.315"),
    ("sprites-simple", "style-gan", "control", "0.143"), ("sprites-simple", "style-gan", "acs", "-0.009"),
    ("sprites-simple", "real", "control", "0.995"), ("sprites-simple", "real", "acs", "0.994"),
]  # fmt: skip
PERCENT = [("slight-noise", "cas", "99.7 %"), ("blur", "class-agreement", "99.95 %"), ("blur", "cas", "20.9 %"),
           ("regene", "cas", "58.0 %")]  # fmt: skip


def value(dataset: str, entry: str, metric: str, judge: str = "", budget: str = "quick") -> float:
    """The mean over the seeds of the default settings, by the published judge unless another one is given."""
    with open(ROOT / "leaderboards" / f"{dataset}.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["entry"], row["metric"]) == (entry, metric)]
    own = [
        row
        for row in rows
        if row["judge"] == (judge or JUDGES[dataset]) and row["budget"] == budget and not row["settings"]
    ]
    return statistics.mean(float(row["value"]) for row in own)


@pytest.mark.parametrize(("dataset", "entry", "metric", "text"), QUOTED)
def test_a_quoted_number_is_that_of_the_board(dataset, entry, metric, text):
    assert text in TEXT
    decimals = len(text.partition(".")[2])
    assert f"{value(dataset, entry, metric):,.{decimals}f}" == text


@pytest.mark.parametrize(("entry", "metric", "text"), PERCENT)
def test_a_quoted_percentage_is_that_of_the_board(entry, metric, text):
    assert text in TEXT
    decimals = len(text.split()[0].partition(".")[2])
    assert f"{100 * value('sprites', entry, metric):.{decimals}f} %" == text


@pytest.mark.parametrize(("entry", "metric", "text"), MEDIUM)
def test_a_quoted_number_of_medium_is_that_of_the_board(entry, metric, text):
    assert text in TEXT
    assert f"{value('sprites', entry, metric, 'resnet-s@46101e55eab7', 'medium'):.3f}" == text


def test_both_judges_order_the_four_methods_of_digits_alike():
    methods = ("regene", "ae-mix", "gmm", "vae")
    orders = [sorted(methods, key=lambda name: value("digits", name, metric)) for metric in ("fd-judge", "fd-judge2")]
    assert orders[0] == orders[1]


def test_beta_vae_varies_three_of_seven_attributes_at_medium():
    found = value("sprites", "beta-vae", "varying-attributes", "resnet-s@46101e55eab7", "medium")
    assert round(7 * found, 6) == 3


def test_claims_are_counted_as_the_ledgers_have_them():
    ledgers = (tomllib.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("plugins/*/bench_*/claims.toml"))
    states = [claim["status"] for ledger in ledgers for claim in ledger["claim"]]
    quoted = re.search(
        r"of (\d+) claims in the ledgers (\d+) were reproduced, (\d+) were not, (\d+) were not attempted", TEXT
    )
    counts = [len(states), *(states.count(state) for state in ("shown", "not shown", "not attempted"))]
    assert [int(number) for number in quoted.groups()] == counts


def test_the_published_page_of_claims_shows_the_figures_of_the_ledgers():
    """Long ones are cut there."""
    page = " ".join((ROOT / "leaderboards/claims.html").read_text(encoding="utf-8").split())
    ledgers = (tomllib.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("plugins/*/bench_*/claims.toml"))
    figures = [shorten(one_line(claim["figure"])) for ledger in ledgers for claim in ledger["claim"]]
    assert [figure for figure in figures if html.escape(figure) not in page] == []
