"""Run the benchmark: ``python -m benchmarks``, or with ``--quick`` for a minute."""

from __future__ import annotations

import argparse

from benchmarks.threads import pin_environment


def main() -> None:
    """Read the command line, hold the threads to one, and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a minute instead of ten, to see that everything works",
    )
    quick = parser.parse_args().quick
    pin_environment()
    from benchmarks.run import run  # imports NumPy: only now

    run(quick)


if __name__ == "__main__":
    main()
