"""Names that archives and their tables give, which may be anything."""

from mint_lightning.shards.sources.walk import text


def inside(name: str) -> tuple[str, str | None]:
    """The name with "/" between its parts and no "./" before it, and why it cannot be used, if so.

    A name that leads out of the archive ("../x", "/x", "C:/x") is none that is used; its dots become "_".
    """
    name = text(name.replace("\\", "/").replace("\0", ""))
    parts = [part for part in name.split("/") if part not in ("", ".")]
    bad = name.startswith("/") or ".." in parts or parts[:1] == [] or parts[0].endswith(":")
    shown = "/".join("_" if part == ".." else part for part in parts) or "_"
    return shown, "its name leads out of the archive" if bad else None


def plain(name: str) -> str:
    """The name as a text that can be written as UTF-8: half characters, as JSON allows them, become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
