"""Python read as data: what its literals, and the calls in them, say. Nothing of it is run."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .draft import wrong

SUMS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
HERE = ("Path(__file__).parent", "Path(__file__).resolve().parent")


class UnknownError(Exception):
    """What only running it would tell."""


@dataclass(frozen=True, slots=True)
class Call:
    """`loguniform(1e-6, 1)`: what is called, by its last name, and with which values."""

    name: str
    args: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def calls(text: str) -> Iterator[Call]:
    """Every call in a program; values that are no literals are left out.

    Errors: SweepError, where it is not Python.
    """
    tree = _parsed(text)
    known = _Known(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield known.call(node, strict=False)


def mappings(text: str) -> dict[str, dict[str, Any]]:
    """The mappings that a program gives names to, as far as they can be read; calls are `Call`s.

    Errors: SweepError, where it is not Python.
    """
    tree = _parsed(text)
    known = _Known(tree)
    found: dict[str, dict[str, Any]] = {}
    for name, node in known.nodes.items():
        if isinstance(node, ast.Dict) or (
            isinstance(node, ast.Call) and _last(node.func) == "dict"
        ):
            value = known.attempt(node)
            if isinstance(value, dict):
                found[name] = value
    return found


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        wrong("", f"is no Python: {error.msg}, line {error.lineno}")
    except (ValueError, RecursionError, MemoryError):
        wrong("", "is no Python that can be read")


class _Known:
    """What the names of a program stand for: the last thing each is set to."""

    def __init__(self, tree: ast.Module) -> None:
        self.nodes: dict[str, ast.expr] = {}
        self._open: set[str] = set()  # names being looked up: one may be set by itself
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.nodes[target.id] = node.value
            elif (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.value
            ):
                self.nodes[node.target.id] = node.value

    def attempt(self, node: ast.expr) -> Any:
        """Its value, or None."""
        try:
            return self.value(node)
        except (UnknownError, ArithmeticError, RecursionError):
            return None

    def value(self, node: ast.expr) -> Any:
        """Errors: UnknownError."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [self.value(item) for item in items]
            case ast.Dict():
                return self._mapping(node)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self._number(inner)
            case ast.Name(id=name):
                return self._named(name)
            case ast.BinOp():
                return self._sum(node)
            case ast.Call():
                return self._called(node)
            case ast.Attribute() if ast.unparse(node) in HERE:
                return "."
        raise UnknownError

    def call(self, node: ast.Call, *, strict: bool = True) -> Call:
        """Errors: UnknownError, if strict; otherwise what is unknown is left out."""
        take = self.value if strict else self.attempt
        args = tuple(take(arg) for arg in node.args if not isinstance(arg, ast.Starred))
        named = {keyword.arg: take(keyword.value) for keyword in node.keywords if keyword.arg}
        return Call(_last(node.func), args, {k: v for k, v in named.items() if v is not None})

    def _mapping(self, node: ast.Dict) -> dict[str, Any]:
        """Its entries; those whose value is unknown stay in it, as a call of nothing."""
        found: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:  # **others
                found |= self.value(value)
                continue
            name = str(self.value(key))
            try:
                found[name] = self.value(value)
            except UnknownError:
                found[name] = Call(ast.unparse(value)[:60])
        return found

    def _named(self, name: str) -> Any:
        if name not in self.nodes or name in self._open:
            raise UnknownError
        self._open.add(name)
        try:
            return self.value(self.nodes[name])
        finally:
            self._open.discard(name)

    def _called(self, node: ast.Call) -> Any:
        """A call as it stands; of `str` and `dict` what they give."""
        found = self.call(node)
        if found.name in ("str", "int", "float") and len(found.args) == 1:
            return found.args[0]
        return dict(found.named) if found.name == "dict" and not found.args else found

    def _sum(self, node: ast.BinOp) -> Any:
        """Of numbers; and `folder / "train.py"`, of paths."""
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Div) and isinstance(left, str) and isinstance(right, str):
            return right if left == "." else f"{left}/{right}"
        if type(node.op) not in SUMS or not (_is_number(left) and _is_number(right)):
            raise UnknownError
        return SUMS[type(node.op)](left, right)

    def _number(self, node: ast.expr) -> Any:
        value = self.value(node)
        if not _is_number(value):
            raise UnknownError
        return value


def _is_number(value: Any) -> bool:
    """One that is not too large to go on with."""
    return isinstance(value, int | float) and abs(value) < 2**63


def _last(function: ast.expr) -> str:
    """`sp.loguniform` is loguniform."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
