"""The figures: they show the numbers they are given, readably, and always alike."""

import inspect
import io
from functools import cache
from itertools import combinations, pairwise
from unittest import mock

import matplotlib as mpl
import numpy as np
import pytest
from backprop import History, InputError, plots
from backprop.book.detection import Boxes
from backprop.plots import networks, style, surfaces
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch
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


def bowl(x, y):
    """Return a loss that no mirror leaves as it is."""
    return (x - 1) ** 2 + 4 * (y - 0.5) ** 2


X, Y = np.linspace(-3, 3, 31), np.linspace(-2, 2, 21)
BOWL = bowl(X, Y[:, np.newaxis])  # (21, 31)
PATHS = {
    "plain": [[-2.0, 1.5], [1.0, -1.0], [0.2, 0.1]],
    "momentum": [[-2.0, 1.5], [-1.0, 0.0], [5.0, 0.0]],
}
LAYERS = {
    "first": rng.normal(size=(30, 20)) * 1e-6,
    "last": np.append(np.zeros(100), rng.normal(size=300)),
}
DISK = (BOWL < 4).astype(int)
POINTS, CLASSES = np.array([[0.5, 0.2], [2.0, 1.0], [-2.5, 0.0]]), np.array([1, 0, 2])
MEANS = np.array([[91.2, 95.96, 96.9], [10.3, np.nan, 97.0]])
SETTINGS = {
    "columns": [512, 128, 32],
    "rows": [0.1, 1.0],
    "x_label": "batch size",
    "y_label": "learning rate",
    "title": "accuracy (%)",
}
TASKS = {
    "epoch": {"this book": [0.9, 1.1, 1.0], "PyTorch": [2.1, 2.0, 2.4]},
    "convolution": {"PyTorch": [61000, 62000]},
}
FALLS = {"no. 1": ([[2, 1], [4, 3]], [2.0, 0.5]), "no. 2": ([2, 1], [2.0, 1.0])}
ERRORS = {"no. 1": [0.33, 1e-10, 2e-5], "no. 2": [0.0, 1e-7]}


def small_network(*widths):
    """Return numbers for a network that is drawn, as long as numbers get."""
    draw = np.random.default_rng(0)
    names = ["x", "a", "z"][: len(widths)]
    values = {n: -draw.random(k) / 100 for n, k in zip(names, widths, strict=True)}
    shapes = {}
    for layer, (n, m) in enumerate(pairwise(widths)):
        shapes |= {f"{2 * layer}.W": (n, m), f"{2 * layer}.b": (m,)}
    parameters = {name: -draw.random(shape) / 100 for name, shape in shapes.items()}
    gradients = {name: -draw.random(shape) / 100 for name, shape in shapes.items()}
    return values, parameters, gradients, {n: -values[n] for n in names[1:]}


VALUES = {"input": [1.0, 2.0], "output": [0.5]}
WEIGHTS = {"0.W": [[0.25], [-0.125]], "0.b": [0.75]}
GRADIENTS = {"0.W": [[-0.5], [-1.0]], "0.b": [-0.001234]}
# d = (b + k) + b with b = a + a: two arrows from a to b, and a long one from b to d
BOXES = ["a", "b", "k", "c", "d"], [3.0, 6.0, 1.0, 7.0, 13.0]
ARROWS = [(0, 1, 1.0), (0, 1, 1.5), (1, 3, -1.0), (2, 3, 0.25), (3, 4, 8), (1, 4, 9)]
THERE = Boxes(np.zeros(1, int), np.array([[2, 3, 9, 8]]), np.array([7]), np.ones(1))
FOUND = Boxes(np.zeros(1, int), np.array([[2, 4, 9, 8]]), np.array([6]), np.ones(1))

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
    "boxes": lambda: plots.boxes(
        IMAGES[:2].reshape(2, 28, 28), [FOUND, THERE[:0]], [THERE] * 2, ["one", "two"]
    ),
    "published_errors": lambda: plots.published_errors(ROWS),
    "loss_surface": lambda: plots.loss_surface(X, Y, BOWL, "w (1)", "w (2)", PATHS),
    "layer_histograms": lambda: plots.layer_histograms(
        LAYERS, "gradient", log=True, backward=True
    ),
    "decision_boundary": lambda: plots.decision_boundary(
        X, Y, DISK, POINTS, CLASSES, "width (cm)", "height (cm)", list("abc")
    ),
    "network_drawing": lambda: plots.network_drawing(
        VALUES, WEIGHTS, GRADIENTS, {"output": [-3.0]}
    ),
    "computation_graph": lambda: plots.computation_graph(
        *BOXES, ARROWS, [4.0, -2.0, 12.0, 14.0, 1.0]
    ),
    "heat_map": lambda: plots.heat_map(
        MEANS, **SETTINGS, spreads=MEANS / 100, works_from=96
    ),
    "bar_chart": lambda: plots.bar_chart({"guess": 10.0, "rule": 82.5}, "right (%)"),
    "benchmark_bars": lambda: plots.benchmark_bars(TASKS, "seconds"),
    "loss_beside_check": lambda: plots.loss_beside_check([1, 2], FALLS, ERRORS),
}
each = pytest.mark.parametrize("name", FIGURES)


@pytest.fixture(autouse=True)
def book_style():
    """Draw as the book does, and leave matplotlib as it was."""
    with mpl.rc_context():
        plots.use_book_style()
        yield


