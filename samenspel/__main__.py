"""`python -m samenspel` is the command `samenspel`, for where it is not installed: in the image."""

from samenspel.command import main

if __name__ == "__main__":
    main()
