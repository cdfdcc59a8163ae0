"""mint-lightning report"""

import re
import tempfile
from pathlib import Path

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError
from mint_lightning.files import refuse_unwritable

EXAMPLES = """  mint-lightning report mlruns/tables/demo --out demo_bundle
  mint-lightning report mlruns/auditors/faces_vanilla --out bundle --pdf true
  mint-lightning report 8d0c5b6f3a7e4b21a0f1c2d3e4f5a6b7 --out bundle        a run of the tracking store, by its id
  mint-lightning report mlruns/tables/demo --out bundle --sign key.pem    signed (openssl genpkey -algorithm ed25519)"""


def report(
    of: str, out: str, names: bool = False, pdf: bool = False, forms: bool = False, sign: str | None = None
) -> Path:
    """The evidence bundle of an audit: a folder that others can read without this program, and check with it.

    It holds one page that needs nothing else (report.html), the evidence, the scores behind every figure, pictures,
    and bundle.json with config, versions, seeds and the hash of every file. `mint-lightning verify-bundle` computes
    all figures again.

    Args:
        of: folder of a table or of an auditor, a table's name, or the id of a run that `table` or `test` logged.
        out: folder of the bundle; a bundle that stands there is replaced.
        names: keep people's names in the scores; by default they are numbers, and the figures the same.
        pdf: write the page as report.pdf, too; needs pip install 'mint-lightning[pdf]'.
        forms: write the scores of each row in the input forms of ART, SACRO-ML and PrivacyGuard, too, under forms/.
        sign: PEM file of a private Ed25519 key to sign the bundle with.
    """
    refuse_unwritable(Path(out))
    from mint_lightning.bundle.folder import write_bundle
    from mint_lightning.bundle.source import of_folder

    with tempfile.TemporaryDirectory() as place:
        source = of_folder(_folder(of, Path(place)))
        write_bundle(Path(out), source, names=names, pdf=pdf, forms=forms, key=Path(sign) if sign else None)
    print(f"{source.evidence.claim.outcome.value.capitalize()}. {source.evidence.claim.reason}")
    print(f"Written: {Path(out) / 'report.html'} (page), bundle.json, evidence, scores, pictures.")
    print(f"Check it: mint-lightning verify-bundle {out}")
    return Path(out)


def _folder(of: str, into: Path) -> Path:
    """The folder that `of` means; what lies in the tracking store is put under `into`."""
    for path in (Path(of), Path("mlruns/tables") / of):
        if path.is_dir():
            return path
    if not re.fullmatch(r"[0-9a-f]{32}", of):
        raise UserError(f"There is no table, no auditor and no run {of!r}.")
    from mlflow.exceptions import MlflowException

    from mint_lightning.tracking.store import open_store

    store = open_store(make=False)
    try:
        run = store.client.get_run(of).data.tags.get("mlflow.parentRunId", of)
        return Path(store.client.download_artifacts(run, "", str(into)))
    except MlflowException as error:
        raise UserError(f"The tracking store {store.shown} has no such run with its files: {error.message}") from error


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(report, command, args, EXAMPLES)
