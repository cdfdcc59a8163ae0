"""Scores of a finished table, as evidence takes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mint_lightning.auditor.kinds import KINDS
from mint_lightning.evidence import HeadScores, PixelScores, RowScores, ScoreSet, auc
from mint_lightning.evidence.reference_scores import References
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.feed import Feed, Reading
from mint_lightning.learning.folds import Fold
from mint_lightning.learning.networks import AUDITED, COMPLEMENT, PIXELS
from mint_lightning.learning.plan import Cells
from mint_lightning.learning.relative import relative_score
from mint_lightning.learning.rows import RowSpec


@dataclass
class Reader:
    """Scores of finished cells and of the scores that need no fitting, as evidence takes them."""

    data: Any
    activations: Activations
    feed: Feed
    scores: Mapping[Cell, NDArray[np.float64]]
    cells: Cells
    folded: Sequence[Fold]
    specs: Sequence[RowSpec] = ()
    _known_images: dict[int, ScoreSet] = field(default_factory=dict)

    def row(self, spec: RowSpec, seed: int) -> RowScores:
        """A row on the audited network and on each network that it could be read from."""
        score = self.fitted if spec.fitted else self.score
        networks = self.activations.networks
        validate_auc, audited = score(spec, AUDITED)
        return RowScores(
            name=spec.title,
            head=spec.head if spec.fitted else "score",
            tap=spec.where,
            seed=seed if spec.fitted else 0,
            samples=self._samples(spec),
            photos=spec.set_size,
            audited=audited,
            twins=tuple(score(spec, name)[1] for name in networks.twins),
            references=tuple(score(spec, name)[1] for name in networks.references if self._has(spec, name)),
            complement=score(spec, COMPLEMENT)[1] if COMPLEMENT in networks.by_name else None,
            validate_auc=validate_auc,
            heads=tuple(self._heads(spec)),
        )

    def _has(self, spec: RowSpec, network: str) -> bool:
        if spec.relative:  # a reference is judged beside others, not beside itself
            networks = self.activations.networks
            return bool(networks.shadows.saw) or len(networks.references) > 1
        return not spec.fitted or (spec.title, network, self.folded[0].number) in self.cells

    def fitted(self, spec: RowSpec, network: str) -> tuple[float, ScoreSet]:
        """(AUC on validate, mean over folds and seeds; scores, mean over seeds) of a row's heads on one network."""
        folds = [self.cells[spec.title, network, fold.number] for fold in self.folded]
        scores = [np.mean([self.scores[cell] for cell in cells], axis=0) for cells in folds]
        found = float(np.mean([cell.best_auc for cells in folds for cell in cells]))
        return found, self._set(scores, network, spec.set_size)

    def pixels(self, spec: RowSpec) -> PixelScores:
        """A row of pixel heads, as a control."""
        validate_auc, scores = self.fitted(spec, PIXELS)
        return PixelScores(spec.title, validate_auc, scores, tuple(self._alone(spec, PIXELS, "pixels", spec.title)))

    def _heads(self, spec: RowSpec) -> Iterator[HeadScores]:
        """Each head of a row alone, on every network that has it."""
        networks = self.activations.networks
        for name in networks.by_name:
            if spec.fitted and (spec.title, name, self.folded[0].number) in self.cells:
                yield from self._alone(spec, name, networks.role(name), name)

    def _alone(self, spec: RowSpec, network: str, role: str, name: str) -> Iterator[HeadScores]:
        folds = [self.cells[spec.title, network, fold.number] for fold in self.folded]
        for heads in zip(*folds, strict=True):
            scores = [self.scores[cell] for cell in heads]
            validate_auc = float(np.mean([cell.best_auc for cell in heads]))
            yield HeadScores(role, name, heads[0].seed, np.concatenate(scores), validate_auc, tuple(heads[0].history))

    def score(self, spec: RowSpec, network: str) -> tuple[float, ScoreSet]:
        """The same of a score that needs no fitting."""
        if spec.relative:
            return self.relative(spec, network)
        bank = self.activations.bank
        reading = Reading(network, spec.read_of(self.activations.networks.by_name[network].tap_names[-1]))
        rings, photos = self.feed.rings, spec.set_size

        def of(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            arrays = [value.double().numpy() for value in self.feed.read(reading, rows)]
            return KINDS[spec.head].compute(arrays, self.data.labels[bank.rows[bank.positions(rows)]])

        rows = np.unique(np.concatenate([fold.validate for fold in self.folded]))  # folds may share some
        rows = rings.whole(rows, photos) if rings is not None else rows
        member = self.data.member[bank.rows[bank.positions(rows)]]
        scores = [of(self._scored(fold, photos)) for fold in self.folded]
        return float(auc(of(rows), member)), self._set(scores, network, photos)

    def _scored(self, fold: Fold, photos: int) -> NDArray[np.int64]:
        """Rows of a fold that are scored: one for each set of so many photos of a person."""
        rings = self.feed.rings
        return fold.scored if rings is None else rings.one_each(fold.scored, photos)

    def relative(self, spec: RowSpec, network: str) -> tuple[float, ScoreSet]:
        """The same of a score beside reference networks, none of which is the network itself."""
        member = self.data.member

        def of(fold: Fold, rows: NDArray[np.int64]) -> NDArray[np.float64]:
            strangers = fold.fit[~member[fold.fit]]  # not judged, nor learnt by the audited network
            return relative_score(spec.head, *self._beside(network, rows), self._beside(network, strangers))

        validated = [(of(fold, fold.validate), member[self._known(fold.validate)]) for fold in self.folded]
        found = float(np.mean([auc(scores, flags) for scores, flags in validated]))
        return found, self._set([of(fold, fold.scored) for fold in self.folded], network)

    def _beside(
        self, network: str, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], References]:
        """Logits, classes and references of those of `rows` that could be read."""
        networks, known = self.activations.networks, self._known(rows)
        others = [name for name in (*networks.shadows.saw, *networks.references) if name != network]
        nothing = np.zeros(len(self.data.keys), bool)
        saw = np.array([networks.shadows.saw.get(name, nothing)[known] for name in others])
        logits = np.array([self._outcome(name, rows) for name in others])
        return self._outcome(network, rows), self.data.labels[known], References(logits, saw)

    def _outcome(self, network: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        outcome = self.activations.networks.by_name[network].tap_names[-1]
        (logits,) = self.feed.read(Reading(network, [("original", outcome)]), rows)
        return logits.double().numpy()

    def _known(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `rows` whose image could be read."""
        bank = self.activations.bank
        return bank.rows[bank.positions(rows)]

    def scored(self, row: str, scores: Sequence[NDArray[np.float64]]) -> ScoreSet:
        """Scores of a row on the audited network, one array for each fold, with what is known of each image."""
        photos = next(spec.set_size for spec in self.specs if spec.title == row)
        return self._set(scores, AUDITED, photos)

    def _set(self, scores: Sequence[NDArray[np.float64]], network: str, photos: int = 1) -> ScoreSet:
        if photos not in self._known_images:
            self._known_images[photos] = self._images(photos)
        return replace(self._known_images[photos], score=np.concatenate(scores), network=network)

    def _images(self, photos: int) -> ScoreSet:
        """What is known of the images that are scored, held once for all rows of one size and all networks."""
        bank = self.activations.bank
        places = [bank.positions(self._scored(fold, photos)) for fold in self.folded]
        rows = bank.rows[np.concatenate(places)]
        folded = self.folded[0].number is not None
        numbers = np.repeat([fold.number or 0 for fold in self.folded], [len(place) for place in places])
        keys = self.data.keys
        return ScoreSet(
            score=np.zeros(len(rows)),
            member=self.data.member[rows],
            unseen=self.data.unseen[rows],
            identity=np.char.add(np.char.add(keys.source[rows], "/"), keys.identity[rows]),
            split=np.full(len(rows), "out-of-fold") if folded else keys.split[rows],
            key=keys.key[rows],
            network="",
            fold=numbers.astype(np.int64) if folded else None,
        )

    def _samples(self, spec: RowSpec) -> int:
        """Images a head was given to learn from, in equal parts (mean over folds); 0 for a score."""
        if not spec.fitted:
            return 0
        orders = [self.cells[spec.title, AUDITED, fold.number][0].order for fold in self.folded]
        return sum(len(order.groups) * min(map(len, order.groups)) for order in orders) // len(orders)
