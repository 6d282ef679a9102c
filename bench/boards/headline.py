"""Which metrics the terminal shows first: one for each question that a reader of a board asks."""

from bench.boards.view import Column, Section

HEADLINE = (
    "fd-lite0",  # do the images look like the data set, in features that know nothing of it?
    "fd-judge",  # the same in features of a classifier of this data set
    "recall-lite0",  # how much of the data set is covered?
    "class-agreement",  # does the judge see the class that was asked for?
    "accuracy",  # how well does the method itself classify real images?
    "hacking-gap",  # how much better does the method judge its own samples than the judge does?
)

CONTROL = (
    "acs",  # does one code control an attribute, alone?
    "varying-attributes",  # how much of the data set is that said of?
    "selectivity",  # does a code move its own attribute only?
    "live-codes",  # how many codes do anything?
    "mig-generator",  # does one code carry the information on each attribute of the images drawn from codes?
    "mig-encoder",  # do codes of real images follow their attributes?
    "class-leakage",  # does asking for another class change anything else?
    "mixture-response",  # does the share of a class that is asked for show?
)


def headline(section: Section) -> list[Column]:
    """The headline metrics of a section in the order of `HEADLINE`, and those that third parties bring.

    All of its metrics if it has none of `HEADLINE`.
    """
    own = _in_order(HEADLINE, section.images)
    return [*own, *section.brought] if own else section.images


def control_headline(section: Section) -> list[Column]:
    """The headline metrics of control, in the order of `CONTROL`."""
    return _in_order(CONTROL, section.control)


def _in_order(names: tuple[str, ...], columns: list[Column]) -> list[Column]:
    return [column for name in names for column in columns if column.metric == name]
