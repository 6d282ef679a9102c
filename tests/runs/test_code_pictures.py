"""A run of a method with codes and an encoder leaves pictures of them."""

import pytest
from PIL import Image

from bench.results.sheet import LINE, SMALLEST


@pytest.mark.whole
def test_a_run_of_vae_leaves_traversals_and_edits_and_no_swaps(bench):
    """Its `decode` draws nothing: there is nothing to swap."""
    settings = "--set", "vae.latent_dim=3", "--set", "vae.width=8"
    answer = bench("run", "--plugins", "vae", "--dataset", "digits", "--budget", "smoke", "--json", *settings)
    assert answer.code == 0, answer.err
    [folder] = (bench.folder / "runs" / "digits" / "vae").iterdir()
    pictures = {path.name for path in folder.glob("*.png")} - {"samples.png"}
    assert pictures == {"control.png", "traversals.png", "traversals-add.png", "edits.png"}
    assert (folder / "discovery.html").read_text(encoding="utf-8").count("\N{NO-BREAK SPACE}nats</td>") == 3
    assert Image.open(folder / "traversals-add.png").size[1] == 3 * (SMALLEST + 1) + 2 * LINE
    assert Image.open(folder / "edits.png").size[1] == 8 * (SMALLEST + 1) + 2 * LINE
    assert "not drawn" not in (folder / "log.txt").read_text()