@cache
def figure(name):
    """Return one of the figures, made once for all tests that only look at it."""
    return laid_out(FIGURES[name]())


def laid_out(figure):
    """Return the figure with everything in its place, found once to save time."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    return figure


def svg(figure):
    """Return the figure as the site has it."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def written(figure):
    """Return all texts that are drawn in a figure."""
    found, draw = [], Text.draw

    def spy(text, renderer):
        found.append(text)
        draw(text, renderer)

    with mock.patch.object(Text, "draw", spy):
        figure.draw_without_rendering()
    return [t for t in dict.fromkeys(found) if t.get_visible() and t.get_text()]


@cache
def letters(name):
    """Return all texts that are drawn in one of the figures."""
    return written(figure(name))


def texts(figure):
    """Return the texts that are drawn in a figure, by what they say."""
    return {t.get_text(): t for t in written(figure)}


def overlaps(texts):
    """Return the pairs of texts that lie on one another."""
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts]
    return [(a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.overlaps(y)]


def contrast(color, other):
    """Return the contrast of two colors as WCAG 2 defines it."""

    def luminance(color):
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in to_rgb(color)
        ]
        return np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05

    ratio = luminance(color) / luminance(other)
    return max(ratio, 1 / ratio)


def test_every_figure_is_tested():
    functions = inspect.getmembers(plots, inspect.isfunction)
    figures = [
        name
        for name, function in functions
        if inspect.signature(function).return_annotation == "Figure"
    ]
    assert sorted(figures) == sorted(FIGURES)


@each
def test_a_figure_is_drawn_for_the_site_alike_each_time(name):
    first = svg(figure(name))
    assert b"<svg" in first
    assert first == svg(laid_out(FIGURES[name]()))


def test_all_figures_are_drawn_for_the_guide():
    with PdfPages(io.BytesIO()) as guide:
        for name in FIGURES:
            guide.savefig(figure(name))
        assert guide.get_pagecount() == len(FIGURES)


@each
def test_what_is_written_in_a_figure_is_9_points_at_least(name):
    sizes = {t.get_text(): t.get_fontsize() for t in letters(name)}
    assert sizes
    assert {text: size for text, size in sizes.items() if size < 9} == {}


@each
def test_no_text_lies_on_another(name):
    assert overlaps(letters(name)) == []


@each
def test_no_text_leaves_the_figure(name):
    _, _, width, height = figure(name).bbox.bounds
    for t in letters(name):
        box = Text.get_window_extent(t)
        assert min(box.x0, box.y0) > -1, t
        assert box.x1 < width + 1, t
        assert box.y1 < height + 1, t


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - {"heat_map"}))
def test_letters_are_dark_enough_to_be_read_on_white(name):
    """Okabe and Ito's green, vermilion and purple are lines' colors, too light here."""
    light = {t for t in letters(name) if contrast(t.get_color(), "white") < 4.5}
    assert light == set()


@each
def test_a_figure_fits_the_column(name):
    assert figure(name).get_figwidth() <= plots.WIDTH


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
        ("boxes", {"one", "two", "6"}),
        ("loss_surface", {"w (1)", "w (2)", "loss", "plain", "momentum"}),
        ("layer_histograms", {"gradient", "share of values", "first", "last"}),
        ("decision_boundary", {"width (cm)", "height (cm)", "a", "b", "c"}),
        ("network_drawing", {"input", "output", "value", "weight, bias b"}),
        ("computation_graph", {"a\n3", "d\n13", "value", "on arrows: slope"}),
        ("heat_map", {"batch size", "learning rate", "512", "128", "32", "0.1"}),
        ("bar_chart", {"guess", "rule", "right (%)"}),
        ("benchmark_bars", {"seconds", "epoch", "convolution", "this book"}),
        ("loss_beside_check", {"step", "relative error", "no. 1", "a right one"}),
    ],
)
def test_a_figure_names_its_axes_and_its_lines(name, labels):
    assert labels <= {t.get_text() for t in letters(name)}


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


@pytest.mark.parametrize(
    ("values", "written"),
    [([28, 9, 2.5], {"20", "10", "3"}), ([1, 0.4], {"1", "0.6"}), ([1, 1e-4], set())],
)
def test_short_logarithmic_axes_have_plain_numbers(values, written):
    chart = plots.line_chart(np.arange(len(values)), {"": values}, "x", "y", log_y=True)
    chart.draw_without_rendering()
    (ax,) = chart.axes
    labels = ax.yaxis.get_ticklabels(which="both")
    texts_of_ticks = {label.get_text() for label in labels}
    assert written <= texts_of_ticks
    assert any("10^" in text for text in texts_of_ticks) == (not written)


def test_heights_move_as_little_as_they_must():
    assert style.moved_apart([0, 0.5, 1], 0.1) == [0, 0.5, 1]
    assert style.moved_apart([0, 0, 1], 0.1) == pytest.approx([-0.05, 0.05, 1])
    assert style.moved_apart([0.5, 0.5, 0.55], 0.1) == pytest.approx(
        [0.4167, 0.5167, 0.6167], abs=1e-4
    )


def test_names_of_lines_that_end_together_do_not_overlap():
    series = {"one": [0, 1.0], "two": [0.5, 1.0], "three": [1.0, 1.0]}
    figure = plots.line_chart([0, 1], series, "x", "y")
    written = texts(figure)
    # Of the words alone, without the stroke that leads to them.
    boxes = [Text.get_window_extent(written[name]) for name in series]
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


