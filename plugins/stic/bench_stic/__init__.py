"""STIC (arXiv 2103.14212): a classifier whose own images are drawn by climbing its logits, and shown to it as fakes."""
