"""What would the condensed set be, had chance chosen other subjects for it?

Input: the normalised cohort. Output: ``shadows.safetensors`` (`ShadowSets`) and ``metrics.json``. Tier: restricted.

A *shadow* is this cohort's own condensation (same method, options, records and steps) of a random subset of all
labelled subjects, as many of each class as the train split has. The train split is such a subset too, so the condensed
set to be released and its shadows are exchangeable: whatever tells a shadow's members from others, over many shadows
whose members are known, tells the train split's (Shokri et al. 2017; Carlini et al. 2022). A few canaries,
made-up outlying patients, are planted in each shadow besides: see `recondense.privacy.shadows.canaries`.

Three things are not repeated. The normalisation: its statistics are those of the train split. The grouping of stays by
patient, where a subject is a stay. And a split that was not drawn at random.

One shadow is one unit of work: an entry of the store in ``.recondense/shadows/<cohort>/``, restricted, and gone once
the stage has gathered them. Whoever computes it, this stage or the flow before it, on
whatever machine, a killed run goes on with the shadows that are not there yet.
"""
