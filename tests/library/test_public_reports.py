"""Other people's bug reports, replayed: what went wrong in their libraries, or in ours.

Each test names the kind of fault; what is right stands in it as a value.
"""

import copy
import pickle

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    Convolution2D,
    Dataset,
    Dense,
    Flatten,
    InputError,
    MaxPooling2D,
    MeanSquaredError,
    Network,
    ReLU,
    Reshape,
    SavedFileError,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
    check_gradients,
    load_mnist,
    train,
    train_step,
)
from backprop.layers import Layer
from backprop.pruning import magnitude_masks, without_neurons

COPIES = [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
copied = pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def small(*layers, loss=None, dtype=np.float32, seed=0):
    """Return a network of these layers, or of a few."""
    layers = layers or (Dense(4, 3), Tanh(), Dense(3, 2))
    loss = loss or SoftmaxCrossEntropy()
    return Network(list(layers), loss=loss, seed=seed, dtype=dtype)


@pytest.fixture(scope="module")
def few():
    return load_mnist("embedded").train[:200]


# A property that hands out a throw-away container ---------------------------------


def test_weights_that_are_assigned_arrive():
    network = small()
    network.parameters["0.W"] = np.full((4, 3), 0.5)
    assert (network.layers[0].W == 0.5).all()
    assert network.layers[0].W.dtype == np.float32
    network.parameters.update({"0.b": [1, 2, 3], "2.b": 0})
    assert network.layers[0].b.tolist() == [1, 2, 3]
    network.layers[0].parameters["W"] = 0
    assert not network.layers[0].W.any()
    network.gradients["0.b"] = 7
    assert network.layers[0].db.tolist() == [7, 7, 7]
    parameters = network.parameters
    parameters |= {"2.b": [5, 6]}
    assert network.layers[2].b.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("0.w", np.zeros((4, 3)), r"no array '0\.w'; there are 0\.W, 0\.b, 2\.W, 2\.b"),
        ("0.W", np.zeros((3, 4)), r"'0\.W' has shape \(4, 3\), .* shape \(3, 4\)"),
        ("0.b", ["a", "b", "c"], r"'0\.b' takes numbers"),
        ("0.b", [[1], [2, 3]], r"'0\.b' takes an array"),
    ],
)
def test_a_wrong_name_or_shape_is_told_and_nothing_changes(name, values, told):
    network = small()
    before = network.layers[0].W.copy()
    with pytest.raises(InputError, match=told):
        network.parameters[name] = values
    with pytest.raises(InputError, match=told):
        network.parameters.update({"0.W": 0, name: values})
    np.testing.assert_array_equal(network.layers[0].W, before)


@pytest.mark.parametrize(
    "take_out",
    [
        lambda arrays: arrays.pop("0.W"),
        lambda arrays: arrays.popitem(),
        lambda arrays: arrays.clear(),
        lambda arrays: arrays.__delitem__("0.W"),
        lambda arrays: arrays.setdefault("9.W", np.zeros(3)),
    ],
)
def test_no_array_is_taken_out_or_added(take_out):
    parameters = small().parameters
    with pytest.raises(InputError):
        take_out(parameters)
    assert list(parameters) == ["0.W", "0.b", "2.W", "2.b"]


# How to decide, kept in the loss --------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (MeanSquaredError, np.array([[0.01], [0.99], [0.99], [0.01]])),
        (SigmoidCrossEntropy, np.array([0, 1, 1, 0])),
        (SigmoidCrossEntropy, np.array([[0.0], [1.0], [1.0], [0.0]])),
    ],
)
def test_xor_with_one_output_has_its_answers(loss, targets):
    network = small(Dense(2, 8), Tanh(), Dense(8, 1), loss=loss(), dtype=np.float64)
    data = Dataset(XOR, targets)
    settings = {"epochs": 400, "batch_size": 4, "progress": False}
    train(network, data, optimizer=Adam(0.05), **settings)
    assert network.predict(XOR).tolist() == [0, 1, 1, 0]
    assert network.evaluate(data).accuracy == 1


