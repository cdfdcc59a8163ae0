"""Which synthetic faces, and which network trained on them, leave a trace of membership?

    python benchmarks/synthetic_trace.py --seeds 0 1 2

For each seed: draw people, pack them in random partitions, train a network on the members with `train_audited`, and
ask three scores that need no fitting to tell members from externals: agreement of the embedding with that of the
mirrored image, length of the embedding, mean cosine between the photos of one person. Beside each stands the same on
untrained twins. One line of JSON per seed goes to standard output.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited import AuditedNetwork, NetworkSource, adapt_batchnorm, untrained_twin
from mint_lightning.evidence import Estimate, agreement, auc_interval, embedding_norm
from mint_lightning.learning.recognition import train_audited
from mint_lightning.shards import EvalLoader, KeyList, Manifest, pack
from mint_lightning.shards.synthetic import SyntheticSource

Floats = NDArray[np.floating]
TWIN_IMAGES = 2048


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    for seed in options.seeds:
        print(json.dumps(measure(options, seed)), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=2100)
    parser.add_argument("--photos", type=int, default=5)
    parser.add_argument("--members", type=float, default=0.32, help="share of the identities")
    parser.add_argument("--difficulty", default="hard", help="plain, hard or a number from 0 to 1")
    parser.add_argument("--arguments", type=json.loads, default={"stem_stride": 4}, help="of iresnet_small, as JSON")
    parser.add_argument("--loss", default="cosface")
    parser.add_argument("--margin", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--twins", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0, help="processes that decode images")
    parser.add_argument("--work", type=Path, default=Path("shards/synthetic_trace"), help="folder for what is made")
    return parser.parse_args()


def measure(options: argparse.Namespace, seed: int) -> dict[str, object]:
    """Pack, train and score for one seed."""
    root = options.work / f"{options.identities}x{options.photos}-{options.difficulty}-{seed}"
    start = time.perf_counter()
    pack(
        SyntheticSource(options.identities, options.photos, options.difficulty, seed),
        root,
        partitions={"members": options.members, "externals": 1 - options.members},
        seed=seed,
        workers=options.threads,
        reuse=True,
    )
    packed = time.perf_counter()
    wall, processor = time.perf_counter(), time.process_time()
    card = train_audited(
        root,
        out=options.work / f"network-{seed}",
        arguments=options.arguments,
        loss=options.loss,
        margin=options.margin,
        epochs=options.epochs,
        rate=options.rate,
        seed=seed,
        workers=options.workers,
        overwrite=True,
        progress=sys.stderr.isatty(),
    )
    network = NetworkSource(card=str(card)).load()
    assert network.card is not None
    found: dict[str, object] = {
        "seed": seed,
        "difficulty": options.difficulty,
        "arguments": options.arguments,
        "epochs": options.epochs,
        "members": network.card.members["images"],
        "pack_s": round(packed - start),
        "train_s": round(time.perf_counter() - wall),
        "train_processor_s": round(time.process_time() - processor),
        "format": network.card.config["format"],
        "train_accuracy": round(network.card.accuracy["train_accuracy"], 3),
        "verification": short(network.card.accuracy["verification"]),
        "trained": scores(network, root),
    }
    for number in range(options.twins):
        twin = untrained_twin(network, 1000 * seed + number)
        adapt_batchnorm(twin, mixed_images(root))
        found[f"twin {number}"] = scores(twin, root)
    return found


def scores(network: AuditedNetwork, root: Path) -> dict[str, object]:
    """AUC of each score with its interval clustered by identity: over all identities, and on the test split alone."""
    keys = KeyList.load(root, Manifest.load(root))
    rows, plain, mirrored = [], [], []
    outcome = network.tap_names[-1]
    for batch in EvalLoader(root, keys, np.arange(len(keys)), batch_size=256):
        aad = network(batch["images"], [outcome], ["original", "flip"])
        rows.append(batch["row"].numpy())
        plain.append(aad["original"][outcome].numpy())
        mirrored.append(aad["flip"][outcome].numpy())
    row, first, second = np.concatenate(rows), np.concatenate(plain), np.concatenate(mirrored)
    label, member, test = keys.label[row], keys.partition[row] == "members", keys.split[row] == "test"
    agree, norm = agreement(first, second), embedding_norm(first)
    person, of_person = within_person(first, label)
    is_member = np.array([member[label == one][0] for one in person])
    return {
        "agreement": figure(auc_interval(agree, member, label)),
        "agreement, test split": figure(auc_interval(agree[test], member[test], label[test])),
        "norm": figure(auc_interval(norm, member, label)),
        "within the person": figure(auc_interval(of_person, is_member, person)),
        "mean agreement": [round(float(agree[side].mean()), 3) for side in (member, ~member)],
    }


def within_person(
    embedding: NDArray[np.float32], label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Mean cosine between the photos of each person, one figure per person."""
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    people = np.unique(label)
    means = []
    for one in people:
        photos = unit[label == one]
        count = len(photos)
        means.append(((photos @ photos.T).sum() - count) / (count * (count - 1)))
    return people, np.array(means)


def mixed_images(root: Path) -> Iterator[Tensor]:
    """Fit images, half of them of members and half of externals, in batches of 128."""
    keys = KeyList.load(root, Manifest.load(root))
    rng = np.random.default_rng(0)
    sides = [keys.where([name], ["fit"]) for name in ("members", "externals")]
    count = min(TWIN_IMAGES // 2, *map(len, sides)) // 64 * 64
    chosen = np.concatenate([rng.permutation(side)[:count].reshape(-1, 64) for side in sides], axis=1).ravel()
    loader = EvalLoader(root, keys, chosen, batch_size=256)
    images = torch.cat([batch["images"] for batch in loader])
    order = torch.from_numpy(rng.permutation(len(images)))
    yield from images[order].split(128)


def figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def short(verification: dict[str, float] | None) -> dict[str, float]:
    return {name: round(value, 3) for name, value in (verification or {}).items()}


if __name__ == "__main__":
    main()
