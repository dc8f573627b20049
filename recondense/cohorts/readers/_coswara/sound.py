"""From a recording to what is measured in it: the level of 64 bands of sound in 96 frames of time.

Framing, window and bands are those of VGGish: 16 kHz, periodic Hann windows of 25 ms every 10 ms, 64 triangular bands
equally wide on the (HTK) mel scale between 125 and 7,500 Hz (Hershey et al., CNN architectures for large-scale audio
classification, ICASSP 2017).
"""

import io

import numpy as np
from numpy.typing import NDArray

from recondense.errors import needing_extras

RATE = 16_000  # Hz
WINDOW, HOP, FFT = 400, 160, 512  # samples
N_BANDS, LOWEST, HIGHEST = 64, 125.0, 7500.0  # Hz
N_FRAMES = 96
HOPS_A_SECOND = RATE // HOP
FLOOR = -100.0  # dB; below is the rounding of 16-bit samples
MOST_SECONDS, MOST_RATE = 600, 192_000  # beyond, a header that is damaged rather than a recording of a person


def decode(content: bytes) -> tuple[NDArray[np.float32], str]:
    """The recording in a file of this ``content``, its channels averaged, resampled where needed: float32
    ``(n_samples,)`` at 16 kHz, full scale 1; and the reason why there is none, or ""."""
    with needing_extras():
        import librosa
        import soundfile

    damaged = np.empty(0, np.float32), "damaged recording"
    if _cut_short(content):
        return damaged
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as stream:
            rate = stream.samplerate
            if rate < RATE:
                return np.empty(0, np.float32), "sampled below 16 kHz"
            if rate > MOST_RATE or stream.frames > MOST_SECONDS * rate:
                return damaged
            samples = stream.read(dtype="float32", always_2d=True).mean(axis=1)
    except soundfile.SoundFileError:
        return damaged
    if not np.isfinite(samples).all():
        return damaged
    return librosa.resample(samples, orig_sr=rate, target_sr=RATE, res_type="soxr_hq"), ""


def middle(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """The samples that the windows of the middle ``seconds`` of a recording span; all of them where it is shorter."""
    n_hops = round(seconds * HOPS_A_SECOND)
    start = max(0, (1 + (len(samples) - FFT) // HOP - n_hops) // 2) * HOP
    return samples[start : start + (n_hops - 1) * HOP + FFT]


def loudness(samples: NDArray[np.float32]) -> float:
    """Level that only a twentieth of the time exceeds, in dB below full scale (a square wave is 0 dB).

    Not the greatest level, since a single click is loud in an otherwise silent recording.
    """
    blocks = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    return float(np.quantile(_decibels((blocks**2).mean(axis=1)), 0.95)) if len(blocks) else FLOOR


def bands(samples: NDArray[np.float32], seconds: float, relative: bool) -> NDArray[np.float64]:
    """Levels in dB, ``(n_frames, 64)``: the mean of those in each 96th part of ``seconds``.

    ``samples`` are what `middle` gives for as many ``seconds``; where they are fewer, so are the frames. A full-scale
    sine is 0 dB; where ``relative``, 0 dB is the mean of all that is returned, and so the microphone's gain cancels.
    """
    with needing_extras():
        import librosa

    framing = {"n_fft": FFT, "win_length": WINDOW, "hop_length": HOP, "center": False}
    mel = {"n_mels": N_BANDS, "fmin": LOWEST, "fmax": HIGHEST, "htk": True, "norm": None}
    power = librosa.feature.melspectrogram(y=samples, sr=RATE, **framing, **mel)
    levels = _decibels(power.T.astype(np.float64) / (WINDOW / 4) ** 2)
    n_hops = round(seconds * HOPS_A_SECOND)
    frame = np.arange(len(levels)) * N_FRAMES // n_hops
    frames: NDArray[np.float64] = np.stack([levels[frame == one].mean(axis=0) for one in np.unique(frame)])
    return frames - frames.mean() if relative else frames


def band_edges() -> list[tuple[float, float]]:
    """From where to where each band reaches, in Hz; its middle is the edge of both neighbours."""
    lowest, highest = (2595 * float(np.log10(1 + hertz / 700)) for hertz in (LOWEST, HIGHEST))
    mel = np.linspace(lowest, highest, N_BANDS + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    return [(float(low), float(high)) for low, high in zip(hertz[:-2], hertz[2:], strict=True)]


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))


def _cut_short(content: bytes) -> bool:
    """Whether a RIFF file is shorter than it says; a decoder would take what is there for the whole."""
    says = int.from_bytes(content[4:8], "little")
    streamed = says == 0xFFFFFFFF  # written before the length was known
    return content[:4] == b"RIFF" and not streamed and says + 8 > len(content)
