"""The public face: what a notebook or a program of one's own uses, under the names of `recondense` itself."""
