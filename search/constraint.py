"""A constraint between parameters: `layers * units <= 4096`, `optimizer != "sgd" or lr <= 0.1`.

It is written as in Python, and only looks like it: the text is parsed, and what is known here is
built from it, piece by piece. Nothing is ever handed to the interpreter.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .nearest import did_you_mean

LONGEST = 500  # characters; bounds how deep an expression can be nested
BITS = 1024  # of a whole number to the power of another; as far as floats reach, too
DIGITS = 15  # that `round` may be asked for

Term = Callable[[Mapping[str, Any]], Any]


class Constraint:
    """A condition that configurations have to meet. Errors: ValueError, saying what is wrong.

    `names`: the parameters and constants in it; `alone`: those that stand for a whole condition,
    and so have to be true or false. `fixed`: values that are no parameters, such as max_epochs.
    """

    def __init__(self, text: str, fixed: Mapping[str, Any] | None = None) -> None:
        reader = _Reader()
        self.text = text
        self._term = reader.read(text)
        self._fixed = {n: value for n, value in (fixed or {}).items() if n in reader.names}
        self.names = frozenset(reader.names - self._fixed.keys())
        self.alone = frozenset(reader.alone - self._fixed.keys())

    def __repr__(self) -> str:
        return f"Constraint({self.text!r})"

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration meets it. One in which a parameter of it is not used, does.

        One for which it cannot be worked out (a division by zero, a word in a sum) does not.
        """
        try:
            return self.evaluate(config)
        except (ArithmeticError, TypeError, ValueError):
            return False

    def evaluate(self, config: Mapping[str, Any]) -> bool:
        """As `holds`; Errors: ArithmeticError, TypeError, ValueError where that is impossible."""
        if not self.names <= config.keys():
            return True
        return bool(self._term({**config, **self._fixed} if self._fixed else config))


@dataclass(slots=True)
class _Reader:
    """Turns a syntax tree into functions of a configuration; notes the names on its way."""

    names: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)

    def read(self, text: str) -> Term:
        if len(text) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} characters; write several constraints")
        try:
            return self.condition(ast.parse(" ".join(text.splitlines()).strip(), mode="eval").body)
        except SyntaxError as error:
            raise ValueError(f"cannot be read: {error.msg}; {EXAMPLE}") from None
        except RecursionError:
            raise ValueError("is nested too deep; write several constraints") from None

    def condition(self, node: ast.expr) -> Term:
        """What is true or false."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                parts = [self.condition(value) for value in values]
                return lambda config: all(part(config) for part in parts)
            case ast.BoolOp(op=ast.Or(), values=values):
                parts = [self.condition(value) for value in values]
                return lambda config: any(part(config) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                part = self.condition(operand)
                return lambda config: not part(config)
            case ast.Compare():
                return self.comparison(node)
            case ast.Name() | ast.Attribute() | ast.Constant(value=bool()):
                return self.truth(node)
        self.value(node)  # what is not allowed at all is refused with its own words
        raise ValueError(f"{ast.unparse(node)!r} is not true or false; {EXAMPLE}")

    def truth(self, node: ast.expr) -> Term:
        """A parameter, or true or false itself, in the place of a condition."""
        value = self.value(node)
        if (name := _dotted(node)) in self.names:
            self.alone.add(name)
        return lambda config: _checked(value(config), bool, "true or false")

    def comparison(self, node: ast.Compare) -> Term:
        """Also of more than two: `1 <= a < b` is both of its halves."""
        compare = [self.operator(COMPARISONS, op) for op in node.ops]
        terms = [self.value(part) for part in (node.left, *node.comparators)]
        pairs = list(zip(compare, terms, terms[1:], strict=False))
        return lambda config: all(op(left(config), right(config)) for op, left, right in pairs)

    def value(self, node: ast.expr) -> Term:
        """What can be compared."""
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                return lambda config: value
            case ast.Name() | ast.Attribute():
                return self.name(_dotted(node))
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                items = [self.value(part) for part in parts]
                return lambda config: [item(config) for item in items]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                part, turn = self.value(operand), -1 if isinstance(sign, ast.USub) else 1
                return lambda config: turn * _number(part(config))
            case ast.BinOp(left=left, op=op, right=right):
                combine = self.operator(ARITHMETIC, op)
                one, two = self.value(left), self.value(right)
                return lambda config: combine(_number(one(config)), _number(two(config)))
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]):
                return self.call(name, parts)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return self.condition(node)
        raise ValueError(f"{ast.unparse(node)!r} is more than a constraint may hold; {EXAMPLE}")

    def name(self, name: str) -> Term:
        if name in LITERALS:
            return lambda config: LITERALS[name]
        self.names.add(name)
        return lambda config: config[name]

    def call(self, name: str, parts: list[ast.expr]) -> Term:
        if name not in FUNCTIONS:
            raise ValueError(f"no function {name!r}; known: {did_you_mean(name, list(FUNCTIONS))}")
        function, terms = FUNCTIONS[name], [self.value(part) for part in parts]
        return lambda config: function(*(term(config) for term in terms))

    def operator(self, known: Mapping[type[ast.AST], Any], op: ast.AST) -> Any:
        if type(op) not in known:
            given, instead = INSTEAD.get(type(op), (type(op).__name__, "and, or, not"))
            raise ValueError(f"{given!r} is not known here; write {instead}")
        return known[type(op)]


def _dotted(node: ast.expr) -> str:
    """The name that stands here: parameters may be called `model.units`; "" for no name."""
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        if not owner:
            raise ValueError(f"{ast.unparse(node)!r} is more than a constraint may hold")
        return f"{owner}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _checked(value: Any, kind: type | tuple[type, ...], wanted: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not {wanted}")
    return value


def _number(value: Any) -> Any:
    # Words and lists would multiply, too: "a" * 10**10 fills the memory.
    if isinstance(value, bool):
        raise TypeError(f"{value!r} is not a number")
    return _checked(value, (int, float), "a number")


def _power(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and base.bit_length() * exponent > BITS:
        raise OverflowError(f"{base} ** {exponent} is too large")
    return _checked(base**exponent, (int, float), "a real number")


def _round(value: Any, digits: int = 0) -> Any:
    if abs(digits) > DIGITS:
        raise OverflowError(f"{digits} digits are too many")
    return round(_number(value), digits)


def _within(value: Any, values: Any) -> bool:
    return value in _checked(values, list, "a list")


def _outside(value: Any, values: Any) -> bool:
    return not _within(value, values)


EXAMPLE = "write a comparison, such as lr * layers <= 0.5, or some joined by and, or, not"
LITERALS = {"true": True, "false": False, "null": None}
COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _within,
    ast.NotIn: _outside,
}
ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
INSTEAD: dict[type[ast.AST], tuple[str, str]] = {
    ast.Is: ("is", "=="),
    ast.IsNot: ("is not", "!="),
    ast.BitAnd: ("&", "and"),
    ast.BitOr: ("|", "or"),
    ast.BitXor: ("^", "** for a power"),
    ast.LShift: ("<<", "<"),
    ast.RShift: (">>", ">"),
    ast.MatMult: ("@", "*"),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": _round,
    "sqrt": math.sqrt,
}
