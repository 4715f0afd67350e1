"""Automatic differentiation: numbers that remember how they were computed.

Chapter "Automatic differentiation" builds it. It stands apart, knows nothing of NumPy
or of layers, and so the tests can hold the gradients of whole networks to it.
"""

from __future__ import annotations

import math
from numbers import Real


class Value:
    """A number, what it was made from, and its slope by each of those.

    Write a formula with Values in the place of numbers: ``+``, ``-``, ``*``, ``/``,
    ``**`` with a constant exponent, ``exp``, ``log``, ``tanh``, ``sigmoid``,
    ``relu``. Each operation returns a new Value and writes down, next to the result,
    the slope of the result by each operand. `backward` multiplies these slopes along
    each path and adds over all paths.

    Parameters
    ----------
    data : float
        The number.
    operation : str, optional
        What made it: ``"+"``, ``"tanh"``. Empty for a number that you put in.
    parents : tuple of Value, optional
        What it was made from.
    slopes : tuple of float, optional
        For each parent, ∂(this number)/∂(parent).
    name : str, optional
        What to call it in a drawing.

    Attributes
    ----------
    data, operation, parents, slopes, name
        As above.
    gradient : float
        ∂(the Value whose `backward` ran)/∂(this one); 0 until then.

    Raises
    ------
    TypeError
        If what should be a number is none, or an exponent is no constant.
    ValueError
        If an operation is not defined for its numbers: log of 0, division by 0.

    Notes
    -----
    The slopes belong to the numbers of the moment. After you change ``w.data``, write
    the formula again, and call `backward` of its new result.

    An operation that is missing takes one line:
    ``Value(math.sin(x.data), "sin", (x,), (math.cos(x.data),))``.

    References
    ----------
    Linnainmaa (1976), "Taylor expansion of the accumulated rounding error".

    Examples
    --------
    >>> w, x = Value(2.0, name="w"), Value(3.0, name="x")
    >>> loss = (w * x - 5) ** 2
    >>> loss.backward()
    >>> w
    Value(2.0, gradient=6.0, name='w')
    """

    # No other attribute can be set: w.grad = 0 is an error, not a silent mistake.
    __slots__ = ("data", "gradient", "name", "operation", "parents", "slopes")

    # With this, NumPy's numbers leave an operation with a Value to the Value.
    __array_ufunc__ = None

    def __init__(
        self,
        data: float,
        operation: str = "",
        parents: tuple[Value, ...] = (),
        slopes: tuple[float, ...] = (),
        *,
        name: str = "",
    ) -> None:
        self.data = as_float(data)
        self.operation, self.parents, self.slopes = operation, parents, slopes
        self.name = name
        self.gradient = 0.0

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Value({self.data}, gradient={self.gradient}{name})"

    def __add__(self, other: Value | float) -> Value:
        """Return self + other, which moves as much as either of them."""
        other = as_value(other)
        return Value(self.data + other.data, "+", (self, other), (1.0, 1.0))

    def __sub__(self, other: Value | float) -> Value:
        """Return self − other, which moves against other."""
        other = as_value(other)
        return Value(self.data - other.data, "-", (self, other), (1.0, -1.0))

    def __mul__(self, other: Value | float) -> Value:
        """Return self · other; the slope by each factor is the other factor."""
        other = as_value(other)
        product = self.data * other.data
        return Value(product, "*", (self, other), (other.data, self.data))

    def __truediv__(self, other: Value | float) -> Value:
        """Return q = self / other; the slopes are 1 / other and −q / other."""
        other = as_value(other)
        if other.data == 0:
            raise ValueError(
                f"Value: {self.data} / 0 is not defined. Look at how the divisor came "
                f"to be 0."
            )
        quotient = self.data / other.data
        slopes = (1 / other.data, -quotient / other.data)
        return Value(quotient, "/", (self, other), slopes)

    def __pow__(self, exponent: float) -> Value:
        """Return self to the power of n, a constant; the slope has the power n − 1."""
        if isinstance(exponent, Value):
            raise TypeError(
                "Value: an exponent must be a constant number, but is a Value. For "
                "x ** y with x above 0, write (y * x.log()).exp()."
            )
        n = as_float(exponent)
        try:
            power = math.pow(self.data, n)
            slope = n * math.pow(self.data, n - 1) if n else 0.0
        except (ValueError, OverflowError):
            raise ValueError(
                f"Value: {self.data} ** {exponent} or its slope is no finite number. "
                f"At 0, the exponent must be at least 1; below 0, a whole number; and "
                f"the power of a large number must not overflow."
            ) from None
        return Value(power, f"**{exponent}", (self,), (slope,))

    def __neg__(self) -> Value:
        """Return −self, whose slope is −1."""
        return Value(-self.data, "-", (self,), (-1.0,))

    def exp(self) -> Value:
        """Return the exponential, which is its own slope."""
        try:
            power = math.exp(self.data)
        except OverflowError:
            raise ValueError(
                f"Value: exp({self.data}) is too large for a float. In a softmax, "
                f"subtract the largest score from all scores first."
            ) from None
        return Value(power, "exp", (self,), (power,))

    def log(self) -> Value:
        """Return the natural logarithm, whose slope is 1 / self."""
        if not self.data > 0:
            raise ValueError(
                f"Value: log needs a number above 0, but got {self.data}. Often it is "
                f"a probability that was rounded to 0."
            )
        return Value(math.log(self.data), "log", (self,), (1 / self.data,))

    def tanh(self) -> Value:
        """Return a = tanh(self), whose slope is 1 − a²."""
        a = math.tanh(self.data)
        return Value(a, "tanh", (self,), (1 - a**2,))

    def sigmoid(self) -> Value:
        """Return a = 1 / (1 + exp(−self)), whose slope is a (1 − a)."""
        e = math.exp(-abs(self.data))  # at most 1: overflows for no number
        a = (1 if self.data >= 0 else e) / (1 + e)
        return Value(a, "sigmoid", (self,), (a * (1 - a),))

    def relu(self) -> Value:
        """Return max(0, self), whose slope is 1 above 0 and else 0."""
        a = max(self.data, 0.0)  # in this order, NaN stays NaN
        return Value(a, "relu", (self,), (float(self.data > 0),))

    # A plain number on the left: 2 + x, 2 - x, 2 * x, 2 / x.

    def __radd__(self, other: float) -> Value:
        return as_value(other) + self

    def __rsub__(self, other: float) -> Value:
        return as_value(other) - self

    def __rmul__(self, other: float) -> Value:
        return as_value(other) * self

    def __rtruediv__(self, other: float) -> Value:
        return as_value(other) / self

    def __rpow__(self, base: float) -> Value:
        return as_value(base) ** self  # type: ignore[operator]  # raises TypeError

    def backward(self) -> None:
        """Fill the gradient of every Value that this one was made from.

        A Value that feeds several others collects from all of them before it hands
        anything on; the reverse topological order takes care of that.

        Gradients are set, not added to those of an earlier call: called twice, it
        gives the same. What this Value was not made from keeps what it had.

        Examples
        --------
        >>> a, k = Value(3.0), Value(1.0)
        >>> b = a + a
        >>> d = (b + k) + b
        >>> d.backward()
        >>> a.gradient
        4.0
        """
        order = topological_order(self)
        for value in order:
            value.gradient = 0.0
        self.gradient = 1.0
        for value in reversed(order):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.gradient += slope * value.gradient

    def to_graph(self) -> str:
        r"""Draw what this Value was made from, as a text for Graphviz.

        Returns
        -------
        str
            In the DOT language. A box shows name and operation, value and gradient;
            an arrow shows the slope that it multiplies by. The same formula gives
            the same text.

        Examples
        --------
        >>> print((Value(2.0, name="w") * 3).to_graph())
        digraph {
          rankdir=LR;
          node [shape=box];
          v0 [label="w\nvalue 2\ngradient 0"];
          v1 [label="value 3\ngradient 0"];
          v2 [label="*\nvalue 6\ngradient 0"];
          v0 -> v2 [label="3"];
          v1 -> v2 [label="2"];
        }
        """
        order = topological_order(self)
        names = {value: f"v{place}" for place, value in enumerate(order)}
        boxes = [f'{names[value]} [label="{label(value)}"];' for value in order]
        arrows = [
            f'{names[parent]} -> {names[value]} [label="{slope:.4g}"];'
            for value in order
            for parent, slope in zip(value.parents, value.slopes, strict=True)
        ]
        lines = ["rankdir=LR;", "node [shape=box];", *boxes, *arrows]
        return "\n".join(["digraph {", *(f"  {line}" for line in lines), "}"])


