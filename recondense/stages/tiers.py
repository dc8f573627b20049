"""Who may see an artifact."""

from enum import StrEnum

# The umask of all that runs: on a machine of several users, whatever is not `Tier.PUBLIC` is for its owner alone
OWNER_ALONE = 0o077


class Tier(StrEnum):
    """Sensitivity of everything a stage writes.

    ``RESTRICTED``: real, or derived from single records; stays with the steward.
    ``AGGREGATE``: figures about the whole cohort; for the steward and the ethics board.
    ``PUBLIC``: anyone may hold it.
    """

    RESTRICTED = "restricted"
    AGGREGATE = "aggregate"
    PUBLIC = "public"
