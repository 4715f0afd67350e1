"""The figures: they show the numbers they are given, readably, and always alike."""

import inspect
import io

import matplotlib as mpl
import numpy as np
import pytest
from backprop import History, InputError, plots
from matplotlib.figure import Figure
from matplotlib.text import Text

rng = np.random.default_rng(0)
IMAGES = rng.random((4, 784))
LOSS = np.array([0.9, 0.5, 0.3])
HISTORIES = [History(LOSS, LOSS * k, LOSS + k, 1 - LOSS / k, 1.0) for k in (1, 2)]
COUNTS = np.array([[9, 1, 0], [2, 8, 5], [0, 0, 7]])
W = rng.normal(size=(784, 5))
Z = np.linspace(-3, 3, 31)
ROWS = [("linear", 12.0, False), ("ours", 1.75, True), ("LeNet-5", 0.95, False)]
LINES = {"square": [1, 4, 9], "cube": [1, 8, 27]}

FIGURES = {
    "image_grid": lambda: plots.image_grid(IMAGES, titles=list("abcd"), columns=3),
    "digit_and_answer": lambda: plots.digit_and_answer(
        IMAGES[0], {"before": np.full(10, 0.1), "after": np.eye(10)[3]}, label=3
    ),
    "loss_along_weight": lambda: plots.loss_along_weight(Z, (Z - 2) ** 2, slope=-4.0),
    "line_chart": lambda: plots.line_chart([1, 2, 3], LINES, "side (m)", "measure"),
    "activation_curves": lambda: plots.activation_curves(
        Z, {"tanh": (np.tanh(Z), 1 - np.tanh(Z) ** 2), "relu": (Z * (Z > 0), Z > 0)}
    ),
    "batch_loss_curve": lambda: plots.batch_loss_curve(
        2.5 / np.arange(1.0, 201.0), np.log(10), 100
    ),
    "learning_curves": lambda: plots.learning_curves(HISTORIES),
    "confusion_matrix": lambda: plots.confusion_matrix(COUNTS),
    "weight_images": lambda: plots.weight_images(W, titles=list("abcde")),
    "published_errors": lambda: plots.published_errors(ROWS),
}
each = pytest.mark.parametrize("name", FIGURES)


@pytest.fixture(autouse=True)
def style():
    """Draw as the book does, and leave matplotlib as it was."""
    with mpl.rc_context():
        plots.use_book_style()
        yield


def drawn(figure, kind="svg"):
    """Return the figure as a file's content."""
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"CreationDate": None}
    figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()


def texts(figure):
    """Return all that is written in a drawn figure."""
    figure.draw_without_rendering()
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text()]
    return {t.get_text(): t for t in shown}


def test_every_figure_is_tested():
    functions = inspect.getmembers(plots, inspect.isfunction)
    figures = [
        name
        for name, function in functions
        if function.__module__ == plots.__name__
        and inspect.signature(function).return_annotation == "Figure"
    ]
    assert sorted(figures) == sorted(FIGURES)


@each
def test_a_figure_is_drawn_for_site_and_guide_alike_each_time(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    assert drawn(figure, "pdf").startswith(b"%PDF")
    first = drawn(FIGURES[name]())
    assert b"<svg" in first
    assert first == drawn(FIGURES[name]())


@each
def test_what_is_written_in_a_figure_is_9_points_at_least(name):
    sizes = {text: t.get_fontsize() for text, t in texts(FIGURES[name]()).items()}
    assert sizes
    assert {text: size for text, size in sizes.items() if size < 9} == {}


@each
def test_a_figure_fits_the_column(name):
    assert FIGURES[name]().get_figwidth() <= plots.WIDTH


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("loss_along_weight", {"change of one weight", "loss of one digit"}),
        ("line_chart", {"side (m)", "measure", "square", "cube"}),
        ("activation_curves", {"weighted sum z", "output", "slope", "tanh", "relu"}),
        ("batch_loss_curve", {"step (one mini-batch each)", "loss of the batch"}),
        ("learning_curves", {"epoch", "loss", "accuracy", "training", "validation"}),
        ("confusion_matrix", {"the network's answer", "label", "9", "8", "7", "5"}),
        ("digit_and_answer", {"digit", "probability", "before", "after", "label: 3"}),
        ("published_errors", {"test error (%)", "linear", "ours", "1.75"}),
        ("image_grid", set("abcd")),
        ("weight_images", set("abcde")),
    ],
)
def test_a_figure_names_its_axes_and_its_lines(name, labels):
    assert labels <= set(texts(FIGURES[name]()))


def images_in(figure):
    return [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]


def test_an_image_grid_shows_each_image_once_and_upright():
    shown = images_in(FIGURES["image_grid"]())
    assert len(shown) == 4
    for image, pixels in zip(shown, IMAGES, strict=True):
        np.testing.assert_array_equal(image, pixels.reshape(28, 28))


def test_emphasized_titles_differ_in_more_than_color():
    figure = plots.image_grid(IMAGES[:2], ["7 as 1", "3"], emphasize=[True, False])
    strong, plain = texts(figure)["7 as 1"], texts(figure)["3"]
    assert strong.get_fontweight() != plain.get_fontweight()
    assert strong.get_color() != plain.get_color()


