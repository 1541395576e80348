"""Predictions cached for all visitors, bounded by bytes."""

from pages.server.lru import LRU
from unet_core.inference.prediction import CompressedPrediction, Prediction


class PredictionCache:
    """Compressed predictions up to `most` bytes; the latest of them also as they are, up to `at_hand` bytes."""

    def __init__(self, most: int = 512 * 2**20, at_hand: int = 160 * 2**20) -> None:
        self._compressed: LRU[tuple[str, ...], CompressedPrediction] = LRU(most, lambda item: item.nbytes)
        self._ready: LRU[tuple[str, ...], Prediction] = LRU(at_hand, lambda item: item.nbytes)

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self._compressed

    def get(self, key: tuple[str, ...]) -> Prediction | None:
        """The prediction, or None where it is not cached (any more)."""
        compressed = self._compressed.get(key)
        if compressed is None:
            return None
        prediction = self._ready.get(key)
        if prediction is None:
            prediction = compressed.unpacked()
            self._ready.put(key, prediction)
        return prediction

    def put(self, key: tuple[str, ...], prediction: Prediction) -> None:
        """Keep a prediction; the least recently used ones make room for it."""
        for dropped in self._compressed.put(key, CompressedPrediction.of(prediction)):
            self._ready.pop(dropped)
        self._ready.put(key, prediction)

    @property
    def nbytes(self) -> int:
        """What the compressed predictions take."""
        return self._compressed.total
