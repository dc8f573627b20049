"""Parts of the plug-in `coswara`: its participants, its recordings, and the sound in them."""