def test_several_questions_have_an_answer_each():
    loss = SigmoidCrossEntropy()
    outputs = np.array([[2.0, -1.0, 3.0], [-2.0, -1.0, 0.5]])
    assert loss.decide(outputs).tolist() == [[1, 0, 1], [0, 0, 1]]
    layers = [Dense(3, 3, lambda rng, n_in, n_out: np.eye(3))]
    network = Network(layers, loss=loss, seed=0, dtype=np.float64)
    data = Dataset(outputs, np.array([[1, 0, 1], [0, 1, 1]]))
    assert network.evaluate(data).accuracy == 0.5  # the second example's is not whole


def test_numbers_to_come_near_to_are_no_answers():
    network = small(Dense(2, 1), loss=MeanSquaredError(), dtype=np.float64)
    data = Dataset(XOR, np.array([[0.3], [0.7], [1.9], [0.1]]))
    assert np.isnan(network.evaluate(data).accuracy)


def test_sigmoid_and_cross_entropy_in_one_is_stable_and_its_gradient_right():
    loss, rng = SigmoidCrossEntropy(), np.random.default_rng(0)
    far = np.array([[1000.0, -1000.0, 0.0]])
    assert loss.forward(far, np.array([[1, 0, 0.5]])) == pytest.approx(np.log(2))
    assert loss.forward(far, np.array([[0, 1, 0]])) == pytest.approx(2000 + np.log(2))
    assert np.isfinite(loss.backward()).all()
    layers = [Dense(4, 5), Tanh(), Dense(5, 3)]
    network = Network(layers, loss=loss, seed=0, dtype=np.float64)
    X, targets = rng.normal(size=(7, 4)), rng.integers(2, size=(7, 3))
    report = check_gradients(network, X, targets)
    assert report.worst < 1e-7


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (np.array([0, 2]), "a target 2"),
        (np.array([0, 1, 1]), r"shape \(3, 1\)"),
        (np.array([[0, 1], [1, 0]]), r"shape \(2, 2\)"),
        (np.array([np.nan, 0]), "a target nan"),
    ],
)
def test_what_is_no_yes_and_no_no_is_refused(targets, told):
    with pytest.raises(InputError, match=told):
        SigmoidCrossEntropy().forward(np.zeros((2, 1)), targets)


# Roles told from the ending of a name; only arrays called W and dW count ----------


class Kernel(Layer):
    """A layer of a learner's own, with names of their own and a running mean."""

    parameter_names = ("kernel", "bow")
    weight_names = ("kernel",)
    state_names = ("mean",)

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs

    def initialize(self, rng, dtype=np.float32):
        self.kernel = rng.normal(0, 0.3, (self.inputs, self.outputs)).astype(dtype)
        self.bow = np.zeros(self.outputs, dtype)
        self.mean = np.zeros(self.inputs, dtype)

    def forward(self, X, training=False):
        if training:
            self.mean = (0.9 * self.mean + 0.1 * X.mean(axis=0)).astype(X.dtype)
        self.X = X - self.mean
        return self.X @ self.kernel + self.bow

    def backward(self, dZ, input_gradient=True):
        self.dkernel, self.dbow = self.X.T @ dZ, dZ.sum(axis=0)
        return dZ @ self.kernel.T


def with_kernel(seed=0):
    return Network(
        [Kernel(784, 12), ReLU(), Dense(12, 10)], SoftmaxCrossEntropy(), seed
    )


def test_a_learners_own_weights_decay_and_are_pruned():
    network = with_kernel()
    assert magnitude_masks(network, 0.1).keys() == {"0.kernel", "2.W"}
    before = network.layers[0].kernel.copy()
    network.layers[0].bow[:] = 1
    SGD(0.1, weight_decay=0.5).step(network)  # all gradients are still 0
    np.testing.assert_allclose(network.layers[0].kernel, before * 0.95, rtol=1e-6)
    assert (network.layers[0].bow == 1).all()


@copied
def test_state_that_is_no_parameter_is_copied(few, copied):
    network = with_kernel()
    train(network, few, optimizer=SGD(0.1), epochs=2, progress=False)
    assert network.layers[0].mean.any()
    assert copied(network).evaluate(few) == network.evaluate(few)


def test_state_that_is_no_parameter_is_saved(few, tmp_path):
    network = with_kernel()
    train(network, few, optimizer=SGD(0.1), epochs=2, progress=False)
    network.save(tmp_path / "network.npz")
    other = with_kernel(seed=1)
    other.load(tmp_path / "network.npz")
    assert other.evaluate(few) == network.evaluate(few)


