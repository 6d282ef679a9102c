"""Wrong usage is answered with one sentence and exit code 2, before any compute."""

import pytest

WRONG = {
    ("--plugins", "regne"): "unknown generator 'regne': did you mean 'regene'?",
    ("--plugins", "regene", "--dataset", "sprits"): "did you mean 'sprites'?",
    ("--plugins", "regene", "--seeds", "0,x"): "expected whole numbers",
    ("--plugins", "regene", "--seeds", "1,1"): "duplicate seed",
    ("--plugins", "regene", "--seeds", "3-1"): "ascending",
    ("--plugins", "regene", "--set", "regene.learning_rat=1"): "no setting 'learning_rat'",
    ("--plugins", "regene", "--set", "stic.lr=1"): "not part of this run",
    ("--plugins", "regene", "--set", "regene.n=many"): "regene.n",
    ("--plugins", "regene", "--budget", "quik"): "did you mean 'quick'?",
    ("--plugins", "regene", "--device", "tpu"): "unknown device 'tpu'",
    ("--plugins", "regene", "--judge", "resnet-x"): "unknown classifier 'resnet-x'",
    (
        "--plugins",
        "regene",
        "--guide",
        "resnet-m",
        "--judge",
        "resnet-m",
    ): "must not be scored by the classifier that guides it",
    ("--plugins", "regene", "--guide", "timm", "--judge", "timm:resnet18"): "one network, 'timm' and 'timm:resnet18'",
    (
        "--plugins",
        "regene",
        "--guide",
        "timm:test_resnet",
        "--judge",
        "resnet-m",
    ): "one network, 'timm:test_resnet' and 'resnet-m'",
    ("--plugins", "regene", "--guide", "timm:resnet18.a1_in1k"): "pretrained weights, which are not used",
    ("--plugins", "regene", "--judge", "timm:resnet18.nosuchtag"): "use 'resnet18'",
    ("--plugins", "regene", "--judge", "timm:hf_hub:timm/resnet18.a1_in1k"): "'hf_hub:timm/resnet18.a1_in1k' names",
    (
        "--plugins",
        "regene",
        "--guide",
        "timm:tv_resnet50",
    ): "is a former name of an architecture of timm: use 'resnet50'",
    ("--plugins", "regene", "--guide", "timm:ResNet18"): "did you mean 'resnet18'?",
    ("--plugins", "regene", "--guide", "ResNet18"): "use 'timm:resnet18'",
    ("--plugins", "regene", "--judge", "resnet50.a1_in1k"): "use 'timm:resnet50'",
    ("--plugins", "gan", "--set", "gan.discriminator=timm:resnet18"): "without batch norm",
    ("--plugins", "gan", "--set", "gan.discriminator=timm:Convnext_Atto"): "did you mean 'convnext_atto'?",
    ("--plugins", "GMM"): "did you mean 'gmm'?",
    ("--plugins", "gmm", "--dataset", "FashionMNIST"): "did you mean 'fashion-mnist'?",
    ("--plugins", "gmm", "--budget", "Quick"): "did you mean 'quick'?",
    ("--plugins", "gmm", "--seeds", "0 - 2, 1"): "duplicate seed",
    ("--plugins", "gmm", "--seeds", " , "): "expected whole numbers",
    ("--plugins", "real"): "is an anchor",
    ("--plugins", ","): "expected entry names",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_one_sentence_and_exit_code_2(capsys, arguments, tmp_path, monkeypatch):
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    code = main(["run", "--dataset", "digits", "--budget", "smoke", "--dry-run", *arguments])
    out, err = capsys.readouterr()
    assert code == 2
    assert WRONG[arguments] in err
    assert err.count("\n") == 1, err
    assert not out
    assert not (tmp_path / "runs").exists()


def test_an_unwritable_run_directory_is_one_sentence(bench):
    (bench.folder / "runs").write_text("a file")
    answer = bench("run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke")
    assert answer.code == 1
    assert "cannot write to" in answer.err
    assert "Traceback" not in answer.err


def test_strict_plugins_refuses_a_broken_neighbour(bench):
    answer = bench("run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke", "--strict-plugins")
    assert answer.code == 2
    assert "plugin 'unimportable' is broken" in answer.err
