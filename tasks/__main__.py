"""``python -m tasks STAGE COHORT [UNIT]``: run one stage for one cohort. Both engines run a stage by this command."""

import sys

from recondense.stages.command import main

sys.exit(main(sys.argv[1:]))
