"""What is predicted: whoever is given a risk has to know of what, by when, from which moment on and for whom."""

from pydantic import Field

from recondense.files.strict_json import Strict


class Target(Strict):
    """``label``: the outcome, as "death in hospital". ``horizon``: by when it may happen, as "within 28 days".
    ``prediction_time``: as "48 hours after admission". ``population``: of whom it is asked. What is "" is not stated.
    """

    label: str = Field(min_length=1)
    horizon: str = ""
    prediction_time: str = ""
    population: str = ""

    def in_words(self) -> str:
        """All of it on one line.

        >>> Target(label="death", horizon="within 28 days", prediction_time="at admission").in_words()
        'death, within 28 days; predicted at admission'
        """
        said = ", ".join(filter(None, (self.label, self.horizon)))
        when = f"; predicted {self.prediction_time}" if self.prediction_time else ""
        return f"{said}{when}{f'; population: {self.population}' if self.population else ''}"
