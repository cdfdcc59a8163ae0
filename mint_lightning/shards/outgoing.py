"""Shard sets written to an address: packed in a local folder, which is sent when it is whole."""

import hashlib
import shutil
from pathlib import Path

from mint_lightning.errors import UserError
from mint_lightning.shards.manifest import MANIFEST_NAME
from mint_lightning.shards.remote import default_cache
from mint_lightning.shards.transfer import exists, joined_address, refuse_read_only, upload


def upload_folder(address: str, *, overwrite: bool) -> Path:
    """The local folder for a set that is to go to `address`, always the same, so that a broken packing goes on.

    Raises:
        UserError: nothing can be written there, or a shard set stands there and may not be overwritten.
    """
    refuse_read_only(address)
    if not overwrite and exists(joined_address(address, MANIFEST_NAME)):
        raise UserError(f"There already is a shard set at {address}: name another, or ask for it to be overwritten.")
    base = address.rstrip("/")
    number = hashlib.sha256(base.encode()).hexdigest()[:16]
    return default_cache().with_name("outgoing") / number / (base.rpartition("/")[2] or "set")


def send(folder: Path, address: str) -> None:
    """Send the set in `folder` to its address, the manifest last, and remove the folder."""
    upload(folder, address.rstrip("/"), MANIFEST_NAME)
    shutil.rmtree(folder.parent)
