"""mint-lightning verify-bundle"""

from pathlib import Path

from mint_lightning.commands.parsing import run_function

EXAMPLES = """  mint-lightning verify-bundle demo_bundle
  mint-lightning verify-bundle demo_bundle --key public.pem        made by whoever holds this key
  cd demo_bundle && sha256sum -c SHA256SUMS                        the hashes alone, without this program"""


def verify_bundle(folder: str, key: str | None = None) -> None:
    """Compute every figure of a bundle again from its scores, and every hash; one changed byte is an error.

    Args:
        folder: of the bundle, as `mint-lightning report` writes it.
        key: PEM file of the public Ed25519 key that must have signed it (openssl pkey -in key.pem -pubout).
    """
    from mint_lightning.bundle.check import check_bundle

    for sentence in check_bundle(Path(folder), Path(key) if key else None):
        print(sentence)
    print(f"{folder}: whole.")


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(verify_bundle, command, args, EXAMPLES)
