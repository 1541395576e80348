"""Why is it black? Each cause is planted, on a net that was trained, and must be named first; the rest stays quiet."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import torch

from unet_core.config.schema import RunConfig
from unet_core.data import appearance, dataset, discovery, fingerprint
from unet_core.inference import troubleshooting
from unet_core.inference.adjustments import Adjust
from unet_core.inference.predictor import Predictor
from unet_core.models.unet import UNet
from unet_core.training.loop import train
from unet_core.training.state import TrainerState


@dataclass(frozen=True)
class Trained:
    predictor: Predictor
    known: troubleshooting.ModelFacts
    images: list[np.ndarray]  # it was not trained on


@pytest.fixture(scope="module")
def trained(sample_folder) -> Trained:
    config = RunConfig().replace(root=str(sample_folder), base_channels=8, depth=3, image_size=64, epochs=3, threads=1)
    pictures = dataset.load_dataset(discovery.find(sample_folder, "auto"), config.data, config.model)
    ids = [sample.id for sample in pictures.samples]
    half = max(2, len(ids) * 3 // 4)
    training = TrainerState(
        replace(config, model=pictures.model), pictures.subset(tuple(ids[:half])), pictures.subset(tuple(ids[half:]))
    )
    *_, end = train(training)
    assert end.val_dice > 0.7
    seen = training.train_dataset
    known = troubleshooting.ModelFacts(
        0.5,
        fingerprint.measure((seen[index].image, seen[index].mask) for index in range(len(seen))),
        appearance.summarize(seen[index].image for index in range(len(seen))),
        end.val_dice,
        batches=10,
        normalization=config.model.normalization,
    )
    held_back = training.val_dataset
    return Trained(training.predictor, known, [held_back[index].image for index in range(len(held_back))])


def look(
    trained: Trained, image: np.ndarray, threshold: float = 0.5, adjust: Adjust | None = None
) -> troubleshooting.Observation:
    adjust = adjust or Adjust()
    probability = np.round(trained.predictor.probabilities(adjust.apply(image))[0] * 255).astype(np.uint8)
    probability = adjust.restore(probability, *image.shape[:2])
    return troubleshooting.Observation(
        image, (probability > threshold * 255).astype(np.uint8), probability, threshold, adjust
    )


def first(trained: Trained, seen: troubleshooting.Observation) -> troubleshooting.Cause:
    assert odd(seen, trained.known), "the panel would not be shown"
    return troubleshooting.find_causes(seen, trained.known)[0]


def odd(seen: troubleshooting.Observation, known: troubleshooting.ModelFacts) -> bool:
    return troubleshooting.is_suspicious(seen, troubleshooting.find_causes(seen, known))


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).reshape(
        round(image.shape[0] * factor), round(image.shape[1] * factor), image.shape[2]
    )


def test_nothing_is_said_of_pictures_that_are_well(trained):
    for image in trained.images:
        seen = look(trained, image)
        assert troubleshooting.symptom(seen) == ""
        assert not odd(seen, trained.known)


def test_an_inverted_picture_is_told_and_turning_it_back_helps(trained):
    plain = look(trained, trained.images[0])
    cause = first(trained, look(trained, 255 - trained.images[0]))
    assert (cause.name, cause.adjust) == ("inverted", Adjust(invert=True))
    mended = look(trained, 255 - trained.images[0], adjust=cause.adjust)
    np.testing.assert_array_equal(mended.mask, plain.mask)
    assert not odd(mended, trained.known)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture(trained, level):
    cause = first(trained, look(trained, np.full((96, 96, 1), level, np.uint8)))
    assert (cause.name, cause.adjust) == ("flat", None)
    assert f"{level / 255:.1%}" in cause.sentence


def test_sixteen_bits_cut_to_their_upper_eight(trained):
    ten_bits = trained.images[0].astype(np.uint16) * 4
    cause = first(trained, look(trained, (ten_bits >> 8).astype(np.uint8)))
    assert (cause.name, cause.adjust) == ("bit_depth", Adjust(stretch=True))
    assert "4 gray levels" in cause.sentence


def test_sixteen_bits_cut_to_their_lower_eight(trained):
    noise = np.random.default_rng(0).integers(0, 16, trained.images[0].shape)
    twelve_bits = trained.images[0].astype(np.uint16) * 16 + noise
    cause = first(trained, look(trained, twelve_bits.astype(np.uint8)))
    assert cause.name == "bit_depth"
    assert cause.adjust is None, "nothing can bring the upper bits back"
    assert "16-bit TIFF" in cause.sentence


def test_twelve_bits_in_a_file_of_sixteen_are_no_finding_where_normalization_removes_it(trained):
    plain, seen = look(trained, trained.images[0]), look(trained, trained.images[0].astype(np.uint16) * 16)
    assert abs(plain.probability.astype(int) - seen.probability).max() <= 2
    assert not odd(seen, trained.known)
    assert not [cause for cause in troubleshooting.find_causes(seen, trained.known) if cause.name == "bit_depth"]


def test_twelve_bits_in_a_file_of_sixteen_matter_to_a_model_that_scales_by_the_range(trained):
    seen = look(trained, trained.images[0].astype(np.uint16) * 16)
    cause = troubleshooting.find_causes(seen, replace(trained.known, normalization="unit"))[0]
    assert (cause.name, cause.action) == ("bit_depth", "Stretch the contrast")


def test_an_image_too_faint_for_z_scores_is_told(trained):
    faint = trained.images[0].astype(np.uint16)  # 8 bits in 16: the deviation is less than 1/255 of the range
    seen = look(trained, faint)
    assert seen.look.levels > troubleshooting.FEW_LEVELS
    cause = first(trained, seen)
    assert (cause.name, cause.adjust) == ("bit_depth", Adjust(stretch=True))
    mended = look(trained, faint, adjust=cause.adjust)
    assert not odd(mended, trained.known)


def test_brightness_that_normalization_removes_is_no_finding(trained):
    for image in trained.images[:3]:
        brighter = np.clip(image.astype(int) // 2 + 120, 0, 255).astype(np.uint8)
        names = [cause.name for cause in troubleshooting.find_causes(look(trained, brighter), trained.known)]
        assert "intensity" not in names


def test_an_image_without_objects_gets_no_other_threshold(trained):
    rng = np.random.default_rng(0)
    for most in (0.05, 0.12, 0.2):
        probability = np.round(255 * most * rng.beta(1, 8, (96, 96))).astype(np.uint8)
        probability[40:43, 40:44] = round(255 * most)  # the most that the model makes of it
        seen = troubleshooting.Observation(trained.images[0][:96, :96], np.zeros((96, 96), np.uint8), probability, 0.5)
        causes = troubleshooting.find_causes(seen, trained.known)
        assert [cause.name for cause in causes] == ["nothing"]
        assert "The prediction may be right" in causes[0].sentence


def test_a_varied_training_set_has_no_unusual_scales(trained):
    varied = [resized(image, factor) for image in trained.images for factor in (0.5, 1, 2, 4)]
    known = replace(trained.known, usual=appearance.summarize(varied))
    for factor in (0.5, 1, 4):
        seen = look(trained, resized(trained.images[-1], factor))
        assert not [cause for cause in troubleshooting.find_causes(seen, known) if cause.name == "scale"]


@pytest.mark.parametrize("threshold", [0.999, 0.9999])
def test_a_threshold_above_all_probabilities(trained, threshold):
    seen = look(trained, trained.images[0], threshold)
    assert troubleshooting.symptom(seen) == "empty"
    cause = first(trained, seen)
    assert (cause.name, cause.threshold) == ("threshold", 0.5)
    assert f"the highest is {seen.probability.max() / 255:.2f}" in cause.sentence
    assert troubleshooting.symptom(look(trained, trained.images[0], cause.threshold)) == ""


def test_a_threshold_below_all_probabilities(trained):
    seen = look(trained, trained.images[0], 0.001)
    assert troubleshooting.symptom(seen) == "full"
    assert first(trained, seen).threshold == 0.5


def test_a_weak_answer_gets_a_threshold_of_its_own(trained):
    """As the issue has it: no pixel above the threshold, but max 0.31."""
    weak = look(trained, trained.images[0])
    probability = np.round(weak.probability.astype(float) * 0.31 / (weak.probability.max() / 255)).astype(np.uint8)
    seen = replace(weak, probability=probability, mask=np.zeros_like(weak.mask))
    cause = first(trained, seen)
    assert cause.name == "threshold"
    assert "the highest is 0.31" in cause.sentence
    found = probability > cause.threshold * 255
    wanted = weak.mask > 0
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.9, "the proposed threshold parts the groups"


def test_untrained_weights(trained):
    torch.manual_seed(0)
    raw = Predictor(UNet(trained.predictor.model.config).eval(), torch.device("cpu"), "fp32")
    seen = look(replace(trained, predictor=raw), trained.images[0])
    cause = troubleshooting.find_causes(seen, troubleshooting.ModelFacts(batches=0))[0]
    assert (cause.name, cause.adjust, cause.threshold) == ("untrained", None, None)
    assert odd(seen, troubleshooting.ModelFacts(batches=0))


def test_a_model_that_scored_badly_on_its_own_images(trained):
    known = replace(trained.known, val_dice=0.04)
    cause = troubleshooting.find_causes(look(trained, trained.images[0], 0.999), replace(known, threshold=0.999))[0]
    assert cause.name == "untrained"
    assert "0.04" in cause.sentence


def test_an_answer_that_is_the_same_everywhere(trained):
    seen = replace(
        look(trained, trained.images[0]),
        probability=np.random.default_rng(0).integers(110, 120, (64, 64), dtype=np.uint8),
        mask=np.zeros((64, 64), np.uint8),
    )
    assert troubleshooting.find_causes(seen, troubleshooting.ModelFacts())[0].name == "untrained"


@pytest.mark.parametrize("factor", [0.25, 4, 8])
def test_objects_of_another_size(trained, factor):
    seen = replace(look(trained, resized(trained.images[0], factor)), threshold=0.5)
    cause = troubleshooting.find_causes(seen, trained.known)[0]
    assert cause.name == "scale"
    assert cause.adjust.scale == pytest.approx(1 / factor, rel=0.5)
    assert ("larger than in training" if factor > 1 else "smaller than in training") in cause.sentence


def test_a_scale_that_was_taken_is_not_proposed_again(trained):
    large = resized(trained.images[0], 4)
    scale = troubleshooting.find_causes(look(trained, large), trained.known)[0].adjust
    assert not odd(look(trained, large, adjust=scale), trained.known)


def colored(seed: int) -> np.ndarray:
    """A reddish picture, as stained tissue is."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((96, 96, 3)).astype(np.float32), (0, 0), 3)
    return np.clip(noise * np.array([220, 150, 120], np.float32), 0, 255).astype(np.uint8)


