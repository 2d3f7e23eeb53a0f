"""The command line: one file a command.

Exit codes: 0 done; 1 an error, told on standard error; 2 wrong usage; 3 done, but some records
or inputs are quarantined or damaged.
"""

import sys


def main() -> None:
    """Entry point of ``tokenkit``."""
    from tokenkit.cli.app import app
    from tokenkit.errors import TokenkitError

    try:
        app()
    except TokenkitError as error:
        print(f"tokenkit: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("tokenkit: interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # What read our output has closed it; Python would complain once more at exit.
        sys.stderr.close()
        sys.exit(0)
