"""The questions of benchmarks/evidence.md, through the front door, and their answers with what is known of each."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.evidence.pictures import write_pictures
from benchmarks.lfw.parts import CARDS, DOOR
from mint_lightning.audited import NetworkCard
from mint_lightning.learning.members import trained_on
from mint_lightning.shards import KeyList, Manifest

TABLE = Path("mlruns/tables/audit_lfw")
OUT = Path("mlruns/audits/evidence")
MAKE = "table --config conf/audit_lfw.yaml"
AUDITORS = {
    "Flip agreement": "flip_agreement",
    "Embedding norm": "embedding_norm",
    "Vanilla outcome": "vanilla_outcome",
}
OTHERS = {"AT&T": ("lfw_att", "att"), "Yale": ("lfw_yale", "yale")}


@dataclass(frozen=True)
class Asked:
    """Answers by question: one line for each photo or person and auditor, with `group`, `person` and `split`; and the
    commands with the seconds they took."""

    photos: pd.DataFrame
    people: pd.DataFrame
    others: pd.DataFrame
    pictures: pd.DataFrame
    seconds: dict[str, float]


def ask() -> Asked:
    """Make the auditors and ask all questions."""
    seconds: dict[str, float] = {}

    def answered(command: str, out: Path) -> pd.DataFrame:
        began = time.monotonic()
        DOOR.run(f"{command} --out {out}", out / "audit.json")
        seconds[f"{command} --out {out}"] = time.monotonic() - began
        return pd.read_csv(out / "audit.csv", dtype={"unit": str}, keep_default_na=False, na_values=[""])

    DOOR.run(MAKE, TABLE / "table.json")
    named = ", ".join(f'"{TABLE}/auditors/{folder}"' for folder in AUDITORS.values())
    every = f"audit --auditor '[{named}]'"
    photos = _known(answered(f"{every} shards/lfw", OUT / "photos"), "shards/lfw")
    people = pd.concat(
        _known(
            answered(f"{every} --group-by identity --alpha {alpha} shards/lfw", OUT / f"people_{alpha}"), "shards/lfw"
        ).assign(alpha=alpha)
        for alpha in (0.01, 0.05, 0.1)
    )
    others = pd.concat(
        _known(answered(f"{every} shards/{shards}", OUT / shards), f"shards/{shards}", source=source).assign(group=name)
        for name, (shards, source) in OTHERS.items()
    )
    pictures = answered(f"{every} --aligned true {write_pictures(OUT.parent / 'pictures')}", OUT / "pictures")
    pictures["group"] = pictures["unit"].str.partition("/")[0]
    return Asked(photos, people, others, pictures, seconds)


def _known(answers: pd.DataFrame, shards: str, source: str = "lfw") -> pd.DataFrame:
    """The answers about test people of one source, with group (members, unseen, externals; of people: members,
    externals), person and split."""
    root = Path(shards)
    keys = KeyList.load(root, Manifest.load(root))
    trained = trained_on(NetworkCard.load(CARDS["A"]), CARDS["A"].parent)
    assert trained is not None
    known = pd.DataFrame(
        {
            "key": keys.key[:],
            "person": [f"{a}/{b}" for a, b in zip(keys.source[:], keys.identity[:], strict=True)],
            "split": keys.split[:],
            "source": keys.source[:],
        }
    )
    member = np.isin(known["key"], trained.keys) if source == "lfw" else np.zeros(len(known), bool)
    inside = known["person"].isin(set(known["person"][member]))
    known["group"] = np.where(member, "members", np.where(inside, "unseen", "externals"))
    by_person = known[known["group"] != "unseen"].drop_duplicates("person").assign(key=lambda each: each["person"])
    whole = pd.concat([known, by_person]).set_index("key")
    found = answers.join(whole, on="unit")
    return found[(found["source"] == source) & ((found["split"] == "test") | (source != "lfw"))]
