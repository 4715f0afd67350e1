"""Being here puts this directory on the path, where the tests find the_book.py."""

import os

# Two threads that wait for each other cost more than they bring on matrices as small as
# the tests'; set here, because BLAS looks only once, when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Several modules named conftest confuse the search for doctests; they have none.
collect_ignore_glob = ["*/conftest.py"]
