"""What `bench doctor` looks at: the installation, the machine, and what of data and weights is there."""

from bench.doctor.check import Check


def examine() -> list[Check]:
    """Every check, in the order of the report. Downloads and trains nothing."""
    from bench.doctor import contents, installation, machine

    return [*installation.checks(), *machine.checks(), *contents.checks()]