def test_state_that_is_no_parameter_comes_back_with_the_best_epoch(few):
    network, seen = with_kernel(), []
    settings = {"validation": few, "patience": 2, "epochs": 30, "progress": False}
    history = train(
        network, few, optimizer=SGD(3.0), **settings, after_step=seen.append
    )
    assert network.evaluate(few).loss == history.validation_loss.min()


def test_state_that_is_no_parameter_goes_on_from_a_checkpoint(few, tmp_path):
    path, settings = tmp_path / "training.npz", {"progress": False}
    for epochs in (2, 4):
        cut = with_kernel()
        train(cut, few, optimizer=Adam(), epochs=epochs, checkpoint=path, **settings)
    whole = with_kernel()
    train(whole, few, optimizer=Adam(), epochs=4, **settings)
    assert cut.evaluate(few) == whole.evaluate(few)


# Identity by `repr` ---------------------------------------------------------------


class Leaky(Layer):
    """A leaky ReLU; its slope is its identity."""

    elementwise = True

    def __init__(self, slope):
        self.slope = slope

    def forward(self, X, training=False):
        self.factor = np.where(X > 0, 1, self.slope).astype(X.dtype)
        return X * self.factor

    def backward(self, dA, input_gradient=True):
        return dA * self.factor


class Silent(Leaky):
    """One that does not say what it was made with."""

    def __init__(self, much):
        super().__init__(much)


def leaky(slope, make=Leaky):
    return small(Dense(4, 3), make(slope), Dense(3, 2))


def test_weights_of_another_slope_are_refused(tmp_path):
    leaky(0.01).save(tmp_path / "leaky.npz")
    leaky(0.01).load(tmp_path / "leaky.npz")
    with pytest.raises(
        SavedFileError, match=r"Leaky\(slope=0\.01\).*Leaky\(slope=0\.9"
    ):
        leaky(0.9).load(tmp_path / "leaky.npz")
    assert repr(Leaky(0.9)) == "Leaky(0.9)"


def test_a_layer_that_does_not_say_how_it_was_made_is_not_saved(tmp_path):
    with pytest.raises(InputError, match=r"Silent does not say .*self\.much = much"):
        leaky(0.01, Silent).save(tmp_path / "silent.npz")
    assert not (tmp_path / "silent.npz").exists()


# A right network called wrong; a relative error without a floor -------------------


def test_empty_paper_puts_relu_on_its_kink_and_that_is_no_fault(few):
    layers = [Reshape(1, 28, 28), Convolution2D(1, 3, 5), ReLU(), MaxPooling2D(2)]
    network = small(*layers, Flatten(), Dense(432, 10), dtype=np.float64)
    report = check_gradients(network, few.inputs[:6].astype(float), few.targets[:6])
    verdicts = {row.name: row.verdict for row in report.rows}
    assert verdicts == {"1.W": "right", "1.b": "kink", "5.W": "right", "5.b": "right"}
    assert report.worst > 1e-3
    assert report.verdict == "kink"


class Hasty(Convolution2D):
    """A convolution whose slopes by its biases are off by a thousandth."""

    def backward(self, dZ, input_gradient=True):
        dX = super().backward(dZ, input_gradient)
        self.db = self.db * 1.001
        return dX


def test_a_fault_beside_a_kink_is_found(few):
    layers = [Reshape(1, 28, 28), Hasty(1, 3, 5), ReLU(), MaxPooling2D(2)]
    network = small(*layers, Flatten(), Dense(432, 10), dtype=np.float64)
    report = check_gradients(
        network, few.inputs[:6].astype(float), few.targets[:6], entries=30
    )
    assert report.verdict == "wrong"
    assert [row.name for row in report.rows if row.verdict == "wrong"] == ["1.b"]
    assert "wrong, most at [" in str(report)


@pytest.mark.parametrize("depth", [8, 10, 14])
def test_slopes_below_the_noise_are_too_small_to_tell(few, depth):
    layers = [Dense(784, 20), Sigmoid()]
    for _ in range(depth):
        layers += [Dense(20, 20), Sigmoid()]
    network = small(*layers, Dense(20, 10), dtype=np.float64)
    X, y = few.inputs[:6].astype(float), few.targets[:6]
    report = check_gradients(network, X, y, entries=20)
    assert report.verdict == "too small to tell"
    assert report.rows[-1].verdict == "right"


