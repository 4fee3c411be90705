"""``python -m gen3d`` is ``gen3d``."""

from gen3d.cli.main import main

# Worker processes import the main module again, and must not start over.
if __name__ == "__main__":
    main()
