"""Augmentation: images are moved as told, by an independent interpolation too."""

import numpy as np
import pytest
from backprop import InputError, Shift, Warp, augmentation
from backprop.augmentation import WAVES, look_up, smooth_shapes
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

ALL = [Shift(0), Shift(3), Warp(), Warp(2, 0.1, 0.4), Warp(40, 2, 20)]
sides = st.integers(2, 12)
seeds = st.integers(0, 1000)


def pictures(count, side=28, dtype=np.float64, seed=0):
    """Return images with ink up to the border."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1, (count, side**2)).astype(dtype)


def moved(image, down, right):
    """Move one image (side, side) by whole pixels; paper comes in, written out."""
    side, new = len(image), np.zeros_like(image)
    for y in range(side):
        for x in range(side):
            if 0 <= y + down < side and 0 <= x + right < side:
                new[y + down, x + right] = image[y, x]
    return new


def field(augment, images, monkeypatch, seed=0):
    """Return the result of a warp, and how far it read each pixel down and right."""
    asked = []

    def spy(images, down, right):
        asked.extend([down.copy(), right.copy()])
        return look_up(images, down, right)

    with monkeypatch.context() as patch:
        patch.setattr(augmentation, "look_up", spy)
        new = augment(images, np.random.default_rng(seed))
    return new, *asked


# All augmentations ----------------------------------------------------------------


@pytest.fixture(params=ALL, ids=repr)
def augment(request):
    return request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_type_are_kept_and_the_images_are_not_touched(augment, dtype):
    images = pictures(5, dtype=dtype)
    before = images.copy()
    new = augment(images, np.random.default_rng(0))
    assert (new.shape, new.dtype) == (images.shape, dtype)
    assert new.flags.c_contiguous
    assert not np.shares_memory(new, images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_stay_between_paper_and_ink(augment, dtype):
    images = (pictures(200, dtype=dtype) > 0.5).astype(dtype)
    new = augment(images, np.random.default_rng(0))
    assert new.min() >= 0
    assert new.max() <= 1


def test_the_generator_decides_alone(augment):
    images = pictures(5)
    first, again = (augment(images, np.random.default_rng(1)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    other = augment(images, np.random.default_rng(2))
    still = repr(augment) in (repr(Shift(0)), repr(Warp()))
    assert np.array_equal(first, other) == still


def test_numpys_global_generator_is_not_asked(augment):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    augment(pictures(5), np.random.default_rng(1))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_each_image_is_changed_on_its_own(augment):
    """Another neighbor changes nothing, and equal images become different ones."""
    images = pictures(6)
    others = images.copy()
    others[::2] = pictures(3, seed=1)
    new, mixed = (augment(X, np.random.default_rng(1)) for X in (images, others))
    np.testing.assert_array_equal(new[1::2], mixed[1::2])
    if np.array_equal(new, images):
        return
    alike = augment(np.repeat(images[:1], 40, axis=0), np.random.default_rng(1))
    assert len({row.tobytes() for row in alike}) > 20


def test_no_images_are_no_images(augment):
    assert augment(pictures(0), np.random.default_rng(0)).shape == (0, 784)


@pytest.mark.parametrize("shape", [(784,), (2, 783), (2, 28, 28)])
def test_images_that_are_no_rows_of_a_square_are_refused(augment, shape):
    with pytest.raises(InputError, match=rf"rows .* square, .* shape \({shape[0]}, ?"):
        augment(np.zeros(shape), np.random.default_rng(0))


def test_what_an_augmentation_says_makes_the_same_one(augment):
    again = eval(repr(augment), {"Shift": Shift, "Warp": Warp})
    assert vars(again) == vars(augment)


# Shift ----------------------------------------------------------------------------


@given(st.integers(0, 14), sides, seeds)
def test_a_shift_moves_the_whole_image_and_lets_paper_in(pixels, side, seed):
    """Which of all moves it was is found by trying; it must be one of them exactly."""
    images = pictures(4, side, seed=seed)
    new = Shift(pixels)(images, np.random.default_rng(seed))
    reach = range(-pixels, pixels + 1)
    for image, found in zip(images, new, strict=True):
        square = image.reshape(side, side)
        possible = {
            moved(square, down, right).tobytes() for down in reach for right in reach
        }
        assert found.tobytes() in possible


def test_every_distance_is_equally_likely():
    """25 places for one dot, 1,000 of 25,000 each, within five standard deviations."""
    images = np.zeros((25_000, 49))
    images[:, 24] = 1
    new = Shift(2)(images, np.random.default_rng(0)).reshape(-1, 7, 7)
    counts = new.sum(axis=0)
    assert counts.sum() == 25_000
    inside = counts[1:6, 1:6]
    assert inside.sum() == 25_000
    assert np.abs(inside - 1000).max() < 5 * np.sqrt(1000 * 24 / 25)


def test_shift_works_on_pixels_of_any_type():
    pixels = np.arange(9, dtype=np.uint8).reshape(1, 9)
    assert Shift(1)(pixels, np.random.default_rng(0)).dtype == np.uint8


@pytest.mark.parametrize("pixels", [-1, 1.5, "1", None, float("nan")])
def test_a_shift_by_no_number_of_pixels_is_refused(pixels):
    with pytest.raises(InputError, match=rf"^Shift: pixels must .* but is {pixels!r}"):
        Shift(pixels)


# Reading between the pixels -------------------------------------------------------


@given(st.integers(-9, 9), st.integers(-9, 9), sides, seeds)
def test_reading_whole_pixels_away_is_a_shift(down, right, side, seed):
    """Exactly, also where all of the image goes out: what `Shift` gives."""
    images = pictures(2, side, seed=seed)
    away = np.ones((2, side**2))
    new = look_up(images, down * away, right * away)
    for image, found in zip(images.reshape(2, side, side), new, strict=True):
        expected = moved(image, -down, -right)
        np.testing.assert_array_equal(found.reshape(side, side), expected)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize("far", [0.5, 3, 30])
@given(side=sides, seed=seeds)
def test_reading_between_pixels_is_scipys(dtype, tolerance, far, side, seed):
    images = pictures(3, side, dtype, seed)
    down, right = np.random.default_rng(seed).normal(0, far, (2, *images.shape))
    down, right = down.astype(dtype), right.astype(dtype)
    new = look_up(images, down, right)
    places = np.indices((side, side)).reshape(2, -1)
    for row in range(3):
        expected = ndimage.map_coordinates(
            images[row].astype(float).reshape(side, side),
            places + np.array([down[row], right[row]], float),
            order=1,
            mode="grid-constant",  # paper around, and mixed with it at the border
        )
        np.testing.assert_allclose(new[row], expected, rtol=0, atol=tolerance)


# Warp -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_warp_is_the_identity_exactly(dtype):
    images = pictures(20, dtype=dtype)
    new = Warp()(images, np.random.default_rng(0))
    assert new.tobytes() == images.tobytes()


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)]
)
def test_its_turning_and_stretching_is_scipys(monkeypatch, dtype, tolerance):
    """An affine map about the middle; its six numbers are read off the field."""
    images = pictures(20, dtype=dtype)
    new, down, right = field(Warp(2, 0.1), images, monkeypatch)
    middle = np.indices((28, 28)).reshape(2, -1) - 13.5
    known = np.vstack([np.ones(784), middle]).T  # (784, 3)
    for row in range(20):
        moves = np.array([down[row], right[row]], float).T  # (784, 2)
        numbers, rest, _, _ = np.linalg.lstsq(known, moves)
        assert np.all(rest < 784 * tolerance**2)
        matrix = np.eye(2) + numbers[1:].T
        expected = ndimage.affine_transform(
            images[row].astype(float).reshape(28, 28),
            matrix,
            offset=13.5 + numbers[0] - matrix @ [13.5, 13.5],
            order=1,
            mode="grid-constant",
        ).ravel()
        np.testing.assert_allclose(new[row], expected, rtol=0, atol=tolerance)


def weights_of(warp, monkeypatch, count=4000):
    """Return what a warp draws for each shape, (count, 18), down and right."""
    _, *moves = field(warp, pictures(count, side=8), monkeypatch)
    return [np.linalg.lstsq(smooth_shapes(8).T, m.T)[0].T for m in moves]


def test_how_far_it_moves_turns_and_bends_is_as_said(monkeypatch):
    for drawn in weights_of(Warp(shift=2, affine=0.1, elastic=0.4), monkeypatch):
        shift, affine, waves = drawn[:, 0], drawn[:, 1:3], drawn[:, 3:]
        assert np.abs(shift).max() <= 2
        np.testing.assert_allclose(np.histogram(shift, 4)[0], 1000, atol=140)
        np.testing.assert_allclose(affine.std(axis=0), 0.1, rtol=0.05)
        np.testing.assert_allclose(waves.std(axis=0), 0.4, rtol=0.05)
        np.testing.assert_allclose(affine.mean(axis=0), 0, atol=0.1 * 5 / 63)
        np.testing.assert_allclose(waves.mean(axis=0), 0, atol=0.4 * 5 / 63)


def test_all_that_it_draws_is_independent(monkeypatch):
    """Of one another, down and right, and from image to image."""
    drawn = np.hstack(weights_of(Warp(2, 0.1, 0.4), monkeypatch))
    between = np.corrcoef(drawn.T) - np.eye(36)
    assert np.abs(between).max() < 5 / 63
    following = [np.corrcoef(w[:-1], w[1:])[0, 1] for w in drawn.T]
    assert np.abs(following).max() < 5 / 63


@pytest.mark.parametrize(
    ("warp", "used"),
    [
        (Warp(shift=2), [0]),
        (Warp(affine=0.1), [1, 2]),
        (Warp(elastic=0.4), range(3, 18)),
    ],
    ids=repr,
)
def test_each_setting_has_its_own_shapes(monkeypatch, warp, used):
    for drawn in weights_of(warp, monkeypatch, count=50):
        size = np.abs(drawn).max(axis=0)
        assert np.all(size[[*used]] > 0.01)
        assert np.all(np.delete(size, [*used]) < 1e-12)


def test_a_turned_digit_is_still_that_digit(digits):
    """Most of the ink stays; else labels would be wrong."""
    images = digits.train.inputs[:500]
    new = Warp(shift=1, affine=0.1, elastic=0.4)(images, np.random.default_rng(0))
    kept = new.sum(axis=1) / images.sum(axis=1)
    assert 0.95 < kept.mean() < 1.05
    together = [np.corrcoef(a, b)[0, 1] for a, b in zip(new, images, strict=True)]
    assert 0.5 < np.median(together) < 0.95


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, 1j])
@pytest.mark.parametrize("name", ["shift", "affine", "elastic"])
def test_a_warp_out_of_range_is_refused(name, value):
    with pytest.raises(InputError, match=rf"^Warp: {name} must be a number .* 0, but"):
        Warp(**{name: value})


def test_whole_numbers_are_refused_by_a_warp_with_the_remedy():
    """Their weighted means would be cut to whole numbers."""
    pixels = np.zeros((2, 784), np.uint8)
    with pytest.raises(InputError, match=r"are uint8\. .* images / 255"):
        Warp(1)(pixels, np.random.default_rng(0))


# The shapes of the moves ----------------------------------------------------------


@pytest.mark.parametrize("side", [4, 7, 28])
def test_the_shapes_are_what_they_are_said_to_be(side):
    shapes = smooth_shapes(side)
    assert shapes.shape == (2 + WAVES**2, side**2)
    y, x = np.indices((side, side)).reshape(2, -1)
    np.testing.assert_array_equal(shapes[0], 1)
    np.testing.assert_allclose(shapes[1], y - (side - 1) / 2)
    np.testing.assert_allclose(shapes[2], x - (side - 1) / 2)
    number = 3
    for down in range(WAVES):
        for right in range(WAVES):
            if down or right:
                wave = np.cos(np.pi * down * (y + 0.5) / side)
                wave = wave * np.cos(np.pi * right * (x + 0.5) / side)
                np.testing.assert_allclose(shapes[number], wave, atol=1e-12)
                number += 1


@pytest.mark.parametrize("side", [4, 7, 28])
def test_the_waves_are_at_right_angles_and_move_nothing_as_a_whole(side):
    """So are the constant and the two coordinates among each other."""
    shapes = smooth_shapes(side)
    waves, plain = shapes[[0, *range(3, len(shapes))]], shapes[:3]
    for group in (waves, plain):
        lengths = np.linalg.norm(group, axis=1)
        angles = group @ group.T / np.outer(lengths, lengths)
        np.testing.assert_allclose(angles, np.eye(len(group)), atol=1e-12)


def test_the_shapes_are_smooth():
    """From a pixel to the next a wave moves by a third of its height at most."""
    shapes = smooth_shapes(28).reshape(-1, 28, 28)
    for axis in (1, 2):
        jumps = np.abs(np.diff(shapes, axis=axis)).max(axis=(1, 2))
        assert np.all(jumps[3:] <= np.pi * (WAVES - 1) / 28)
        np.testing.assert_allclose(jumps[:3], [0, axis == 1, axis == 2])
