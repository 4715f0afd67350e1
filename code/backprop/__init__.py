"""Backpropagation in NumPy: the library that every chapter of the book imports."""
