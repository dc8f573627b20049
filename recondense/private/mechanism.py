"""The discrete Gaussian mechanism on sums of whole numbers: nothing in it is rounded, so no bit of a float gives away
what noise should hide (Mironov 2012). Sampling is exact: Canonne, Kamath and Steinke 2020, arXiv 2004.00010, algorithms
1 to 3, whose theorem 4 gives it the concentrated privacy of the continuous Gaussian."""

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray

Whole = NDArray[np.int64]
CHUNK = 256  # bytes of key stream at a time


class Stream:
    """Uniform random whole numbers from a key of 32 bytes: the key stream of ChaCha20 (RFC 8439)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
        self._bits, self._count = 0, 0

    def below(self, bound: int) -> int:
        """A number in ``[0, bound)``, each with the same probability."""
        size = (bound - 1).bit_length()
        while True:
            while self._count < size:
                self._bits |= int.from_bytes(self._cipher.update(bytes(CHUNK)), "little") << self._count
                self._count += 8 * CHUNK
            number = self._bits & ((1 << size) - 1)
            self._bits >>= size
            self._count -= size
            if number < bound:
                return number


def answered(sums: Whole, sigma: int, key: bytes) -> Whole:
    """``sums`` with discrete Gaussian noise of parameter ``sigma`` on each.

    The noise depends on ``key`` and ``sigma`` alone, never on the sums: so one key serves one answer and no other
    (`recondense.private.askings`), or two answers would differ by exactly what their sums do.
    """
    stream = Stream(key)
    noise = np.array([discrete_gaussian(sigma, stream) for _ in range(sums.size)], dtype=np.int64)
    return sums + noise.reshape(sums.shape)


def discrete_gaussian(sigma: int, stream: Stream) -> int:
    """A whole number x with probability in proportion to ``exp(-x**2 / (2 * sigma**2))``."""
    variance, scale = sigma * sigma, sigma + 1
    while True:
        candidate = _discrete_laplace(scale, stream)
        excess = abs(candidate) * scale - variance
        if _exponential(excess * excess, 2 * variance * scale * scale, stream):
            return candidate


def _discrete_laplace(scale: int, stream: Stream) -> int:
    """x with probability in proportion to ``exp(-abs(x) / scale)``."""
    while True:
        rest = stream.below(scale)
        if not _exponential(rest, scale, stream):
            continue
        whole = 0
        while _exponential(1, 1, stream):
            whole += 1
        size, negative = rest + scale * whole, stream.below(2)
        if size or not negative:
            return -size if negative else size


def _exponential(numerator: int, denominator: int, stream: Stream) -> bool:
    """True with probability ``exp(-numerator / denominator)``."""
    while numerator > denominator:
        if not _at_most_one(1, 1, stream):
            return False
        numerator -= denominator
    return _at_most_one(numerator, denominator, stream)


def _at_most_one(numerator: int, denominator: int, stream: Stream) -> bool:
    terms = 1
    while stream.below(denominator * terms) < numerator:
        terms += 1
    return terms % 2 == 1
