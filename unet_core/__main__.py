"""`python -m unet_core COMMAND ...`."""

import sys

from unet_core.cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