def topological_order(value: Value) -> list[Value]:
    """List a Value and all that it was made from, each one after its parents.

    Parameters
    ----------
    value : Value
        The last of the list.

    Returns
    -------
    list of Value
        Each of them once, whatever the number of paths to it.

    Notes
    -----
    Depth first, with a stack of its own in the place of a function that calls itself:
    Python allows about 1,000 calls inside each other, and formulas grow longer.

    Examples
    --------
    >>> x = Value(3.0)
    >>> [step.data for step in topological_order(x * x + 1)]
    [3.0, 9.0, 1.0, 10.0]
    """
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(value, False)]
    while stack:
        step, parents_done = stack.pop()
        if parents_done:
            order.append(step)
        elif step not in seen:
            seen.add(step)
            stack.append((step, True))
            stack.extend((parent, False) for parent in reversed(step.parents))
    return order


def as_value(number: Value | float) -> Value:
    """Return a Value as it is, and a number as a Value without parents."""
    return number if isinstance(number, Value) else Value(number)


def as_float(number: object) -> float:
    """Return a real number of any type as Python's, or raise `TypeError`."""
    if not isinstance(number, Real):
        raise TypeError(
            f"A Value takes a real number, but got a {type(number).__name__}. Convert "
            f"text with float(...); of an array, make one Value for each entry."
        )
    return float(number)


def label(value: Value) -> str:
    """Return what stands in a Value's box in a drawing."""
    title = ": ".join(filter(None, (value.name, value.operation)))
    title = title.replace("\\", "\\\\").replace('"', '\\"')
    numbers = f"value {value.data:.4g}", f"gradient {value.gradient:.4g}"
    return "\\n".join(filter(None, (title, *numbers)))
