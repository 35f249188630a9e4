# What functions and classes a program or a stub defines, with their arguments and defaults: for
# the tests that compare the packages with the README and with typings/.

import ast
import re


def public(name):
    return not name.startswith("_")


def arguments(function):
    """Its arguments and their defaults as text, without self, annotations and private ones."""
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    text = ast.unparse(arguments).replace(", /", "")
    return re.sub(r"^self(, )?|(, )?_\w+=\w+", "", text)


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def definitions(*paths):
    """
    {name: arguments} of functions, {class: {method: arguments}}, with what is inherited.

    A function that its file makes a method of a class, as in Connection.send = send, is that.
    """
    trees = {path.stem: ast.parse(path.read_text()).body for path in paths}
    functions, forwarding = {}, {}
    for stem, body in trees.items():
        for node in body:
            if isinstance(node, FUNCTION):  # of an overloaded one the first
                functions.setdefault((stem, node.name), arguments(node))
                forwarding[stem, node.name] = forwarded(node)
    for own, other in forwarding.items():
        functions[own] = functions.get(other, functions[own])
    given_away = {}
    for stem, body in trees.items():
        for node in body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            value = (stem, getattr(getattr(node, "value", None), "id", None))
            if isinstance(target, ast.Attribute) and value in functions:
                given_away[value] = ast.unparse(target.value), target.attr
    found = {name: given for (_, name), given in functions.items()}
    for _, name in given_away:
        del found[name]
    bases = {}
    for body in trees.values():
        for node in body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = dict(methods(node, functions))
                bases[node.name] = [ast.unparse(base).split(".")[-1] for base in node.bases]
    for function, (owner, name) in given_away.items():
        found.setdefault(owner, {})[name] = functions[function]

    def inherited(name):
        result = {}
        for base in bases.get(name, ()):
            result = {**inherited(base), **result}
        return {**result, **found.get(name, {})}

    return {name: inherited(name) if name in bases else found[name] for name in found}


def forwarded(function):
    """The (room, name) of the function that a function's last line hands all its arguments to."""
    call = getattr(function.body[-1], "value", None)
    if isinstance(call, ast.Call) and any(isinstance(part, ast.Starred) for part in call.args):
        return ast.unparse(call.func.value), call.func.attr


def methods(node, functions):
    """The (name, arguments) of a class: its own, and functions of other modules that it takes."""
    seen = set()
    later = [part for part in ast.walk(node) if isinstance(part, ast.Assign)]
    for part in [*node.body, *later]:
        name, given = getattr(part, "name", None), None
        if isinstance(part, FUNCTION):
            given = functions.get(forwarded(part), arguments(part))
        elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Attribute):
            target = part.targets[0]  # write = response.write, or Connection.read = body.read
            name = getattr(target, "id", None) or getattr(target, "attr", None)
            given = functions.get((ast.unparse(part.value.value), part.value.attr))
        if given is not None and name not in seen:
            seen.add(name)
            yield name, given
    for part in ast.walk(node):  # setattr(Connection, name, getattr(body, name))
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "getattr":
            room = ast.unparse(part.args[0])
            yield from ((n, given) for (stem, n), given in functions.items() if stem == room)
