"""Evidence as a document: to JSON and back, and looked up by name."""

import json

import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import Claim, RowEvidence, RowScores, TableEvidence, weigh
from tests.unit.evidence_data import table

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("references", [(), (0.1, 0.2)])
def test_evidence_survives_json_to_the_last_bit(references):
    rows, _, evidence = table(references=references)
    text = json.dumps(evidence.to_json(), allow_nan=False)
    assert TableEvidence.from_json(json.loads(text)) == evidence
    again = RowScores.from_json(json.loads(json.dumps(rows[0].to_json())))
    assert (again.audited.score == rows[0].audited.score).all()
    assert again.twins[2].network == "twin 2"
    assert weigh([again], random_partition=True) == weigh([rows[0]], random_partition=True)


def test_json_of_another_version_or_with_other_keys_is_refused():
    document = table(rows=1)[2].to_json()
    with pytest.raises(UserError, match="schema version 99"):
        TableEvidence.from_json(document | {"schema_version": 99})
    with pytest.raises(UserError, match="unknown key 'colour'"):
        TableEvidence.from_json(document | {"colour": 1})
    with pytest.raises(UserError, match="lacks the key 'claim'"):
        TableEvidence.from_json({key: value for key, value in document.items() if key != "claim"})
    with pytest.raises(UserError, match=r"TableEvidence\.level cannot be 'high'"):
        TableEvidence.from_json(document | {"level": "high"})
    with pytest.raises(UserError, match="must be one of 'scores like training photos'"):
        Claim.from_json(document["claim"] | {"outcome": "proof"})
    with pytest.raises(UserError, match="must be a JSON object"):
        RowEvidence.from_json([])


def test_rows_are_found_by_name():
    _, _, evidence = table()
    assert evidence.row("row 1").name == "row 1"
    with pytest.raises(UserError, match="no row 'row 9'; the table has row 0, row 1"):
        evidence.row("row 9")
