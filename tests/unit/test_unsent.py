"""What a dead store does not take: kept in order, sent once, wherever anything stops."""

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.entities import Dataset, DatasetInput, Metric, Param
from mlflow.exceptions import MlflowException

from mint_lightning.errors import UserError
from mint_lightning.tracking.keeping import KeepingClient
from mint_lightning.tracking.sending import Sent, send
from mint_lightning.tracking.unsent import PLACE, TAG, Unsent, waiting
from tests.fake_store import FakeStore, Killed

pytestmark = pytest.mark.unit

FACTS = {"store": "http://here", "experiment": "heads"}


def keeping(root: Path, store: FakeStore, **how: Any) -> KeepingClient:
    return KeepingClient(store, root, FACTS, "http://here", **how)  # type: ignore[arg-type]


def training(client: KeepingClient, root: Path, steps: int, run: str | None = None, first: int = 0) -> str:
    """The calls of a fit; every figure differs from all others."""
    run = run or client.create_run("1", tags={"kind": "fit"}).info.run_id
    client.log_batch(run, params=[Param("lr", "0.1")])
    client.log_text(run, "lr: 0.1\n", "config.yaml")
    client.log_inputs(run, [DatasetInput(Dataset("lfw", "abc", "shards", "{}"))])
    for step in range(first, steps):
        client.log_batch(run, metrics=[Metric("loss", step / 7, 1000 + step, step)])
        if step % 3 == 2:
            client.log_metric(run, "auc", step / 9, 2000 + step, step)
    (root / "auditor").mkdir(exist_ok=True)
    (root / "auditor" / "card").write_text("card")
    client.set_terminated(run, "FINISHED")
    client.log_artifacts(run, root / "auditor", "auditor")
    client.set_tag(run, "finds", "no")
    return str(run)


def sent(unsent: Unsent, store: FakeStore) -> Sent:
    return send(unsent, store, "1", "http://here")  # type: ignore[arg-type]


def send_all(root: Path, store: FakeStore) -> None:
    """As often as it takes; a kill and a dead server alike."""
    for _ in range(200):
        try:
            for unsent in waiting(root):
                sent(unsent, store)
        except (Killed, requests.ConnectionError):
            continue
        break
    assert waiting(root) == []


def content(store: FakeStore) -> list[dict[str, Any]]:
    """What a store has, but for the tag by which a run that was made here is found."""
    return [{**run, "tags": {k: v for k, v in run["tags"].items() if k != TAG}} for run in store.runs.values()]


@settings(max_examples=40, deadline=None)
@given(
    dies=st.integers(2, 22),
    how=st.sampled_from(["before", "after"]),
    stops=st.dictionaries(st.integers(1, 40), st.sampled_from(["before", "after", "killed"]), max_size=8),
    at_once=st.integers(1, 9),
)
def test_nothing_is_lost_and_nothing_doubled(dies: int, how: str, stops: dict[int, str], at_once: int) -> None:
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        patch.setattr("mint_lightning.tracking.sending.METRICS_AT_ONCE", at_once)
        root, whole = Path(temporary), FakeStore()
        training(keeping(root, whole), root, 9)
        store = FakeStore(lambda number: how if number == dies else "")
        training(keeping(root, store), root, 9)
        before = store.calls
        store.fails = lambda number: stops.get(number - before, "")
        send_all(root, store)
        assert content(store) == content(whole)
        assert not list(root.glob(f"{PLACE}/*"))


@pytest.mark.parametrize("stop", ["before", "killed"])
def test_a_run_that_no_store_has_is_made_once_and_found_again(stop: str, tmp_path: Path) -> None:
    client = keeping(tmp_path, FakeStore())
    client.keep("refused")
    run = training(client, tmp_path, 4)
    assert run.startswith("unsent-")
    store = FakeStore(lambda number: stop if number == 3 else "")
    send_all(tmp_path, store)
    whole = FakeStore()
    training(keeping(tmp_path, whole), tmp_path, 4)
    assert content(store) == content(whole)
    assert [own["tags"][TAG] for own in store.runs.values()] == [run]
    client.log_metric(run, "late", 1.0, 1, 1)  # by who trains on while all was sent
    send_all(tmp_path, store)
    assert len(store.runs) == 1
    assert next(iter(store.runs.values()))["points"][-1] == ("late", 1.0, 1, 1)


