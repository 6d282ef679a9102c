"""One job, in its own process: train, then examine. Every step that was done before is read, not done again."""

from bench.evaluation.anchors import ANCHORS
from bench.evaluation.evaluator import examine, row
from bench.registry.plugins import Plugins
from bench.training.context import Room
from bench.training.trainer import trained


def run_job(room: Room, plugins: Plugins) -> None:
    """Train the entry and examine it; each record is on disk as soon as it is known."""
    job = room.folder.job
    room.folder.create()
    model = None if job.entry in ANCHORS else trained(room, plugins)
    if room.folder.record("fit", job.key) is None:
        seen = room.folder.costs("train.json").get("train-images", 0)
        n = len(room.dataset.train)
        record = row(job, "fit", job.key, "fit", seen, n, "ok", "", room.guide.label, room.judge.label)
        room.folder.write_record("fit", job.key, [record])
    examine(room, model)
