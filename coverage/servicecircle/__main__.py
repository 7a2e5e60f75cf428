"""`python -m servicecircle` does what the command `servicecircle` does."""

from servicecircle.cli import main

if __name__ == "__main__":
    main()