def test_bars_are_the_probabilities_and_the_label_is_marked():
    figure = FIGURES["digit_and_answer"]()
    heights = [[bar.get_height() for bar in ax.patches] for ax in figure.axes[1:]]
    assert heights == [[0.1] * 10, np.eye(10)[3].tolist()]
    for ax in figure.axes[1:]:
        assert [k for k, bar in enumerate(ax.patches) if bar.get_hatch()] == [3]


def test_the_tangent_touches_the_loss_with_the_slope_given():
    ax = FIGURES["loss_along_weight"]().axes[0]
    tangent = next(line for line in ax.lines if len(line.get_xdata()) == 2)
    (x0, x1), (y0, y1) = tangent.get_xdata(), tangent.get_ydata()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-4.0)
    assert y0 - 4.0 * (0 - x0) == pytest.approx(4.0)  # the loss at no nudge


def test_lines_are_the_series_and_differ_in_more_than_color():
    lines = FIGURES["line_chart"]().axes[0].lines
    for line, values in zip(lines, LINES.values(), strict=True):
        assert line.get_ydata().tolist() == values
    assert len({line.get_linestyle() for line in lines}) == 2


def test_names_of_lines_that_end_together_do_not_overlap():
    series = {"one": [0, 1.0], "two": [0.5, 1.0], "three": [1.0, 1.0]}
    figure = plots.line_chart([0, 1], series, "x", "y")
    written = texts(figure)
    boxes = [written[name].get_window_extent() for name in series]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_learning_curves_show_mean_and_span_of_all_trainings():
    left, right = FIGURES["learning_curves"]().axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), 1.5 * LOSS)
    np.testing.assert_allclose(left.lines[1].get_ydata(), LOSS + 1.5)
    np.testing.assert_allclose(right.lines[0].get_ydata(), 1 - 0.75 * LOSS)
    assert left.lines[0].get_xdata().tolist() == [1, 2, 3]
    band = left.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(2 * LOSS.max())
    assert band.min() == pytest.approx(LOSS.min())


def test_a_confusion_matrix_shows_label_by_row_and_answer_by_column():
    counts = COUNTS.copy()
    ax = plots.confusion_matrix(counts).axes[0]
    written = {t.get_position(): t.get_text() for t in ax.texts}
    expected = {
        (answer, label): str(COUNTS[label, answer])
        for label, answer in np.argwhere(COUNTS)
    }
    assert written == expected
    np.testing.assert_array_equal(counts, COUNTS)


def test_weight_images_show_the_columns_of_w_with_zero_in_the_middle():
    figure = FIGURES["weight_images"]()
    shown = [a for a in images_in(figure) if a.shape == (28, 28)]
    for unit in range(5):
        expected = (W[:, unit] / np.abs(W[:, unit]).max()).reshape(28, 28)
        np.testing.assert_allclose(shown[unit], expected)
    for ax in figure.axes[:5]:
        assert ax.images[0].get_clim() == (-1, 1)


def test_published_errors_stand_from_the_top_in_the_order_given():
    figure = FIGURES["published_errors"]()
    ax = figure.axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [r[0] for r in ROWS]
    assert ax.yaxis_inverted()
    assert ax.get_yticklabels()[1].get_fontweight() == "bold"


def test_the_colors_are_those_of_okabe_and_ito():
    assert (plots.BLUE, plots.VERMILION, plots.GREEN) == (
        "#0072B2",
        "#D55E00",
        "#009E73",
    )


# Wrong input ----------------------------------------------------------------------


def test_five_lines_are_refused():
    """Only four could be told apart; the fifth was left out without a word."""
    with pytest.raises(InputError, match=r"at most 4 lines .* but there are 5"):
        plots.line_chart([1, 2], {name: [1, 2] for name in "abcde"}, "x", "y")


def test_four_lines_are_drawn():
    figure = plots.line_chart([1, 2], {name: [1, 2] for name in "abcd"}, "x", "y")
    assert len(figure.axes[0].lines) == 4


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.image_grid(np.zeros((0, 784))),
        lambda: plots.image_grid(np.zeros((0, 784)), titles=[]),
        lambda: plots.weight_images(np.zeros((784, 0))),
        lambda: plots.line_chart([1, 2], {}, "x", "y"),
        lambda: plots.learning_curves([]),
    ],
)
def test_a_figure_of_nothing_is_refused(draw):
    with pytest.raises(InputError, match=r"there are no \w+ to show"):
        draw()


def test_learning_curves_without_validation_are_refused_with_the_remedy():
    none = np.array([])
    with pytest.raises(InputError, match=r"not validated; .*validation=digits"):
        plots.learning_curves([HISTORIES[0], History(LOSS, LOSS, none, none, 1.0)])


@pytest.mark.parametrize("name", ["image_grid", "weight_images"])
def test_titles_may_be_an_array(name):
    shown = IMAGES if name == "image_grid" else W[:, :4]
    figure = getattr(plots, name)(shown, titles=np.array(["a", "b", "c", "d"]))
    assert set("abcd") <= set(texts(figure))


def test_weights_that_are_all_zero_are_an_empty_image():
    """A warning would fail this test too."""
    shown = images_in(plots.weight_images(np.zeros((784, 1))))
    assert (shown[0] == 0).all()