# Arguments not checked at the door of `train` -------------------------------------


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        ("data", "digits", r"data must be a Dataset, but is 'digits'\. Write digits\."),
        ("data", (XOR, XOR), r"data must be a Dataset, .*Write .*Dataset\(inputs, tar"),
        ("network", [Dense(784, 10)], r"network must be a Network, .*Network\(\["),
        ("optimizer", SGD, r"but is the class SGD\. Did you forget the parentheses\?"),
        ("optimizer", 0.1, r"optimizer must be a Optimizer, but is 0\.1\. .*SGD\("),
        ("schedule", "cosine", r"schedule must be a function, but is 'cosine'\. Write"),
        ("augment", 2, r"augment must be a function, but is 2\. Write augment=Shift"),
        ("epochs", "3", r"epochs must be a whole number of at least 1, but is '3'"),
        ("epochs", np.array(0.1), r"epochs must be a whole number .* array\(0\.1\)"),
        ("batch_size", "32", r"batch_size must be .* but is '32'"),
        ("after_step", 1, r"after_step must be a function, but is 1"),
        ("validation", XOR, r"validation must be a Dataset, .* shape \(4, 2\)"),
    ],
)
def test_one_sentence_says_what_came_and_what_to_write(few, argument, value, told):
    right = {"network": small(Dense(784, 10)), "data": few, "optimizer": SGD(0.1)}
    arguments = right | {"epochs": 1, "progress": False} | {argument: value}
    network, data = arguments.pop("network"), arguments.pop("data")
    with pytest.raises(InputError, match=f"^train: .*{told}"):
        train(network, data, **arguments)


def test_a_rate_that_is_text_is_shown_to_be_text():
    with pytest.raises(InputError, match=r"must be a number above 0, but is '1e-3'"):
        SGD("1e-3")


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (np.eye(10)[np.arange(200) % 10], r"\(200, 10\)\. One-hot .*argmax\(axis=1\)"),
        (np.array(["3"] * 200), r"<U1\..*targets\.astype\(int\)"),
    ],
)
def test_a_message_speaks_of_the_callers_targets(few, targets, told):
    data = Dataset(few.inputs, targets)
    with pytest.raises(InputError, match=rf"^train, data: .*{told}"):
        train(small(Dense(784, 10)), data, optimizer=SGD(0.1), epochs=1)


# And others -----------------------------------------------------------------------


class Scale(Layer):
    """As wide as what it scales, though it works entry by entry."""

    elementwise = True
    parameter_names = weight_names = ("s",)

    def __init__(self, width):
        self.width = width

    def initialize(self, rng, dtype=np.float32):
        self.s = np.ones(self.width, dtype)

    def forward(self, X, training=False):
        self.X = X
        return X * self.s

    def backward(self, dA, input_gradient=True):
        self.ds = (dA * self.X).sum(axis=0)
        return dA * self.s


def test_no_neurons_leave_before_a_layer_as_wide_as_they_are():
    network = small(Dense(4, 3), Scale(3), ReLU(), Dense(3, 2))
    with pytest.raises(InputError, match="is not followed by another dense layer with"):
        without_neurons(network, 0, [0, 2])


def test_gradients_are_there_before_the_first_backward():
    network = small(Dense(4, 3), Scale(3), Dense(3, 2))
    assert all(not dW.any() for dW in network.gradients.values())
    assert network.gradients.keys() == network.parameters.keys()


def test_a_readers_own_loop_hears_of_overflow():
    network = small(Dense(2, 2), loss=MeanSquaredError())
    X, targets = np.full((1, 2), 1e30, np.float32), np.zeros((1, 2), np.float32)
    with pytest.warns(RuntimeWarning, match="overflow"):
        train_step(network, X, targets, SGD(0.1))


def test_the_slopes_of_a_loss_are_those_of_its_own_type():
    """`softmax` of whole numbers, and a relative error in float32, lost everything."""
    from backprop import relative_error, softmax

    assert softmax(np.array([0, 250], np.uint8)).tolist() == pytest.approx([0, 1])
    tiny = np.array([1e-30], np.float32)
    assert relative_error(tiny, 2 * tiny) == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="must have the same shape"):
        relative_error(np.zeros(3), np.zeros((3, 1)))
    for wrong, told in ((["a"], "must be numbers"), ([], "at least one score")):
        with pytest.raises(InputError, match=told):
            softmax(wrong)
