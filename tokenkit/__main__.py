"""``python -m tokenkit``."""

from tokenkit.cli import main

if __name__ == "__main__":
    main()
