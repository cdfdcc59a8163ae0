"""Spanish."""

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # verdicts
    "outside": "La imagen no se parece a las que calibraron el auditor: no hay respuesta.",
    "own": "La cabeza del auditor aprendió de fotos de esta persona: no hay respuesta.",
    "few": "Quedan menos fotos de las que el auditor juzga juntas: no hay respuesta.",
    "not_resolvable": "No se puede resolver al {alpha}: su calibración no permite una tasa inferior al {floor}.",
    "not_resolvable_together": "No se puede resolver al {alpha}: su calibración no permite una tasa inferior al "
    "{floor} cuando se piden {asked} respuestas a la vez.",
    "often": "Las personas ajenas obtienen a menudo una puntuación igual de alta (p = {p}).",
    "often_person": "Personas que la red nunca vio obtienen a menudo una puntuación igual de alta con el mismo número "
    "de fotos (p = {p}).",
    "high_but": "Puntúa más alto que las personas ajenas (p = {p}), pero: {why}",
    "high_but_person": "Juntas, las {photos} fotos puntúan más alto que las de personas ajenas (p = {p}), pero: {why}",
    "claims": "Puntúa como las fotos de entrenamiento; 1 de cada {one_in} personas ajenas también (p = {p}).",
    "claims_person": "Juntas, las {photos} fotos puntúan como las de entrenamiento; también las de 1 de cada {one_in} "
    "personas ajenas (p = {p}).",
    "no_better": "Puntúa alto (p = {p}), pero a esta tasa no se ha demostrado que las fotos de entrenamiento pasen más "
    "a menudo que las ajenas ({tpr} frente a {fpr}): no dice nada.",
    "valid_for": "Válido para fotos como {source}.",
    "declared": "Que la partición sea aleatoria está declarado, no verificado.",
    "no_control": "No se ejecutó ningún control para este auditor.",
    "no_error_rate": "No se midió ninguna tasa de error para tantas fotos.",
    "no_hit_rate": "No se midió con qué frecuencia pasan las fotos de entrenamiento para tantas fotos.",
    "no_novelty": "El auditor no puede saber si una foto se parece a las que lo calibraron.",
    "other_pixels": "Llegó a píxeles por otro camino que las fotos del auditor, que su tasa de error no cubre.",
    "posterior": "Si el {prior} de las fotos consultadas se usó para entrenar, al menos el {low} de estas respuestas "
    "es correcto.",
    # claims of rows and tables
    "tells_nothing": "{row} no distingue miembros de personas ajenas: AUC {auc}.",
    "no_control_run": "{row} distingue miembros de personas ajenas con AUC {auc}, pero no se ejecutó ningún control, "
    "así que cualquier cosa puede explicarlo.",
    "finds_none": "{row} no encuentra pertenencia: AUC {auc}; su exceso sobre {control} es {excess}, p ajustada = {p}.",
    "not_above": "{row} distingue miembros de personas ajenas con AUC {auc}, pero no por encima de todos los "
    "controles: su exceso sobre {control} es {excess}, p ajustada = {p}.",
    "missing": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero no se ejecutaron "
    "{missing}, así que no quedan descartados.",
    "barred": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero {why}.",
    "by_partition": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, y miembros y personas "
    "ajenas son particiones aleatorias por persona de un mismo conjunto.",
    "by_declaration": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, y el usuario declara "
    "que miembros y personas ajenas son particiones aleatorias por persona de un mismo conjunto.",
    "by_references": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, y su AUC supera la "
    "media de {references} referencias entrenadas con ninguno de los dos en {difference} (margen {margin}, p ajustada "
    "= {p_references}).",
    "no_route": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero miembros y personas "
    "ajenas no son particiones aleatorias de un mismo conjunto, y se ejecutaron menos de dos referencias entrenadas "
    "con ninguno de los dos: la base de datos sola puede explicarlo.",
    "references_too_near": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero miembros y "
    "personas ajenas no son particiones aleatorias de un mismo conjunto, y no está lo bastante por encima de "
    "{references} referencias entrenadas con ninguno de los dos ({difference}, margen {margin}, p ajustada = "
    "{p_references}): la base de datos sola puede explicarlo.",
    "about_photo": "Las fotos de entrenamiento puntúan más que otras fotos de las mismas personas: se trata de la "
    "foto.",
    "about_person": "También otras fotos de las mismas personas puntúan más que las ajenas: se trata de la persona.",
    "about_both": "Otras fotos de las mismas personas puntúan más que las ajenas, y las de entrenamiento más que esas: "
    "se trata de la persona y de la foto.",
    "about_unsettled": "Si se trata de la foto o de la persona queda abierto: otras fotos de las mismas personas no lo "
    "deciden.",
    "about_unscored": "Si se trata de la foto o de la persona queda abierto: no se puntuaron otras fotos suyas.",
    "best_that_claims": "De las filas que pueden afirmar, es la mejor en validación.",
    "best_that_exceeds": "De las filas que superan sus controles, es la mejor en validación.",
    "best_alike": "De las filas con este resultado, es la mejor en validación.",
    "nothing_barred": "No se puede afirmar nada: {why}.",
    # notes under a list of answers
    "many": "{answers} respuestas, se muestran las {shown} con la p más pequeña: {counts}.",
    "what_p": "p: con qué frecuencia una persona ajena puntúa igual de alto; se responde por debajo del {alpha}.",
    "what_p_adjusted": "p: con qué frecuencia una persona ajena puntúa igual de alto, ajustada por todo lo que se "
    "pregunta a la vez; se responde por debajo del {alpha}.",
    "what_q": "q: de todas las que tienen una q de {fdr} como máximo (aquí {listed}), no más de esa parte es errónea "
    "en promedio. Una respuesta sola, entre muchas, no es un hallazgo.",
    "list_floor": "Una sola de {asked} no puede entrar en la lista: la calibración no permite para ella una q inferior "
    "a {q}; harían falta {least} con una puntuación igual de alta.",
    "left_outside": "{faces} sin parecido con lo que calibró el auditor: sin respuesta.",
    "merged": "{photos} con la misma imagen que otra de la persona, o casi: cuentan una vez.",
    "own_people": "{photos} de personas de cuyas fotos aprendió el auditor: sin respuesta.",
    "unusable": "{photos} sin poder usarse ({which}).",
}

