"""A package whose statement on its settings cannot be read."""

from bad import breaks
from toys import Plain


@breaks("tuning_file_can_be_read", "tuning.toml: plain: expected metric for 3 trials, got none")
class CountsWithoutAMetric(Plain):
    pass
