"""Fair scheduling: users take turns, and nobody is blocked by another user's long jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

# Even a small machine has extra places for some users without a running job.
_LEAST_BEYOND = 8


@dataclass(frozen=True, slots=True)
class Claimant:
    """A user who has a job that could start.

    Attributes:
        user_id: The user.
        running: Number of their running jobs.
        served: When one of their jobs last started, as an increasing number; 0 for never.
        oldest: The age of the job that would start: smaller for older ones.
    """

    user_id: int
    running: int
    served: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Places:
    """Number of jobs that may run at once.

    Attributes:
        usual: Places that are open to all jobs.
        most: All places, including those reserved for users without a running job.
    """

    usual: int
    most: int

    @classmethod
    def beyond(cls, usual: int) -> "Places":
        """Return the usual places and as many reserved ones, but at least 8 of these."""
        return cls(usual, usual + max(usual, _LEAST_BEYOND))


def next_turn(claimants: Iterable[Claimant], places: Places, taken: int) -> Claimant | None:
    """Choose the user who gets the next place.

    The user with the fewest running jobs comes first, then the one who has waited longest for a
    turn, then the one with the oldest job. So a single user may take all usual places. Once these
    are taken, the reserved places are for users without a running job.

    Args:
        claimants: The users who have a job that could start.
        places: Number of jobs that may run at once.
        taken: Number of running jobs of all users.

    Returns:
        The user whose job is to start; None if no more may start.
    """
    if taken >= places.most:
        return None
    if taken >= places.usual:
        claimants = [each for each in claimants if each.running == 0]
    return min(claimants, key=lambda each: (each.running, each.served, each.oldest), default=None)
