"""Names of files as people may be shown them."""


def printable(text: str) -> str:
    r"""`text` with what no terminal and no UTF-8 file should get as escapes: bytes of a name that are no UTF-8 and
    control characters, such as those that begin a terminal's commands ("\x1b")."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a file's name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")
