"""How long the analysis of a quantized model may take, which its job can do without."""

import math
import time
from dataclasses import dataclass

_MIN_SECONDS = 5.0
_MAX_SECONDS = 60.0
_MORE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBudget:
    """The time for each part of the analysis.

    Attributes:
        spent: Seconds that quantizing the model took.
        deadline: When the job is out of time, by the monotonic clock; infinity for no limit.
    """

    spent: float
    deadline: float = math.inf

    @property
    def seconds(self) -> float:
        """Seconds after which a part begins nothing more: as many as quantizing took, or so."""
        return min(max(self.spent, _MIN_SECONDS), _MAX_SECONDS, self._left / 4)

    @property
    def limit(self) -> float:
        """Seconds after which a part is ended: what it began last may take longer than it should.

        Half of the job's time remains at least.
        """
        return min(2 * self.seconds + _MORE_SECONDS, self._left / 2)

    @property
    def _left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())
