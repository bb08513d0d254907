"""`python -m app` is the command `peephole`."""

from app.cli import run_and_exit

if __name__ == "__main__":
    run_and_exit()
