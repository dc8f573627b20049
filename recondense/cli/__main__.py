"""`python -m recondense.cli` is `recondense`."""

from recondense.cli import main

if __name__ == "__main__":
    main()
