"""Charts of aggregate results. A kind each: `svg` for pages, which have no scripts, follow light and dark and can be
heard; `picture`, PNG by matplotlib, for MLflow and Prefect, which show no other, and for the documentation."""

from collections.abc import Mapping

DARK, GREEN, GREY = "#33415c", "#0b6e4f", "#999999"  # all real records; the condensed set; what guessing gives
# By training set, wherever it is drawn
COLOURS: Mapping[str, str] = {
    "condensed": GREEN,
    "all_real": DARK,
    "random_records": "#c08552",
    "random_records_soft": "#e0b48c",
    "kmeans": "#8d6cab",
    "kmeans_soft": "#c3aed6",
}
PALETTE = ("#2b6cb0", "#b7410e", GREEN, "#7b4ea3", "#806400", "#b0306a")  # for things of one kind, in turn