def test_boxes_lie_on_the_edges_of_their_pixels():
    """Pixel 0 reaches from -0.5 to 0.5: (top, left) = (2, 3) begins at (2.5, 1.5)."""
    found, missed, *_ = FIGURES["boxes"]().axes
    _, true, own = found.patches
    assert (true.get_xy(), true.get_width(), true.get_height()) == ((2.5, 1.5), 5, 7)
    assert (own.get_xy(), own.get_width(), own.get_height()) == ((3.5, 1.5), 4, 7)
    assert own.get_edgecolor() != true.get_edgecolor()
    assert own.get_linestyle() != true.get_linestyle()
    assert [t.get_text() for t in found.texts] == ["6"]
    assert (len(missed.patches), len(missed.texts)) == (2, 0)


def test_boxes_of_too_few_scenes_are_refused():
    with pytest.raises(InputError, match="there are 2, 1 and 2"):
        plots.boxes(np.zeros((2, 9, 9)), found=[FOUND], truth=[THERE] * 2)


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


def test_runs_are_drawn_as_their_mean_and_their_span():
    runs = np.array([[1.0, 5.0, 6.0], [3.0, 5.0, 9.0]])
    chart = plots.line_chart([1, 2, 3], {"two": runs, "one": runs[0]}, "x", "y")
    two, one = chart.axes[0].lines
    assert two.get_ydata().tolist() == [2.0, 5.0, 7.5]
    assert one.get_ydata().tolist() == [1.0, 5.0, 6.0]
    (band,) = chart.axes[0].collections  # one run has no span
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
    assert {(1, 1), (1, 3), (2, 5), (3, 6), (3, 9)} <= corners


@pytest.mark.parametrize(
    ("x", "log", "ticks"),
    [
        ([1, 2, 3, 4], False, ["1", "2", "3", "4"]),
        ([8, 32, 128, 512], True, ["8", "32", "128", "512"]),
        ([0.001, 0.1, 2], True, ["0.001", "0.1", "2"]),
        (10.0 ** np.arange(-9, 1), True, None),  # too many to stand side by side
    ],
)
def test_ticks_stand_at_the_settings_where_they_fit(x, log, ticks):
    chart = plots.line_chart(x, {"": x}, "x", "y", log_x=log)
    chart.draw_without_rendering()
    low, high = chart.axes[0].get_xlim()
    found = [
        tick.label1.get_text()
        for tick in chart.axes[0].xaxis.get_major_ticks()
        if low <= tick.get_loc() <= high
    ]
    assert found == ticks if ticks else len(found) < len(x)


def test_four_names_can_be_read_and_do_not_overlap():
    chart = plots.line_chart([1, 2], {name: [1, 2] for name in "abcd"}, "x", "y")
    names = [t for t in written(chart) if t.get_text() in "abcd"]
    assert len({t.get_color() for t in names}) == 4
    assert min(contrast(t.get_color(), "white") for t in names) >= 4.5
    assert overlaps(names) == []


def contours(ax):
    """Return for each contour line its level and its points."""
    lines = [c for c in ax.collections if hasattr(c, "levels") and not c.filled]
    return [
        (level, path.vertices)
        for line in lines
        for level, path in zip(line.levels, line.get_paths(), strict=True)
        if len(path.vertices)
    ]


def test_contours_stand_where_the_loss_has_their_level():
    ax = figure("loss_surface").axes[0]
    found = contours(ax)
    assert len(found) > 5
    for level, points in found:
        np.testing.assert_allclose(bowl(*points.T), level, atol=0.05)
    filled = next(c for c in ax.collections if getattr(c, "filled", False))
    bands = zip(pairwise(filled.levels), filled.get_paths(), strict=True)
    for (low, high), shade in bands:
        losses = bowl(*shade.vertices.T)
        assert low - 0.05 < losses.min() <= losses.max() < high + 0.05


def test_a_map_has_one_scale_for_both_axes_and_ends_where_the_losses_do():
    ax = figure("loss_surface").axes[0]
    assert ax.get_aspect() == 1
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-2, 2))


def test_paths_are_the_steps_and_a_ring_marks_their_start():
    plain, start, momentum, _ = figure("loss_surface").axes[0].lines
    assert plain.get_xydata().tolist() == PATHS["plain"]
    assert momentum.get_xydata().tolist() == PATHS["momentum"]
    assert start.get_xydata().tolist() == [[-2.0, 1.5]]
    assert start.get_fillstyle() == "none"
    for look in ("linestyle", "marker", "color"):
        assert getattr(plain, f"get_{look}")() != getattr(momentum, f"get_{look}")()


@pytest.mark.parametrize(
    ("low", "high", "log", "levels"),
    [
        (-4, 9, False, [-4.5, -3, -1.5, 0, 1.5, 3, 4.5, 6, 7.5, 9]),
        (0.3, 40, True, [0.2, 0.5, 1, 2, 5, 10, 20, 50]),
        (0.2, 1, True, [0.2, 0.5, 1]),
        (0, 1, True, [k * 10.0**e for e in (-4, -3, -2, -1) for k in (1, 2, 5)] + [1]),
    ],
)
def test_contours_have_round_levels(low, high, log, levels):
    found = surfaces.contour_levels(np.array([low, high]), log)
    np.testing.assert_allclose(found, levels)


