"""A bundle signed with Ed25519, so that whoever holds the public key knows who stands behind it."""

import json
from pathlib import Path
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.files import read_json

SIGNATURE: Final = "signature.json"
ALGORITHM: Final = "Ed25519"


def sign(document: bytes, key: Path) -> bytes:
    """The bytes of signature.json: the signature of `document` by the private key in the PEM file `key`.

    Raises:
        UserError: it holds no private Ed25519 key, or one locked by a password.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(_bytes(key), None)
    except TypeError as error:
        raise UserError(
            f"The key {key} is locked by a password: unlock it, openssl pkey -in {key} -out FILE."
        ) from error
    except ValueError as error:
        raise UserError(
            f"{key} holds no private key in PEM form: openssl genpkey -algorithm ed25519 makes one."
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise UserError(f"{key} is no Ed25519 key: openssl genpkey -algorithm ed25519 makes one.")
    return _form(private.public_key().public_bytes_raw().hex(), private.sign(document).hex())


def signer(document: bytes, folder: Path, trusted: Path | None) -> str | None:
    """The public key, in hexadecimal, that signed `document`; None where the folder has no signature.

    Args:
        document: the bytes that were signed.
        folder: where signature.json lies.
        trusted: PEM file of the public key that must have signed.

    Raises:
        UserError: the signature is not of these bytes, not by the trusted key, or is missing where one is named.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    path = folder / SIGNATURE
    if not path.is_file():
        if trusted is not None:
            raise UserError(f"{folder} is not signed: it holds no {SIGNATURE}.")
        return None
    found = read_json(path, "signature")
    try:
        key, signature = str(found["public_key"]), str(found["signature"])
        exact = path.read_bytes() == _form(key, signature)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), document)
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise UserError(f"The signature of {folder} is not of its bundle.json: one of the two was changed.") from error
    if not exact:
        raise UserError(f"The signature {path} was changed.")
    if trusted is not None and key != _public(trusted):
        raise UserError(f"{folder} was signed by the key {key[:16]}..., not by that of {trusted}.")
    return key


def _public(path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(_bytes(path))
    except ValueError as error:
        raise UserError(f"{path} holds no public key in PEM form: openssl pkey -in KEY -pubout makes one.") from error
    if not isinstance(public, Ed25519PublicKey):
        raise UserError(f"{path} is no Ed25519 key.")
    return public.public_bytes_raw().hex()


def _form(key: str, signature: str) -> bytes:
    content = {"algorithm": ALGORITHM, "public_key": key, "signature": signature, "of": "bundle.json"}
    return (json.dumps(content, indent=2) + "\n").encode()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"The key {path} cannot be read: {error.strerror}.") from error
