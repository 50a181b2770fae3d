"""Run the command as `python -m jupyter_research.cli`."""

import sys

from . import main

sys.exit(main())