def test_what_lies_below_the_lowest_logarithmic_contour_is_white():
    chart = plots.loss_surface(X, Y, BOWL**3, "x", "y", log=True)
    filled = next(c for c in chart.axes[0].collections if getattr(c, "filled", False))
    assert filled.extend == "min"
    assert len(chart.axes) == 2  # without paths there is nothing to name
    assert not chart.legends


def histograms(figure):
    return [ax.patches[0].get_data() for ax in figure.axes]


def test_a_histogram_holds_each_value_that_is_not_0():
    first, last = histograms(figure("layer_histograms"))
    assert first.values.sum() == pytest.approx(1)
    assert last.values.sum() == pytest.approx(0.75)
    assert "25%\nare 0" in texts(figure("layer_histograms"))
    sizes = np.abs(np.concatenate([array.ravel() for array in LAYERS.values()]))
    np.testing.assert_array_equal(first.edges, last.edges)
    assert first.edges[-1] == sizes.max()
    assert first.edges[0] == sizes[sizes > 0].min()
    expected = np.histogram(np.abs(LAYERS["first"]), first.edges)[0] / 600
    np.testing.assert_array_equal(first.values, expected)


def test_a_linear_histogram_keeps_signs_and_zeros():
    values = np.array([-1.0, -1.0, 0.0, 1.0])
    chart = plots.layer_histograms({"tanh": values, "dead": np.zeros(9)}, "output")
    tanh, dead = histograms(chart)
    assert (tanh.edges[0], tanh.edges[-1]) == (-1, 1)
    assert (tanh.values[0], tanh.values[20], tanh.values[-1]) == (0.5, 0.25, 0.25)
    assert dead.values[20] == 1
    assert not any("are 0" in text for text in texts(chart))


@pytest.mark.parametrize(
    ("zeros", "others", "note"),
    [(4, 0, "100%"), (9999, 1, "> 99%"), (1, 999, "< 1%"), (1, 3, "25%")],
)
def test_zeros_that_a_logarithmic_axis_leaves_out_are_counted(zeros, others, note):
    layer = np.append(np.zeros(zeros), np.ones(others))
    chart = plots.layer_histograms({"this": layer, "other": [0.5]}, "x", log=True)
    notes = [[t.get_text() for t in ax.texts] for ax in chart.axes]
    assert notes == [[f"{note}\nare 0"], []]


@pytest.mark.parametrize("log", [False, True])
def test_values_that_are_all_the_same_are_one_bar(log):
    (bar,) = histograms(plots.layer_histograms({"": [2.0, 2.0]}, "x", log=log))
    assert bar.values.sum() == bar.values.max() == 1


def test_gradients_and_activations_differ_in_more_than_color():
    forward = plots.layer_histograms({"": [1.0, 2.0]}, "x").axes[0].patches[0]
    backward = figure("layer_histograms").axes[0].patches[0]
    assert forward.get_hatch() is None
    assert backward.get_hatch()
    assert forward.get_facecolor()[:3] == to_rgb(plots.BLUE)
    assert backward.get_facecolor()[:3] == to_rgb(plots.VERMILION)


def test_regions_are_tinted_as_the_examples_of_their_class():
    ax = figure("decision_boundary").axes[0]
    colors = np.asarray(ax.collections[0].get_array()).reshape(21, 31, 3)
    for k, color in enumerate([plots.BLUE, plots.VERMILION]):
        tint = 0.75 + 0.25 * np.array(to_rgb(color))
        here = np.equal(DISK, k)
        np.testing.assert_allclose(colors[here], [tint] * here.sum())


def test_examples_stand_where_they_are_with_the_shape_of_their_class():
    ax = figure("decision_boundary").axes[0]
    for k, line in enumerate(ax.lines):
        np.testing.assert_array_equal(line.get_xydata(), POINTS[np.equal(CLASSES, k)])
        assert (line.get_color(), line.get_label()) == (style.COLORS[k], "abc"[k])
    assert len({line.get_marker() for line in ax.lines}) == 3


def test_the_boundary_runs_between_the_answers():
    ((_, points),) = contours(figure("decision_boundary").axes[0])
    between_places = 1.2  # of the grid
    np.testing.assert_allclose(bowl(*points.T), 4, atol=between_places)


def test_a_class_without_examples_is_named_and_one_answer_has_no_boundary():
    ones = np.ones_like(DISK)
    chart = plots.decision_boundary(X, Y, ones, POINTS[:1], CLASSES[:1] * 0, "x", "y")
    assert contours(chart.axes[0]) == []
    assert {"class 0", "class 1"} <= texts(chart).keys()


def test_a_drawn_network_shows_each_number_once():
    found = [t.get_text() for t in letters("network_drawing")]
    numbers = ["1", "2", "0.5", "0.25", "−0.125", "b 0.75", "−0.5", "−1", "−0.0012"]
    words = ["input", "output", "value", "weight, bias b", "−3"]
    key = "gradient of the loss by what stands above"
    assert sorted(found) == sorted([*numbers, *words, key])


@pytest.mark.parametrize(
    "widths", [(2, 2, 2), (4, 4, 4), (1, 4), (4, 1), (2, 3, 4), (3, 4, 1), (4, 2, 3)]
)
@pytest.mark.parametrize("backward", [False, True])
def test_in_a_drawn_network_nothing_overlaps(widths, backward):
    numbers = small_network(*widths)
    chart = plots.network_drawing(*(numbers if backward else numbers[:2]))
    drawn = written(chart)
    assert overlaps(drawn) == []
    boxes = [patch.get_window_extent() for patch in chart.axes[0].patches]
    for t in drawn:
        box = Text.get_window_extent(t)
        around = [b for b in boxes if b.overlaps(box)]
        inside = [b for b in around if b.containsx(box.x0) and b.containsx(box.x1)]
        assert around == inside, t  # a text lies in a box or off it