OBJECTS: Final[dict[str, str]] = {
    # verdicts
    "own": "La cabeza del auditor aprendió de fotos de este objeto: no hay respuesta.",
    "often": "Los objetos ajenos obtienen a menudo una puntuación igual de alta (p = {p}).",
    "often_person": "Objetos que la red nunca vio obtienen a menudo una puntuación igual de alta con el mismo número "
    "de fotos (p = {p}).",
    "high_but": "Puntúa más alto que los objetos ajenos (p = {p}), pero: {why}",
    "high_but_person": "Juntas, las {photos} fotos puntúan más alto que las de objetos ajenos (p = {p}), pero: {why}",
    "claims": "Puntúa como las fotos de entrenamiento; 1 de cada {one_in} objetos ajenos también (p = {p}).",
    "claims_person": "Juntas, las {photos} fotos puntúan como las de entrenamiento; también las de 1 de cada {one_in} "
    "objetos ajenos (p = {p}).",
    "other_pixels": "No está declarado que llegara a píxeles como las fotos del auditor (--aligned true), y la tasa de "
    "error solo cubre estas.",
    # claims of rows and tables
    "tells_nothing": "{row} no distingue miembros de objetos ajenos: AUC {auc}.",
    "no_control_run": "{row} distingue miembros de objetos ajenos con AUC {auc}, pero no se ejecutó ningún control, "
    "así que cualquier cosa puede explicarlo.",
    "not_above": "{row} distingue miembros de objetos ajenos con AUC {auc}, pero no por encima de todos los "
    "controles: su exceso sobre {control} es {excess}, p ajustada = {p}.",
    "by_partition": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, y miembros y objetos "
    "ajenos son particiones aleatorias por objeto de un mismo conjunto.",
    "by_declaration": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, y el usuario declara "
    "que miembros y objetos ajenos son particiones aleatorias por objeto de un mismo conjunto.",
    "no_route": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero miembros y objetos "
    "ajenos no son particiones aleatorias de un mismo conjunto, y se ejecutaron menos de dos referencias entrenadas "
    "con ninguno de los dos: la base de datos sola puede explicarlo.",
    "references_too_near": "{row} supera todos los controles ejecutados en {excess}, p ajustada = {p}, pero miembros y "
    "objetos ajenos no son particiones aleatorias de un mismo conjunto, y no está lo bastante por encima de "
    "{references} referencias entrenadas con ninguno de los dos ({difference}, margen {margin}, p ajustada = "
    "{p_references}): la base de datos sola puede explicarlo.",
    "about_photo": "Las fotos de entrenamiento puntúan más que otras fotos de los mismos objetos: se trata de la foto.",
    "about_person": "También otras fotos de los mismos objetos puntúan más que las ajenas: se trata del objeto.",
    "about_both": "Otras fotos de los mismos objetos puntúan más que las ajenas, y las de entrenamiento más que esas: "
    "se trata del objeto y de la foto.",
    "about_unsettled": "Si se trata de la foto o del objeto queda abierto: otras fotos de los mismos objetos no lo "
    "deciden.",
    "about_unscored": "Si se trata de la foto o del objeto queda abierto: no se puntuaron otras fotos suyas.",
    # notes under a list of answers
    "what_p": "p: con qué frecuencia un objeto ajeno puntúa igual de alto; se responde por debajo del {alpha}.",
    "what_p_adjusted": "p: con qué frecuencia un objeto ajeno puntúa igual de alto, ajustada por todo lo que se "
    "pregunta a la vez; se responde por debajo del {alpha}.",
    "merged": "{photos} con la misma imagen que otra del objeto, o casi: cuentan una vez.",
    "own_people": "{photos} de objetos de cuyas fotos aprendió el auditor: sin respuesta.",
}
"""Those that read otherwise where the photos show objects."""

