"""Whose turn it is: places are given in rounds, and nobody is shut out by another's long jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

# A small machine, too, has places for some people of whom nothing runs.
_LEAST_BEYOND = 8


@dataclass(frozen=True, slots=True)
class Claimant:
    """A person who has a job that could begin.

    Attributes:
        user_id: Who it is.
        running: How many jobs of theirs run.
        served: When one of theirs began last, as a number that grows; 0 for never.
        oldest: The age of the job that would begin: smaller for older ones.
    """

    user_id: int
    running: int
    served: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Places:
    """How many jobs may run at once.

    Attributes:
        usual: As many as any jobs may take.
        most: As many as there are with those of people of whom nothing else runs.
    """

    usual: int
    most: int

    @classmethod
    def beyond(cls, usual: int) -> "Places":
        """Return as many places again for people of whom nothing runs, and 8 at the least."""
        return cls(usual, usual + max(usual, _LEAST_BEYOND))


def next_turn(claimants: Iterable[Claimant], places: Places, taken: int) -> Claimant | None:
    """Choose who gets the next place.

    Of whom the fewest jobs run comes first, then who has waited longest for a turn, then who has
    the oldest job. So a person alone may take all usual places. Once these are taken, there are
    more for people of whom nothing runs, as many as `places` has.

    Args:
        claimants: Those who have a job that could begin.
        places: How many jobs may run at once.
        taken: How many run now, of all people.

    Returns:
        Whose job is to begin; None if no more may.
    """
    if taken >= places.most:
        return None
    if taken >= places.usual:
        claimants = [each for each in claimants if each.running == 0]
    return min(claimants, key=lambda each: (each.running, each.served, each.oldest), default=None)
