"""What all tests share."""

from hypothesis import settings

# The same examples at each run, however slow the machine is.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