def test_steps_behind_the_checkpoint_that_a_run_went_on_from_are_logged_once(tmp_path: Path) -> None:
    store = FakeStore()
    first = keeping(tmp_path, store)
    run = training(first, tmp_path, 6)
    first.keep("refused")
    training(first, tmp_path, 9, run, first=6)
    again = keeping(tmp_path, store, goes_on=True)
    again.join(run)
    assert again.keeps
    training(again, tmp_path, 12, run, first=4)
    send_all(tmp_path, store)
    points = next(iter(store.runs.values()))["points"]
    assert [step for key, *_, step in points if key == "loss"] == list(range(12))
    assert [step for key, *_, step in points if key == "auc"] == [2, 5, 8, 11]


def test_calls_stand_in_their_order_as_lines(tmp_path: Path) -> None:
    client = keeping(tmp_path, FakeStore(lambda number: "before" if number > 1 else ""))
    run = training(client, tmp_path, 3)
    lines = [json.loads(line) for line in (tmp_path / PLACE / run / "calls.jsonl").read_text().splitlines()]
    assert lines[0]["store"] == "http://here"
    assert [line["call"] for line in lines[1:]] == [
        "log_batch", "log_file", "log_inputs", *["log_batch"] * 4, "set_terminated", "log_file", "log_batch",
    ]  # fmt: skip
    assert waiting(tmp_path)[0].run == run


def test_one_sentence_and_the_store_is_asked_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = FakeStore(lambda number: "before" if number == 5 else "")
    training(keeping(tmp_path, store), tmp_path, 9)
    assert store.calls == 5
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence == (
        "The tracking server http://here does not answer (no connection): figures are kept in mlruns/unsent and sent "
        "by `mint-lightning sync`."
    )


def test_half_a_line_is_cut_off_and_the_next_call_stands_whole(tmp_path: Path) -> None:
    unsent = Unsent(tmp_path, "run", {"start_time": 1})
    unsent.append("one")
    with (unsent.folder / "calls.jsonl").open("a") as stream:
        stream.write('{"call": "tw')
    assert [each["call"] for each in unsent.calls()] == ["one"]
    unsent.append("three")
    assert [each["call"] for each in unsent.calls()] == ["one", "three"]


def test_a_full_disk_stops_nothing_and_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, write = keeping(tmp_path, FakeStore()), os.write
    client.keep("refused")
    run = client.create_run("1").info.run_id
    client.log_metric(run, "loss", 0.5, step=6)

    def full(file: int, data: bytes) -> int:
        if len(data) > 20:
            return write(file, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for step in (7, 8):
            client.log_metric(run, "loss", 0.5, step=step)
        client.log_text(run, "kept?", "note.txt")
    client.log_metric(run, "loss", 0.5, step=9)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[1].endswith("(No space left on device): figures from step 7 on are lost until it can.")
    assert [each["metrics"][0][3] for each in Unsent(tmp_path, run).calls()] == [6, 9]
    assert not list((tmp_path / PLACE / run).glob("files/*"))


def test_what_comes_while_it_is_sent_is_sent_too(tmp_path: Path) -> None:
    client, store = keeping(tmp_path, FakeStore()), FakeStore()
    client.keep("refused")
    run = client.create_run("1").info.run_id
    client.log_metric(run, "loss", 0.0, step=0)
    (unsent,) = waiting(tmp_path)
    remove = unsent.remove

    def late(lines: int) -> bool:
        if lines == 1:
            client.log_metric(run, "loss", 1.0, step=1)
        return remove(lines)

    unsent.remove = late  # type: ignore[method-assign]
    sent(unsent, store)
    assert [step for *_, step in next(iter(store.runs.values()))["points"]] == [0, 1]
    assert waiting(tmp_path) == []


def test_a_parameter_keeps_its_value_as_in_a_store(tmp_path: Path) -> None:
    client = keeping(tmp_path, FakeStore())
    client.keep("refused")
    run = client.create_run("1").info.run_id
    client.log_param(run, "lr", 0.1)
    again = keeping(tmp_path, FakeStore())
    again.join(run)
    again.log_param(run, "lr", 0.1)
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        again.log_param(run, "lr", 0.2)


def test_damage_is_one_sentence(tmp_path: Path) -> None:
    unsent = Unsent(tmp_path, "run", {"start_time": 1})
    unsent.append("one")
    (unsent.folder / "calls.jsonl").write_text("nonsense\n")
    assert waiting(tmp_path)[0].run == "run"
    with pytest.raises(UserError, match="is damaged"):
        unsent.calls()