def test_each_weight_lies_on_its_edge():
    values, parameters, *_ = small_network(4, 3, 2)
    parameters["0.W"] = np.arange(1.0, 13).reshape(4, 3)
    parameters["2.W"] = np.arange(13.0, 19).reshape(3, 2)
    values = {name: np.arange(len(a)) + 100 * len(a) for name, a in values.items()}
    places = {
        text: np.array(t.get_position())
        for text, t in texts(plots.network_drawing(values, parameters)).items()
    }
    half = np.array([networks.BOX[0] / 2, 0])
    for left, right, name in (("x", "a", "0.W"), ("a", "z", "2.W")):
        for (i, j), weight in np.ndenumerate(parameters[name]):
            start = places[f"{values[left][i]}"] + half
            end = places[f"{values[right][j]}"] - half
            at = places[f"{weight:g}"]
            gone = (at - start) / (end - start + [0, 1e-12])
            assert 0 < gone[0] < 1
            np.testing.assert_allclose(at, start + gone[0] * (end - start))


def test_gradients_stand_in_dashed_boxes_below_what_they_belong_to():
    found = texts(figure("network_drawing"))
    for value, slope in (("0.25", "−0.5"), ("−0.125", "−1"), ("b 0.75", "−0.0012")):
        above, below = found[value].get_position(), found[slope].get_position()
        assert above[0] == below[0]
        assert 0.1 < above[1] - below[1] < 0.25
    dashed = {
        text
        for text, t in found.items()
        if t.get_bbox_patch() and t.get_bbox_patch().get_edgecolor()[3]
    }
    assert {"−0.5", "−1", "−0.0012", "−3"} <= dashed
    assert dashed.isdisjoint({"0.25", "−0.125", "b 0.75", "0.5"})
    assert {found[text].get_bbox_patch().get_linestyle() for text in dashed} == {"--"}


def test_a_network_without_biases_and_gradients_is_drawn():
    chart = plots.network_drawing(VALUES, {"0.W": WEIGHTS["0.W"]})
    assert not any("gradient" in text for text in texts(chart))


def test_a_drawn_computation_shows_each_number_once():
    found = [t.get_text() for t in letters("computation_graph")]
    boxes = ["a\n3", "b\n6", "k\n1", "c\n7", "d\n13"]
    slopes, gradients = ["1", "1.5", "−1", "0.25", "8", "9"], ["4", "−2", "12", "14"]
    key = ["value", "on arrows: slope", "gradient of the result by it"]
    assert sorted(found) == sorted([*boxes, *slopes, *gradients, "1", *key])


def test_a_drawn_computation_runs_from_left_to_right():
    found = texts(figure("computation_graph"))
    a, b, k, c, d = (
        np.array(found[f"{name}\n{value:g}"].get_position())
        for name, value in zip(*BOXES, strict=True)
    )
    lefts = [a[0], b[0], c[0], d[0]]
    np.testing.assert_allclose(np.diff(lefts), (d[0] - a[0]) / 3)  # equal columns
    assert a[0] < b[0]
    assert k[0] == b[0]  # beside its first use
    assert k[1] < b[1] == a[1]
    np.testing.assert_allclose(c[1], (b[1] + k[1]) / 2)
    np.testing.assert_allclose(d[1], (b[1] + c[1]) / 2)


def test_arrows_of_a_drawn_computation_lead_from_edge_to_edge():
    chart = FIGURES["computation_graph"]()
    found = texts(chart)
    at = [found[f"{n}\n{v:g}"].get_position() for n, v in zip(*BOXES, strict=True)]
    lines = [p for p in chart.axes[0].patches if isinstance(p, FancyArrowPatch)]
    half = networks.TALL[0] / 2
    for line, (start, end, _) in zip(lines, ARROWS, strict=True):
        (x0, y0), (x1, y1) = line._posA_posB
        np.testing.assert_allclose((x0 - half, y0), at[start])
        np.testing.assert_allclose((x1 + half, y1), at[end])
    bows = [line.get_connectionstyle().rad for line in lines]
    assert bows[0] == -bows[1] != 0
    assert bows[2:] == [0] * 4


def test_a_slope_lies_on_its_arrow_and_a_gradient_below_its_box():
    chart = FIGURES["computation_graph"]()
    found = texts(chart)
    lines = [p for p in chart.axes[0].patches if isinstance(p, FancyArrowPatch)]
    gone = np.linspace(0, 1, 1001)[:, np.newaxis]
    for line, (*_, slope) in list(zip(lines, ARROWS, strict=True))[1:]:
        start, bend, end = line.get_connectionstyle().connect(*line._posA_posB).vertices
        curve = (1 - gone) ** 2 * start + 2 * gone * (1 - gone) * bend + gone**2 * end
        place = found[networks.short(slope)].get_position()
        assert np.hypot(*(curve - place).T).min() < 0.01, slope
    for box, gradient in (("a\n3", "4"), ("k\n1", "12"), ("c\n7", "14")):
        above, below = found[box].get_position(), found[gradient].get_position()
        assert above[0] == below[0]
        assert 0.3 < above[1] - below[1] < 0.4
        assert found[gradient].get_bbox_patch().get_linestyle() == "--"


