"""Which metrics the terminal shows first: one for each question that a reader of a board asks."""

from bench.leaderboard.view import Column, Section

HEADLINE = (
    "fd-lite0",  # do the images look like the data set, in features that know nothing of it?
    "fd-judge",  # the same in features of a classifier of this data set
    "recall-lite0",  # how much of the data set is covered?
    "class-agreement",  # does the judge see the class that was asked for?
    "accuracy",  # how well does the method itself classify real images?
    "hacking-gap",  # how much better does the method judge its own samples than the judge does?
)


def headline(section: Section) -> list[Column]:
    """The headline metrics of a section in the order of `HEADLINE`; all of its metrics if it has none of these."""
    found = [column for name in HEADLINE for column in section.main if column.metric == name]
    return found or section.main
