"""Runs killed at random, gone on with, and compared with the run that nobody killed."""

import json
import os
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from benchmarks.scale.compared import head, logged, same
from benchmarks.scale.sets import config, data, faces, network, train_words
from mint_lightning.files import read_json, sha256_file, sha256_json, sources_hash, write_json

KINDS = ("fit", "train-audited", "fit", "fit", "table", "fit", "fit", "train-audited", "fit", "fit")
"""What is killed in turn."""
ROOMS = ("audited", "auditor", "commands", "evidence", "heads", "learning", "report", "shards", "tracking")
EPOCHS, BATCH = 3, 32
FIT, TABLE, SHARDS = Path("fit.yaml"), Path("table.yaml"), "shards.json"


def kills(count: int, identities: int, photos: int, side: int, arguments: Mapping[str, Any], seed: int) -> Any:
    """So many kills: how many ended in the same bits, and what was different in those that did not.

    Each is written down as it comes, below the hash of the sources, so that a run that was stopped goes on.
    """
    what = sha256_json([identities, photos, side, dict(arguments), seed, sources_hash(*ROOMS), _own_sources()])[:12]
    folder, here = Path(f"kills_{what}"), Path.cwd()
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    try:
        steps = prepared(identities, photos, side, arguments)
        found = tried(Path("kills.jsonl"))
        while sum(each["killed"] for each in found) < count:
            if len(found) >= 2 * count + 10:
                raise SystemExit("most runs end before they are killed")
            each = attempt(len(found), steps, seed)
            found.append(each)
            with Path("kills.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(each) + "\n")
            print(f"kill {len(found)}: {each['kind']}, {each['different'] or 'the same bits'}", flush=True)
    finally:
        os.chdir(here)
    return {"kills": [each for each in found if each["killed"]][:count], "steps": steps}


def _own_sources() -> list[str]:
    names = ("callbacks", "compared", "killed", "kills", "sets")
    above = sorted(path for path in (Path(__file__).parents[2] / "mint_lightning").glob("*.py"))
    return [sha256_file(path) for path in (*(Path(__file__).parent / f"{name}.py" for name in names), *above)]


def tried(path: Path) -> list[dict[str, Any]]:
    """What was written down; the last line may be half of one."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    path.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    return found


def prepared(identities: int, photos: int, side: int, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Set, network, and a run of each kind that nobody stops: its batches."""
    from benchmarks.scale.killed import fork  # imports everything

    done = Path("whole.json")
    if done.is_file():
        return dict(read_json(done, "list of whole runs"))
    shards = faces(identities, photos, side)
    card = network(shards, arguments)
    config(FIT, data(shards, card, BATCH, workers=1), EPOCHS)
    rows = [{"head": "vanilla", "taps": [tap]} for tap in ("conv3", "conv4")]
    recipe = {"epochs": EPOCHS, "patience": EPOCHS}
    content = {"data": data(shards, card, BATCH, workers=1), "rows": rows, "recipe": recipe, "seeds": 2, "twins": 1}
    write_json(TABLE, content | {"pixels": False, "accelerator": "cpu", "reuse": False, "register": False})
    write_json(Path(SHARDS), {"shards": str(shards), "arguments": dict(arguments)})
    steps = {}
    for kind in sorted(set(KINDS)):
        _clear("whole", kind)
        if fork(words(kind, "whole"), Path("whole.log"), count=Path("count")):
            raise SystemExit(f"{kind} failed: {Path('whole.log').absolute()}")
        steps[kind] = int(Path("count").read_text())
    steps["fit"] = int(_last("whole")["global_step"])
    write_json(done, steps)
    return steps


def words(kind: str, name: str) -> list[str]:
    """The command of a kind of run."""
    if kind == "fit":
        # A checkpoint of every epoch, not of the best alone: so the last one holds the end of the training.
        return ["fit", "--config", str(FIT), "--name", name, "--checkpoint.monitor", "step"]
    if kind == "table":
        return ["table", "--config", str(TABLE), "--name", name, "--store", f"stores/{name}"]
    given = read_json(Path(SHARDS), "note of the set")
    found = train_words(Path(given["shards"]), Path("trained") / name / "network", given["arguments"], EPOCHS)
    return [*found, "--workers", "1", "--save_minutes", "1e-9"]


def attempt(number: int, steps: Mapping[str, int], seed: int) -> dict[str, Any]:
    """One run that is killed at a random batch, or up to .2 s behind one, and gone on with."""
    from benchmarks.scale.killed import fork  # imports everything

    draw = random.Random(f"{seed} {number}")
    kind, name = KINDS[number % len(KINDS)], f"killed_{number}"
    kill: dict[str, Any] = {"step": draw.randrange(steps[kind]), "sent": draw.choice(("SIGKILL", "SIGKILL", "SIGTERM"))}
    kill["delay"] = draw.choice((0.0, draw.uniform(0.0, 0.2)))
    command, log = words(kind, name), Path(f"{name}.log")
    _clear(name, kind)
    start = time.perf_counter()
    if kind == "fit":
        command += ["--saving.steps", str(draw.randint(1, 4))]
        callback = {"class_path": "benchmarks.scale.callbacks.KillAt", "init_args": {**kill, "before": True}}
        to_be_killed = [*command, "--trainer.callbacks", json.dumps([callback])]
    else:
        to_be_killed = command
    code: int | None = None
    try:
        code = fork(to_be_killed, log, None if kind == "fit" else kill)
        kept = Path(f"mlruns/checkpoints/{name}/resume.ckpt")
        after = fork([*command, *(["--ckpt_path", str(kept)] if kept.is_file() else [])], log) if code else 0
        different = [f"exit code {after}"] if after else differences(kind, name)
    except (TimeoutError, LookupError, FileNotFoundError) as error:  # it hangs, or lacks what the whole run left
        different = [str(error)]
    if not different:
        _clear(name, kind)
        log.unlink()
    facts = {"killed": code != 0, "code": code, "different": different, "seconds": time.perf_counter() - start}
    return {"number": number, "kind": kind, **kill, **facts}


def differences(kind: str, name: str) -> list[str]:
    """What of a run is not, to the bit, what the whole run has."""
    compared = {"fit": _fits, "table": _tables, "train-audited": _trainings}[kind]
    (one, other) = (compared(each) for each in ("whole", name))
    return [part for part in one if not same(one[part], other[part])]


def _last(name: str) -> dict[str, Any]:
    return dict(torch.load(f"mlruns/checkpoints/{name}/last.ckpt", weights_only=True))


def _fits(name: str) -> dict[str, Any]:
    last = _last(name)
    parts = {part: last[part] for part in ("global_step", "state_dict", "optimizer_states")}
    return {"head": head(name), **parts, "logged figures": logged(name)}


def _tables(name: str) -> dict[str, Any]:
    heads = sorted(Path(f"stores/{name}").rglob("*.done.safetensors"))
    evidence = read_json(Path(f"mlruns/tables/{name}/table.json"), "table")["evidence"]
    return {"heads": {path.name: load_file(path) for path in heads}, "figures": evidence}


def _trainings(name: str) -> dict[str, Any]:
    folder = Path("trained") / name / "network"
    card = read_json(folder / "card.json", "card")
    figures = [card["config"]["epochs_log"], card["accuracy"]]
    return {"weights": load_file(folder / "network.safetensors"), "logged figures": figures}


def _clear(name: str, kind: str) -> None:
    folders: Sequence[str] = {
        "fit": (f"mlruns/checkpoints/{name}", f"mlruns/auditors/{name}"),
        "table": (f"stores/{name}", f"mlruns/tables/{name}"),
        "train-audited": (f"trained/{name}",),
    }[kind]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