@pytest.mark.parametrize("backward", [False, True])
def test_in_the_largest_drawn_computation_nothing_overlaps(backward):
    names = [f"w{k} x{k}" for k in range(9)]
    arrows = [(k, 5, -0.0012) for k in range(5)]
    arrows += [(k, k + 1, -0.0012) for k in range(5, 8)]
    numbers = [-0.0012] * 9
    chart = plots.computation_graph(names, numbers, arrows, numbers * backward or None)
    assert overlaps(written(chart)) == []
    assert any("gradient" in text for text in texts(chart)) == backward


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.1, "0.1"),
        (-0.12345, "−0.123"),
        (-0.0012345, "−0.0012"),
        (999.4, "999"),
        (999.6, "1.0e3"),
        (0.00099, "9.9e−4"),
        (-1.5e-12, "−1.5e−12"),
        (np.float32(2.5), "2.5"),
    ],
)
def test_numbers_in_a_drawing_are_short(number, text):
    assert networks.short(number) == text


def test_a_heat_map_shows_each_number_in_its_cell():
    ax = figure("heat_map").axes[0]
    found = {t.get_position(): t.get_text() for t in ax.texts}
    assert found == {
        (0, 0): "91.2\n±0.9",
        (1, 0): "96.0\n±1.0",
        (2, 0): "96.9\n±1.0",
        (0, 1): "10.3\n±0.1",
        (1, 1): "–",
        (2, 1): "97.0\n±1.0",
    }
    bottom, top = ax.get_ylim()
    assert bottom < top  # the first row is the lowest


def test_the_cells_that_work_are_outlined_as_their_numbers_are_written():
    """95.96 is written 96.0, so it belongs to "96 and more"."""
    ax = figure("heat_map").axes[0]
    (line,) = ax.collections
    sides = {tuple(sorted(map(tuple, side.tolist()))) for side in line.get_segments()}
    around = [(0.5, -0.5), (1.5, -0.5), (2.5, -0.5), (2.5, 0.5), (2.5, 1.5)]
    around += [(1.5, 1.5), (1.5, 0.5), (0.5, 0.5), (0.5, -0.5)]
    assert sides == {tuple(sorted(pair)) for pair in pairwise(around)}
    assert ax.get_title(loc="left") == "accuracy (%)\noutlined: 96 and more"


def test_numbers_in_a_heat_map_can_be_read_on_every_shade():
    settings = SETTINGS | {"columns": range(10), "rows": range(5)}
    ax = plots.heat_map(np.arange(50.0).reshape(5, 10), **settings).axes[0]
    (image,) = ax.images
    shades = image.cmap(image.norm(image.get_array()))
    for t in ax.texts:
        column, row = t.get_position()
        assert contrast(t.get_color(), shades[row, column]) >= 4.5
    assert {t.get_color() for t in ax.texts} == {"black", "white"}


def test_one_failed_training_does_not_make_the_others_look_alike():
    means = [[97.0, 96.0, 95.0], [94.0, 93.0, 10.0]]
    (image,) = plots.heat_map(means, **SETTINGS).axes[0].images
    grays = image.cmap(image.norm(np.array([97.0, 96.0, 95.0])))[:, 0]
    assert np.diff(grays).min() > 0.1


def test_bars_end_at_the_median_and_whiskers_span_the_runs():
    ax = figure("benchmark_bars").axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(ends, [1.0, 2.1, 61500])
    whiskers = [c.get_segments()[0][:, 0].tolist() for c in ax.collections]
    np.testing.assert_allclose(whiskers, [[0.9, 1.1], [2.0, 2.4], [61000, 62000]])
    assert [t.get_text() for t in ax.texts] == ["1", "2.1", "61,500"]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] == 0.1 == ax.patches[0].get_x()


def test_a_contestant_looks_alike_at_each_task_and_unlike_the_others():
    ours, theirs, again = figure("benchmark_bars").axes[0].patches
    for look in ("hatch", "facecolor"):
        first, second, third = (
            getattr(bar, f"get_{look}")() for bar in (ours, theirs, again)
        )
        assert first != second == third
    weights = {t.get_text(): t.get_fontweight() for t in letters("benchmark_bars")}
    assert (weights["epoch"], weights["PyTorch"]) == ("bold", "normal")


def test_ratios_grow_from_the_reference_to_both_sides():
    tasks = {"epoch": {"slower": [0.5, 0.4], "faster": 1.4, "same": [1.0]}}
    chart = plots.benchmark_bars(tasks, "ours / theirs", reference=1)
    bars = [(bar.get_x(), bar.get_width()) for bar in chart.axes[0].patches]
    np.testing.assert_allclose(bars, [(1, -0.55), (1, 0.4), (1, 0)])
    assert overlaps(written(chart)) == []


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


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.image_grid(np.zeros((0, 784))),
        lambda: plots.image_grid(np.zeros((0, 784)), titles=[]),
        lambda: plots.weight_images(np.zeros((784, 0))),
        lambda: plots.boxes([], [], []),
        lambda: plots.line_chart([1, 2], {}, "x", "y"),
        lambda: plots.learning_curves([]),
        lambda: plots.layer_histograms({}, "x"),
        lambda: plots.heat_map(np.zeros((0, 2)), [1, 2], [], "x", "y", "accuracy"),
        lambda: plots.benchmark_bars({}, "seconds"),
        lambda: plots.benchmark_bars({"epoch": {}}, "seconds"),
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


