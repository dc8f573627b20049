"""Words by which hospitals name their columns and levels, in English, German, French and Spanish; no accents here.

All are in the order of preference. How they are compared: see `named`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

SUBJECT = (
    "subject_id", "patient_id", "patientunitstayid", "stay_id", "icustay_id", "hadm_id", "encounter_id", "subject",
    "patient", "id", "pid", "mrn", "record_id", "case", "case_id", "fall", "fallnummer", "fall_nr", "fall_id", "patnr",
    "patienten_nr", "dossier", "sejour", "paciente", "historia", "episodio", "nr", "no", "number", "nummer",
)  # fmt: skip
PATIENT = ("patient_id", "uniquepid", "subject_id", "patient", "patientid", "pid", "mrn", "patienten_id", "patnr")
TIME = (
    "hours", "hour", "days", "day", "minutes", "minute", "time", "charttime", "timestamp", "offset", "stunden",
    "stunde", "tage", "tag", "zeit", "zeitpunkt", "heures", "heure", "jours", "jour", "temps", "horas", "hora", "dias",
    "dia", "tiempo", "date", "datetime", "datum", "fecha",
)  # fmt: skip
DAYS = ("days", "day", "tage", "tag", "jours", "jour", "dias", "dia", "date", "datum")
MINUTES = ("minutes", "minute", "minuten", "minutos", "offset", "min")
HOURS = ("hours", "hour", "stunden", "stunde", "heures", "heure", "horas", "hora", "std", "hrs", "h")
ZERO = (
    "admission", "admitted", "admittime", "intime", "aufnahme", "aufnahmedatum", "admis", "entree", "ingreso",
    "enrolment", "enrollment", "einschluss", "inclusion", "start", "beginn", "debut", "inicio", "baseline", "zero",
)  # fmt: skip
CODE = (
    "variable", "parameter", "test", "labname", "label", "code", "itemid", "item", "measurement", "analyte", "name",
    "analyse", "analysis", "bezeichnung", "messgroesse", "untersuchung", "examen", "analyte", "parametre", "parametro",
    "prueba", "determinacion",
)  # fmt: skip
VALUE = (
    "valuenum", "numeric_value", "value", "result", "reading", "wert", "messwert", "ergebnis", "valeur", "resultat",
    "valor", "resultado",
)  # fmt: skip
UNIT = ("unit", "units", "uom", "valueuom", "einheit", "unite", "unites", "unidad", "unidades", "measurename")

DEATH = (
    "died", "death", "dead", "mortality", "hospdead", "deceased", "expired", "tod", "todes", "verstorben", "gestorben",
    "letal", "exitus", "deces", "decede", "mort", "mortalite", "fallecido", "fallecimiento", "muerte", "muerto",
    "exitus_letalis", "discharge_status", "dischargestatus", "vital_status", "dod", "expire",
)  # fmt: skip
OUTCOME = ("outcome", "endpoint", "target", "ereignis", "label", "event", "status", "y")  # whole names only
FOLLOW_UP = (
    "futime", "followup", "follow_up", "d_time", "time_to_event", "survival_time", "survival_days", "survival",
    "os_days", "os_months", "nachbeobachtung", "ueberlebenszeit", "uberlebenszeit", "suivi", "survie", "seguimiento",
    "supervivencia",
)  # fmt: skip
FOLLOWS = (
    "charge", "charges", "cost", "costs", "totcst", "totmcst", "kosten", "erloes", "erlos", "cout", "couts", "coste",
    "costes", "costo", "factura", "los", "slos", "length_of_stay", "lengthofstay", "verweildauer", "liegedauer",
    "duree_sejour", "duree_de_sejour", "dms", "estancia", "discharge", "disch", "dischtime", "outtime", "entlass",
    "entlassung", "sortie", "alta", "egreso", "drg", "ghm", "autopsy", "obduktion",
)  # fmt: skip

# What tells by itself who somebody is. Names and numbers do so only where nearly everybody has another one.
DIRECT = (
    "surname", "lastname", "last_name", "firstname", "first_name", "nachname", "vorname", "familienname", "prenom",
    "apellido", "apellidos", "nombre", "zip", "zipcode", "postcode", "postal", "plz", "postleitzahl", "phone", "tel",
    "telephone", "telefon", "telefono", "mobile", "handy", "email", "e_mail", "mail", "correo", "ssn",
    "social_security", "insurance_number", "insurance_no", "insurance_id", "nhs_number", "versicherten",
    "versichertennummer", "kvnr", "krankenkassennummer", "securite_sociale", "nir", "seguridad_social", "dni", "nie",
    "address", "street", "adresse", "strasse", "anschrift", "rue", "direccion", "calle", "domicilio", "passport",
)  # fmt: skip
DIRECT_IF_DISTINCT = ("name", "nom", "patient_name", "insurance", "versicherung", "assurance", "seguro")
BIRTH = (
    "dob", "birthdate", "birth_date", "date_of_birth", "birthday", "geburtsdatum", "geburtstag", "geburt", "gebdat",
    "geb_datum", "geb", "naissance", "date_naissance", "nacimiento", "fecha_nacimiento", "fecha_de_nacimiento",
)  # fmt: skip

POSITIVE = frozenset((
    "1", "true", "yes", "y", "died", "dead", "deceased", "death", "expired", "positive", "event", "case", "ja", "j",
    "tot", "verstorben", "gestorben", "positiv", "oui", "o", "mort", "morte", "decede", "decedee", "positif", "si", "s",
    "fallecido", "fallecida", "muerto", "muerta", "exitus", "positivo",
))  # fmt: skip
LIFE = frozenset((
    "alive", "survived", "survivor", "living", "lebt", "lebend", "lebendig", "ueberlebt", "uberlebt", "vivant",
    "vivante", "vivo", "viva", "died", "dead", "deceased", "expired", "tot", "verstorben", "gestorben", "mort",
    "decede", "decedee", "fallecido", "fallecida", "muerto", "muerta", "exitus",
))  # fmt: skip
WITHIN = 6  # a word of so many letters is found within another, too: "discharge" in "unitdischargeoffset"


def plain(name: str) -> str:
    """A name as lower-case words between low lines, without accents.

    >>> plain("Entlassungs-Datum (Größe)"), plain("dischargeStatus"), plain("d.time"), plain("Décès")
    ('entlassungs_datum_grosse', 'discharge_status', 'd_time', 'deces')
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "_".join(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare).casefold()))


def named(columns: Iterable[str], words: Sequence[str]) -> list[str]:
    """The columns whose name is one of ``words``, or holds one, the likeliest first.

    Held is a word that stands by itself ("visit_day"), that is two ("case_id"), or that is long ("unitdischarge").

    >>> named(["visit_day", "Day", "birthday"], ["day"]), named(["hospitaldischargestatus"], ["discharge"])
    (['Day', 'visit_day'], ['hospitaldischargestatus'])
    """
    ranked = []
    for place, column in enumerate(columns):
        whole = plain(column)
        parts = whole.split("_")
        for rank, word in enumerate(words):
            if whole == word or word in parts or (word in whole and ("_" in word or len(word) >= WITHIN)):
                ranked.append((whole != word, rank, place, column))
                break
    return [column for *_, column in sorted(ranked)]


def whole(columns: Iterable[str], words: Sequence[str]) -> list[str]:
    """The columns whose name is just one of ``words``, the likeliest first."""
    return [column for column in named(columns, words) if plain(column) in words]
