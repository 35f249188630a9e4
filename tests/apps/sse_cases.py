# Events of all kinds, for the application that sends them and for the test that receives them.

TEXTS = [
    "hello",
    "",
    " ",
    " a blank before",
    "  two blanks before, two behind  ",
    ":colon",
    ": colon and blank",
    "data: not a field",
    "id: 666",
    "retry: 1\nevent: forged\ndata: forged",
    "two\nlines",
    "three\r\nlines\r\nwith CR LF",
    "four\rlines\rwith\rCR",
    "mixed\r\nline\nends\rof all\n\rkinds\r\r\nhere",
    "\n",
    "\r",
    "\r\n",
    "\n\n\n",
    "\nfirst is empty",
    "last is empty\n",
    "an empty one\n\nevent: forged\ndata: forged\n\nin between",
    "\ttab, NUL \0, bell \a, escape \x1b, delete \x7f",
    "vertical tab \x0b, form feed \x0c, separators \x1c \x1d \x1e, next line \x85",
    "line separator \u2028, paragraph separator \u2029",
    "byte order mark \ufeff, no character \uffff, zero width \u200b",
    "\ufeffbyte order mark first",
    "äöüß € жиı 中文 עברית 🙂 \U0010ffff",
    "x" * 2047,
    "y" * 2048,
    "ü" * 2049,
    "0123456789" * 10000,
    "line of a long text\n" * 5000,
]
OTHERS = [
    b"bytes",
    b"",
    b" bytes of\r\nseveral\rlines\n",
    "ä 🙂".encode(),
    0,
    -1,
    1 << 70,
    0.5,
    True,
    [1, 2],
    '{"a": [1, null, "\\u00e4\\n"], "b": {}}',
]
DATA = TEXTS + OTHERS

# id, event, retry beside the data
FIELDS = [
    {"id": 0},
    {"id": 17},
    {"id": "a b:c ä🙂"},
    {"id": " blank before"},
    {"event": "greeting"},
    {"event": "ä: b"},
    {"event": "message"},
    {"id": ""},
    {"retry": 0},
    {"retry": 0.0},
    {"retry": 1234},
    {"id": "all", "event": "three", "retry": 2345},
]

# arguments that must be refused
REFUSED = []
for _bad in "\r", "\n", "\r\n", "\0":
    for _name in "id", "event":
        for _value in _bad, "a" + _bad, _bad + "b", "a" + _bad + "data: forged":
            REFUSED.append({_name: _value})