def chart(*y, **options):
    return lambda: plots.line_chart([1, 2], {"a": y}, "x", "y", **options)


def surface(losses=BOWL, paths=None, x=X, log=False):
    return lambda: plots.loss_surface(x, Y, losses, "x", "y", paths, log)


def regions(answers=DISK, points=POINTS, classes=CLASSES, names=None):
    return lambda: plots.decision_boundary(
        X, Y, answers, points, classes, "x", "y", names
    )


def network(values=VALUES, parameters=WEIGHTS, gradients=None, slopes=None):
    return lambda: plots.network_drawing(values, parameters, gradients, slopes)


def graph(values=BOXES[1], arrows=ARROWS, gradients=None, names=BOXES[0]):
    return lambda: plots.computation_graph(names, values, arrows, gradients)


def cells(means=MEANS, spreads=None, **settings):
    return lambda: plots.heat_map(means, **(SETTINGS | settings), spreads=spreads)


def bars(*runs, **options):
    return lambda: plots.benchmark_bars({"epoch": {"ours": runs}}, "s", **options)


FIVE = {name: [[0.0, 0.0]] for name in "abcde"}
REFUSED = [
    (chart(1, 2, 3), r"'a' \(runs, n\) must have shape \(any, 2\), .*\(1, 3\)"),
    (chart(1, np.nan), "'a' .* has NaN or infinite values"),
    (chart(1, 0, log_y=True), "has the value 0, but a logarithmic axis"),
    (lambda: plots.line_chart([0, 1], LINES, "x", "y", log_x=True), "x has the value"),
    (lambda: plots.image_grid(IMAGES, ["a"]), "4 images need 4 titles, .* are 1"),
    (lambda: plots.weight_images(W, ["a"]), "5 images need 5 titles, .* are 1"),
    (surface(BOWL.T), r"losses must have shape \(21, 31\), but has shape \(31, 21\)"),
    (surface(np.where(BOWL > 9, np.inf, BOWL)), "losses has NaN or infinite"),
    (surface(BOWL * 0), "the loss is 0 everywhere"),
    (surface(BOWL - 1, log=True), "the least loss is -0.96, .*log=False"),
    (surface(x=X[::-1]), "x must hold two or more places in ascending order"),
    (surface(BOWL[:, :1], x=[1]), "x must hold two or more places"),
    (surface(paths=FIVE), "at most 4 paths .* there are 5"),
    (surface(paths={"a": [1, 2]}), r"path 'a' must have shape \(any, 2\)"),
    (surface(paths={"a": [[9, 9]]}), "path 'a' has no step on the map"),
    (lambda: plots.layer_histograms({"a": []}, "x"), "'a' must have shape"),
    (lambda: plots.layer_histograms({"a": [np.inf]}, "x"), "'a' has NaN or infinite"),
    (lambda: plots.layer_histograms({"a": [0]}, "x", log=True), "all values are 0"),
    (regions(DISK.ravel()), r"predictions must have shape \(21, 31\).*reshape"),
    (regions(DISK / 2), r"predictions must be whole numbers, .*argmax"),
    (regions(DISK - 1), "classes from -1 to 0"),
    (regions(classes=CLASSES * 2), "labels has classes from 0 to 4, .* 0 to 3"),
    (regions(names=["a", "b"]), "labels has classes from 0 to 2, .* 0 to 1"),
    (regions(classes=CLASSES[:2]), r"labels must have shape \(3,\)"),
    (regions(points=POINTS * 2), "2 of 3 points lie outside"),
    (network({"x": [1]}), r"two or three columns .* columns of \[1\]"),
    (network({"x": [1] * 5, "y": [1]}), r"at most four nodes .* columns of \[5, 1\]"),
    (network(VALUES | {"z": [1]}), "between 3 columns stand 2 arrays of weights"),
    (network(parameters={"0.W": [[1, 2]]}), r"'0.W' of parameters .* \(2, 1\)"),
    (network(parameters=WEIGHTS | {"c": 1}), r"parameters has \['c'\], which belongs"),
    (network(gradients={"2.W": 1}), r"gradients has \['2.W'\], which belongs"),
    (network(gradients={"0.b": [1, 2]}), "'0.b' of gradients must have shape"),
    (network(slopes={"hidden": [1]}), r"value_gradients has \['hidden'\]"),
    (network({"x": [1, np.nan], "y": [1]}), "'x' of values has NaN"),
    (graph([1.0]), r"values must have shape \(5\), but has shape \(1,\)"),
    (graph(gradients=[np.nan] * 5), "gradients has NaN"),
    (graph(arrows=[(1, 1, 0.5)]), "leads from 1 to 1, but .* later one of 5 boxes"),
    (graph(arrows=[(0, 5, 0.5)]), "leads from 0 to 5"),
    (graph(arrows=[(-1, 2, 0.5)]), "leads from -1 to 2"),
    (graph([1] * 6, [(k, k + 1, 1) for k in range(5)], None, "abcdef"), "are 6 and 1"),
    (graph([1] * 6, [], None, "abcdef"), "there are 1 and 6. Draw a smaller"),
    (cells(MEANS.T), r"means must have shape \(2, 3\), but has shape \(3, 2\)"),
    (cells(MEANS * np.nan), "means has NaN"),
    (cells(MEANS * np.array([1, 1, np.inf])), "means has NaN or infinite"),
    (cells(spreads=MEANS[:1]), r"spreads must have shape \(2, 3\)"),
    (cells(spreads=-MEANS), "spreads must be at least 0, but one is -97"),
    (cells(spreads=MEANS * np.array([1, 1, np.nan])), "spreads has NaN"),
    (cells(np.ones((2, 11)), columns=range(11)), "at most 10 columns .* are 11"),
    (bars(1, 0), "'ours' at 'epoch' has the value 0, but a logarithmic axis"),
    (bars(), "'ours' at 'epoch' must have shape"),
    (bars(1, reference=0), "reference has the value 0"),
    (
        lambda: plots.benchmark_bars({"": dict.fromkeys("abcde", 1)}, "s"),
        "at most 4 contestants .* are 5",
    ),
]


