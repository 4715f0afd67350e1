"""Speed beside peers: the library, PyTorch, scikit-learn and others in one race.

``python -m benchmarks`` (or ``make benchmark``) runs it and writes what it found to
the folder ``results``. Nothing is imported here, because the threads have to be held
to one before NumPy is.
"""
