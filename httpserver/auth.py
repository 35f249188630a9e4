# A password for a handler (HTTP Basic authentication, RFC 7617).
#
#     @app.route("GET", "/settings")
#     @basic_auth("admin", "secret")
#     def settings(reader, writer, request): ...
#
# A browser that is answered 401 asks its user, and from then on sends both words with each request:
# in plain sight of the whole network, unless the server speaks HTTPS.

from binascii import b2a_base64

from . import InvalidRequest


def basic_auth(user, password, realm="board"):
    """Decorator: the handler is called for this user only.  realm: what browsers show, no quotes."""
    expected = b2a_base64((user + ":" + password).encode())[:-1]
    header = {"WWW-Authenticate": 'Basic realm="%s", charset="UTF-8"' % realm}

    def decorate(handler):
        def guarded(reader, writer, request):
            given = request.header.get("authorization", "")[6:].encode()  # without "Basic "
            # As long for a nearly right password as for any other, or it could be found in parts.
            wrong = len(given) != len(expected)
            for a, b in zip(expected, given + expected):
                wrong |= a != b
            if wrong:
                error = InvalidRequest("", 401)
                error.header = header
                raise error
            return handler(reader, writer, request)

        return guarded

    return decorate