@pytest.mark.parametrize(("draw", "message"), REFUSED)
def test_what_would_be_drawn_wrongly_is_refused(draw, message):
    with pytest.raises(InputError, match=f"^[a-z_]+: .*{message}"):
        draw()


# Bars from 0 upward ---------------------------------------------------------------


def test_bars_are_as_long_as_their_numbers_from_the_top_in_the_order_given():
    chart = plots.bar_chart({"one": 1.5, "three": 3.0, "none": 0.0}, "apples")
    ax = chart.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [1.5, 3, 0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "one",
        "three",
        "none",
    ]
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "apples"
    assert ax.get_xlim()[0] == 0
    assert [text.get_text() for text in ax.texts] == ["2", "3", "0"]


def test_the_marked_bar_differs_by_more_than_its_color():
    chart = plots.bar_chart({"a": 1, "b": 2}, "x", form="{:.1f} m", marked="b")
    plain, marked = chart.axes[0].patches
    assert plain.get_facecolor() != marked.get_facecolor()
    assert (plain.get_hatch() or "", marked.get_hatch()) == ("", "///")
    assert [text.get_text() for text in chart.axes[0].texts] == ["1.0 m", "2.0 m"]
    assert [text.get_fontweight() for text in chart.axes[0].texts] == ["normal", "bold"]


def test_bars_of_nothing_can_be_drawn():
    assert plots.bar_chart({"a": 0, "b": 0}, "x").axes[0].get_xlim()[1] > 0


@pytest.mark.parametrize(
    ("bars", "options", "message"),
    [
        ({}, {}, "bar_chart"),
        ({"a": -1}, {}, "bars begin at 0; a number is negative"),
        ({"a": np.nan}, {}, "bar_chart"),
        ({"a": 1}, {"marked": "b"}, "no bar is named 'b'; there are \\['a'\\]"),
    ],
)
def test_bars_that_cannot_be_drawn(bars, options, message):
    with pytest.raises(InputError, match=message):
        plots.bar_chart(bars, "x", **options)


def test_beside_each_loss_stand_its_twin_and_its_check():
    (first, check), (second, other) = np.reshape(
        FIGURES["loss_beside_check"]().axes, (2, 2)
    )
    ours, twin = first.lines
    assert list(ours.get_ydata()) == [3, 2]  # the mean of two runs
    assert list(twin.get_ydata()) == [2, 0.5]
    assert ours.get_linestyle() != twin.get_linestyle()
    assert ours.get_zorder() > twin.get_zorder()
    assert [line.get_label() for line in first.lines] == ["this network", "a right one"]
    assert first.get_ylim() == second.get_ylim() == (0, 1.05 * 3)
    agree, differ = check.lines
    assert list(agree.get_xdata()) == [1e-10]
    assert list(differ.get_xdata()) == [0.33, 2e-5]
    assert agree.get_marker() != differ.get_marker()
    agree, differ = other.lines
    assert list(agree.get_xdata()) == [1e-12, 1e-7]  # 0 has no place on the axis
    assert len(differ.get_xdata()) == 0
    (ground,) = other.patches
    assert ground.get_x() + ground.get_width() == pytest.approx(1e-7)
    assert [text.get_text() for text in (first.yaxis.label, second.yaxis.label)] == [
        *FALLS
    ]


def test_losses_of_nothing_can_be_drawn():
    chart = plots.loss_beside_check([1, 2], {"a": ([0, 0], [0, 0])}, {"a": [0]})
    assert chart.axes[0].get_ylim() == (0, 1)


@pytest.mark.parametrize(
    ("losses", "errors", "message"),
    [
        ({}, {}, "no networks to show"),
        ({"a": ([1, 2], [1, 2])}, {"b": [0]}, "losses are of \\['a'\\], but errors"),
        ({"a": ([1, 2], [1])}, {"a": [0]}, "losses of 'a' \\(runs, n\\) must have"),
        ({"a": ([1, np.nan], [1, 2])}, {"a": [0]}, "losses of 'a'.* NaN"),
        ({"a": ([1, 2], [1, 2])}, {"a": [np.inf]}, "errors of 'a' has NaN or infinite"),
        ({"a": ([1, 2], [1, 2])}, {"a": [-0.1]}, "an error of 'a' is negative"),
    ],
)
def test_losses_and_checks_that_cannot_be_drawn(losses, errors, message):
    with pytest.raises(InputError, match=message):
        plots.loss_beside_check([1, 2], losses, errors)
