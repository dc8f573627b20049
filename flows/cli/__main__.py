"""`python -m flows.cli` is `recondense`."""

from flows.cli import main

if __name__ == "__main__":
    main()
