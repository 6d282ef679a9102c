"""One job, in its own process: train, then examine. Every step that was done before is read, not done again."""

from bench.evaluation.anchors import ANCHORS
from bench.evaluation.evaluator import examine, row
from bench.registry.plugins import Plugins
from bench.training.context import JobContext
from bench.training.trainer import trained


def run_job(context: JobContext, plugins: Plugins) -> None:
    """Train the entry and examine it; each record is on disk as soon as it is known."""
    job = context.run_dir.job
    context.run_dir.create()
    model = None if job.entry in ANCHORS else trained(context, plugins)
    if context.run_dir.record("fit", job.key) is None:
        seen = context.run_dir.costs("train.json").get("train-images", 0)
        n = len(context.dataset.train)
        record = row(job, "fit", job.key, "fit", seen, n, "ok", "", context.guide.label, context.judge.label)
        context.run_dir.write_record("fit", job.key, [record])
    examine(context, model)
