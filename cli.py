"""Door for a checkout: ``python cli.py`` is the command ``memos``."""

from memos.cli import main

if __name__ == "__main__":
    main()
