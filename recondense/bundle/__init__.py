"""May this condensed set leave, and if so, as what?

Input: everything the earlier stages found. Output: the candidate bundle, a folder that anyone may hold: the condensed
records on both scales, how to put new records on that scale, what they are worth, and a manifest. The gate refuses
with reasons, and then nothing is written. Tier: public.
"""
