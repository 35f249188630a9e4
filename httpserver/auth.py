# A password for a handler (HTTP Basic authentication, RFC 7617).
#
#     @app.route("GET", "/settings")
#     @basic_auth("admin", "secret")
#     def settings(reader, writer, request): ...
#
# A browser is answered 401, asks its user, and sends both words with each request from then on: in
# plain sight of everyone in the network, unless the server speaks HTTPS.

from binascii import b2a_base64

from url import InvalidRequest


def basic_auth(user, password, realm="board"):
    """Decorator: the handler is called for this user only, others are answered 401."""
    if ":" in user or '"' in realm:
        raise ValueError("no colon in the user's name, no quotes in the realm")
    expected = b"basic " + b2a_base64((user + ":" + password).encode())[:-1]
    challenge = {"WWW-Authenticate": 'Basic realm="%s", charset="UTF-8"' % realm}

    def decorate(handler):
        def guarded(reader, writer, request):
            given = request.header.get("authorization", "").encode()
            if not _equal(expected, given[:6].lower() + given[6:]):
                error = InvalidRequest("", 401)
                error.header = challenge
                raise error
            return handler(reader, writer, request)

        return guarded

    return decorate


def _equal(expected, given):
    # Takes as long for a nearly right password as for any other, or it could be guessed in parts.
    different = len(expected) != len(given)
    for a, b in zip(expected, given + expected):
        different |= a != b
    return not different
