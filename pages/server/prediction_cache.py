"""Answers kept for all visitors, bounded by bytes."""

import threading
from collections import OrderedDict

from unet_core.inference.prediction import CompressedPrediction, Prediction


class PredictionCache:
    """Answers for all visitors, bounded by bytes: squeezed up to `most`, the latest as they are up to `at_hand`."""

    def __init__(self, most: int = 512 * 2**20, at_hand: int = 160 * 2**20) -> None:
        self._most, self._at_hand = most, at_hand
        self._packed: OrderedDict[tuple[str, ...], CompressedPrediction] = OrderedDict()
        self._fresh: OrderedDict[tuple[str, ...], Prediction] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> Prediction | None:
        with self._lock:
            packed = self._packed.get(key)
            if packed is None:
                return None
            self._packed.move_to_end(key)
            if key in self._fresh:
                self._fresh.move_to_end(key)
                return self._fresh[key]
        answer = packed.unpacked()
        with self._lock:
            self._take(key, answer)
        return answer

    def put(self, key: tuple[str, ...], answer: Prediction) -> None:
        packed = CompressedPrediction.of(answer)
        with self._lock:
            self._packed[key] = packed
            self._packed.move_to_end(key)
            while len(self._packed) > 1 and self.nbytes > self._most:
                oldest, _ = self._packed.popitem(last=False)
                self._fresh.pop(oldest, None)
            self._take(key, answer)

    @property
    def nbytes(self) -> int:
        """What the squeezed ones take."""
        return sum(packed.nbytes for packed in self._packed.values())

    def _take(self, key: tuple[str, ...], answer: Prediction) -> None:
        self._fresh[key] = answer
        while len(self._fresh) > 1 and sum(kept.nbytes for kept in self._fresh.values()) > self._at_hand:
            self._fresh.popitem(last=False)
