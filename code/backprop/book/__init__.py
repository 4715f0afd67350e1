"""What only the chapters use: how a computed number gets into their text, and props."""

from backprop.book.numbers import glue

__all__ = ["glue"]
