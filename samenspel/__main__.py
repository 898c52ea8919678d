"""`python -m samenspel` is the command `samenspel`."""

from samenspel.command import main

if __name__ == "__main__":
    main()
