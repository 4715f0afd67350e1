"""Symbols, matrices of them, and derivatives by each of their entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

z = sp.Symbol("z", real=True)
a = sp.Symbol("a", real=True)


def symbol_matrix(name: str, rows: int, columns: int, indices: int = 2) -> sp.Matrix:
    """Return a matrix of symbols whose names number rows and columns from 1.

    Parameters
    ----------
    name : str
        Stem of the symbols' names.
    rows, columns : int
        The shape.
    indices : 1 or 2, optional
        How many each symbol carries: row and column, or only the column, for a
        matrix of one row.

    Returns
    -------
    Matrix (rows, columns)
        Of real symbols.

    Raises
    ------
    ValueError
        If one index is asked for, but there are more rows to be told apart.

    Examples
    --------
    >>> symbol_matrix("x", 1, 2), symbol_matrix("x", 1, 2, indices=1)
    (Matrix([[x_11, x_12]]), Matrix([[x_1, x_2]]))
    """
    if indices == 1 and rows > 1:
        raise ValueError(f"{rows} rows of {name} cannot be told apart by one index.")
    return sp.Matrix(
        rows,
        columns,
        lambda i, k: numbered(name, k) if indices == 1 else numbered(name, i, k),
    )


def symbol_array(name: str, *shape: int) -> sp.Array:
    """Return an array of symbols with any number of axes, named as in a matrix.

    Parameters
    ----------
    name : str
        Stem of the symbols' names.
    shape : int, int, …
        The length of each axis.

    Returns
    -------
    Array of that shape
        Of real symbols.

    Examples
    --------
    >>> symbol_array("x", 1, 2, 2)
    [[[x_111, x_112], [x_121, x_122]]]
    """
    return sp.Array([numbered(name, *place) for place in np.ndindex(shape)], shape)


def numbered(name: str, *place: int) -> sp.Symbol:
    """Return the symbol at a place, which counts from 0; its name counts from 1.

    A comma parts numbers of more than one digit: x_12, but x_1,12 and x_11,2.
    """
    numbers = [str(index + 1) for index in place]
    comma = "," if max(map(len, numbers)) > 1 else ""
    return sp.Symbol(f"{name}_{comma.join(numbers)}", real=True)


def gradient_by(loss: sp.Expr, entries: Any) -> Any:
    """Differentiate a loss by every single entry of a Matrix or Array.

    Parameters
    ----------
    loss : expression
        What is differentiated.
    entries : Matrix or Array of symbols
        By what.

    Returns
    -------
    Matrix or Array of the same shape
        ∂(loss)/∂(entry) in the place of each entry.

    Examples
    --------
    >>> x = symbol_matrix("x", 1, 2)
    >>> gradient_by(x[0] ** 2 * x[1], x)
    Matrix([[2*x_11*x_12, x_11**2]])
    """
    terms = [(term, term.free_symbols) for term in sp.Add.make_args(loss)]

    def slope(entry: sp.Symbol) -> sp.Expr:  # a term without the entry adds nothing
        return sp.Add(
            *(sp.diff(term, entry) for term, symbols in terms if entry in symbols)
        )

    return entries.applyfunc(slope)


def expected_value(
    expression: sp.Expr, moments: Mapping[sp.Symbol, Sequence[Any]]
) -> sp.Expr:
    """Return the expectation of a polynomial in independent random variables.

    Parameters
    ----------
    expression : expression
        A polynomial in the random variables; all other symbols are constants.
    moments : mapping of sequences
        For each random variable s its moments: 1, E[s], E[s²], ….

    Returns
    -------
    expression
        Each power of a random variable replaced by its expectation.

    Examples
    --------
    >>> x, y = sp.symbols("x y")
    >>> expected_value((x + y) ** 2, {x: [1, 0, 4], y: [1, 3, 10]})
    14
    """
    terms = sp.Poly(expression, *moments).terms()
    return sp.Add(
        *(
            factor
            * sp.Mul(
                *(m[power] for m, power in zip(moments.values(), powers, strict=True))
            )
            for powers, factor in terms
        )
    )
