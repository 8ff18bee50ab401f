"""``python -m memos`` is the command ``memos``."""

from memos.cli import main

if __name__ == "__main__":
    main()
