"""What a verdict says, in one place, by language: the same names and the same blanks in each."""

from collections.abc import Callable, Mapping
from typing import Final

from mint_lightning.errors import UserError

SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "outside": "The image is unlike those the auditor was calibrated on: no answer.",
        "not_resolvable": "Not resolvable at {alpha}: its calibration allows no rate below {floor}.",
        "often": "Outsiders often score as high (p = {p}).",
        "often_person": "People whom the network never saw often score as high with as many photos (p = {p}).",
        "high_but": "It scores higher than outsiders do (p = {p}), but: {why}",
        "high_but_person": "Together the {photos} photos score higher than outsiders' do (p = {p}), but: {why}",
        "claims": "It scores like training photos; 1 in {one_in} outsiders does too (p = {p}).",
        "claims_person": "Together the {photos} photos score like training photos; those of 1 in {one_in} outsiders do "
        "too (p = {p}).",
        "valid_for": "Valid for photos like {source}.",
        "declared": "That the partition is random is declared, not verified.",
        "no_control": "No control was run for this auditor.",
        "no_error_rate": "No error rate was measured for as many photos.",
        "posterior": "If {prior} of the photos asked about were trained on, at least {low} of such answers are right.",
    },
    "es": {
        "outside": "La imagen no se parece a las que calibraron el auditor: no hay respuesta.",
        "not_resolvable": "No se puede resolver al {alpha}: su calibración no permite una tasa inferior al {floor}.",
        "often": "Las personas ajenas obtienen a menudo una puntuación igual de alta (p = {p}).",
        "often_person": "Personas que la red nunca vio obtienen a menudo una puntuación igual de alta con el mismo "
        "número de fotos (p = {p}).",
        "high_but": "Puntúa más alto que las personas ajenas (p = {p}), pero: {why}",
        "high_but_person": "Juntas, las {photos} fotos puntúan más alto que las de personas ajenas (p = {p}), pero: "
        "{why}",
        "claims": "Puntúa como las fotos de entrenamiento; 1 de cada {one_in} personas ajenas también (p = {p}).",
        "claims_person": "Juntas, las {photos} fotos puntúan como las de entrenamiento; también las de 1 de cada "
        "{one_in} personas ajenas (p = {p}).",
        "valid_for": "Válido para fotos como {source}.",
        "declared": "Que la partición sea aleatoria está declarado, no verificado.",
        "no_control": "No se ejecutó ningún control para este auditor.",
        "no_error_rate": "No se midió ninguna tasa de error para tantas fotos.",
        "posterior": "Si el {prior} de las fotos consultadas se usó para entrenar, al menos el {low} de estas "
        "respuestas es correcto.",
    },
}


def words(language: str) -> Callable[..., str]:
    """What fills a sentence of that language by name; `UserError` for a language that is not there."""
    if language not in SENTENCES:
        raise UserError(f"There is no language {language!r}; there are {', '.join(SENTENCES)}.")
    sentences = SENTENCES[language]
    return lambda name, **values: sentences[name].format(**values)
