"""`python -m krebit` is the command `krebit`."""

import sys

from krebit.cli import main

sys.exit(main())
