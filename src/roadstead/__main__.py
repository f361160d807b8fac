"""`python -m roadstead`: the command line, for where its script is not on the path."""

from roadstead.cli.main import main

if __name__ == "__main__":
    main()