TERMS: Final[dict[str, str]] = {
    "scores like training photos": "puntúa como las fotos de entrenamiento",
    "not distinguishable": "no distinguible",
    "cannot tell: membership or database": "no se puede saber: pertenencia o base de datos",
    "outside the audit": "fuera de la auditoría",
    "pixels": "los píxeles",
    "untrained twins": "las gemelas sin entrenar",
    "pixels and untrained twins": "los píxeles y las gemelas sin entrenar",
    "Photo": "Foto",
    "Person": "Persona",
    "Object": "Objeto",
    "Photos": "Fotos",
    "Auditor": "Auditor",
    "Answer": "Respuesta",
    "photo": "foto",
    "photos": "fotos",
    "face": "cara",
    "faces": "caras",
    "all photos": "todas las fotos",
    "no face was found in it": "no se encontró ninguna cara",
    "it cannot be decoded": "no se puede decodificar",
    "Valid only for photos brought to pixels by the same pipeline (size, alignment, border, encoder).": "Válido solo "
    "para fotos llevadas a píxeles por el mismo camino (tamaño, alineación, borde, codificador).",
    "Written by fit alone: no controls were run, so it claims no membership.": "Escrito solo por fit: no se ejecutaron "
    "controles, así que no afirma pertenencia.",
    "A score has an error rate; it is never proof about one photo.": "Una puntuación tiene una tasa de error; nunca es "
    "prueba sobre una foto.",
    "Members and externals are not random partitions of one set: the database may be what is told apart.": "Miembros y "
    "personas ajenas no son particiones aleatorias de un mismo conjunto: lo que se distingue puede ser la base de "
    "datos.",
    "It has no check of whether a photo is like those it was calibrated on, so it claims no membership.": "No tiene "
    "comprobación de si una foto se parece a las que lo calibraron, así que no afirma pertenencia.",
    "No face detector stood behind its check of photos: pictures that are no faces may be judged.": "Ningún detector "
    "de caras respaldó su comprobación de fotos: puede juzgar imágenes que no son caras.",
    "the photos of its shard sets came to pixels by different pipelines, which a head can tell apart": "las fotos de "
    "sus conjuntos llegaron a píxeles por caminos distintos, que una cabeza puede distinguir",
    "the splits are by photo, so people whom a head learnt are in test and it may only know them again": "las "
    "particiones son por foto, así que personas que una cabeza aprendió están en la prueba y puede que solo las "
    "reconozca",
}

OBJECT_TERMS: Final[dict[str, str]] = {
    "Members and externals are not random partitions of one set: the database may be what is told apart.": "Miembros y "
    "objetos ajenos no son particiones aleatorias de un mismo conjunto: lo que se distingue puede ser la base de "
    "datos.",
    "the splits are by photo, so objects that a head learnt are in test and it may only know them again": "las "
    "particiones son por foto, así que objetos que una cabeza aprendió están en la prueba y puede que solo los "
    "reconozca",
}
"""Texts that read otherwise, or stand alone, where the photos show objects."""

for _terms, _why in (
    (TERMS, "the photos of its shard sets came to pixels by different pipelines, which a head can tell apart"),
    (TERMS, "the splits are by photo, so people whom a head learnt are in test and it may only know them again"),
    (
        OBJECT_TERMS,
        "the splits are by photo, so objects that a head learnt are in test and it may only know them again",
    ),
):
    _terms[f"Nothing may be claimed: {_why}."] = SENTENCES["nothing_barred"].format(why=_terms[_why])
