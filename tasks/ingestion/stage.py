"""The stage: raw files in, a cohort and the account of what was set aside out."""

from dataclasses import asdict
from typing import Any

from tasks.common.records import SPLITS, write_json
from tasks.common.stage import Context, stage
from tasks.common.tiers import Tier
from tasks.ingestion.params import Params
from tasks.ingestion.read import ingest


@stage(Params, Tier.RESTRICTED)
def ingestion(context: Context[Params]) -> dict[str, Any]:
    """Write the cohort, its source and what was set aside.

    Metrics: counts by unit, subjects and prevalence by split, numbers of events and variables.
    """
    cohort, attrition = ingest(context.layout.root, context.params)
    cohort.save(context.out)
    attrition.rows().to_parquet(context.out / "set_aside.parquet", index=False)
    write_json(context.out / "source.json", asdict(context.params.plugin().source(context.params.plugin_options())))
    by_split = cohort.subjects.groupby("split")["outcome"]
    size, prevalence = by_split.size(), by_split.mean()
    return {
        "counts": attrition.summary(),
        "subjects": {name: int(size[name]) for name in SPLITS},
        "prevalence": {name: round(float(prevalence[name]), 6) for name in SPLITS},
        "events": len(cohort.events),
        "variables": len(cohort.variables),
    }
