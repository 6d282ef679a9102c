"""Methods that say what they are not for."""

from .good import Good


class WantsLarge(Good):
    @classmethod
    def not_for(cls, config, spec):
        return "" if spec.size >= 64 else f"it needs images of at least 64 pixels, and {spec.name} has {spec.size}"


class FailsToSay(Good):
    @classmethod
    def not_for(cls, config, spec):
        raise LookupError("no such size")


ENTRIES = {"wants-large": WantsLarge, "fails-to-say": FailsToSay}