def test_red_and_blue_exchanged():
    known = troubleshooting.ModelFacts(usual=appearance.summarize(colored(seed) for seed in range(8)), val_dice=0.9)
    mask = np.zeros((96, 96), np.uint8)
    probability = np.zeros((96, 96), np.uint8)
    cause = troubleshooting.find_causes(
        troubleshooting.Observation(colored(20)[:, :, ::-1], mask, probability, 0.5), known
    )[0]
    assert (cause.name, cause.adjust) == ("channels", Adjust(swap=True))
    assert (
        troubleshooting.find_causes(troubleshooting.Observation(colored(20), mask, probability, 0.5), known)[0].name
        == "nothing"
    )


def test_far_brighter_than_all_of_the_training():
    known = troubleshooting.ModelFacts(
        usual=appearance.summarize(colored(seed) // 4 for seed in range(8)), val_dice=0.9
    )
    seen = troubleshooting.Observation(colored(20), np.zeros((96, 96), np.uint8), np.zeros((96, 96), np.uint8), 0.5)
    assert [cause.name for cause in troubleshooting.find_causes(seen, known)] == ["intensity"]


def test_the_last_resort_says_what_the_model_says():
    seen = troubleshooting.Observation(colored(1), np.zeros((96, 96), np.uint8), np.full((96, 96), 5, np.uint8), 0.5)
    (cause,) = troubleshooting.find_causes(seen, troubleshooting.ModelFacts())
    assert cause.name == "nothing"
    assert "between 0.02 and 0.02" in cause.sentence


def test_one_class_everywhere_is_odd():
    seen = troubleshooting.Observation(colored(1), np.full((96, 96), 3, np.uint8), None, 0.5)
    assert troubleshooting.symptom(seen) == "one class"
    assert troubleshooting.symptom(replace(seen, mask=np.arange(96 * 96, dtype=np.uint16).reshape(96, 96) % 5)) == ""
    assert troubleshooting.find_causes(seen, troubleshooting.ModelFacts())[0].name == "nothing"


def test_a_few_small_objects_on_a_certain_background_are_no_doubt():
    probability = np.full((256, 256), 5, np.uint8)
    probability[10:20, 10:20] = 250  # 0.15% of the image: the 99th percentile is that of the background
    for levels, symptom in ((probability, ""), (np.clip(probability, 90, 140), "unsure")):
        seen = troubleshooting.Observation(colored(1), (levels > 127).astype(np.uint8), levels, 0.5)
        assert troubleshooting.symptom(seen) == symptom


def test_a_red_region_is_not_swapped_channels():
    known = troubleshooting.ModelFacts(usual=appearance.summarize(colored(seed) for seed in range(8)), val_dice=0.9)
    image = colored(20).copy()
    image[:38] = image[:38, :, ::-1]  # a blue band over 40% of an image that is else as usual
    seen = troubleshooting.Observation(image, np.zeros((96, 96), np.uint8), np.zeros((96, 96), np.uint8), 0.5)
    assert [cause.name for cause in troubleshooting.find_causes(seen, known)] == ["nothing"]


@pytest.mark.parametrize(
    ("classes", "dice", "name"), [(1, 0.28, "untrained"), (11, 0.28, "nothing"), (11, 0.08, "untrained")]
)
def test_the_dice_of_many_classes_is_lower_than_that_of_one(classes, dice, name):
    known = troubleshooting.ModelFacts(val_dice=dice, num_classes=classes)
    mask = np.arange(96 * 96, dtype=np.uint16).reshape(96, 96) % 5
    seen = troubleshooting.Observation(colored(1), mask.astype(np.uint8), None, 0.5)
    assert troubleshooting.find_causes(seen, known)[0].name == name
