"""Files and arrays that mean no good, or are a slip: one clear error, at no cost."""

import copy
import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from backprop import (
    BackpropError,
    Convolution2D,
    Dataset,
    Dense,
    Dropout,
    Flatten,
    InputError,
    MaxPooling2D,
    MeanSquaredError,
    Network,
    ReLU,
    Reshape,
    SavedFileError,
    Sigmoid,
    SmoothedCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Files ----------------------------------------------------------------------------


def made(seed=0, dtype=np.float64):
    """Return a network whose largest weights are longer than what zip reads at once."""
    layers = [
        Reshape(1, 6, 6),
        Convolution2D(1, 8, size=3),
        ReLU(),
        Dropout(0.5),
        Flatten(),
        Dense(128, 20),
        Tanh(),
        Dense(20, 3),
    ]
    return Network(layers, SoftmaxCrossEntropy(), seed=seed, dtype=dtype)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a network, the bytes of the file it was saved to, and a file to spoil."""
    network, path = made(1), tmp_path_factory.mktemp("saved") / "weights.npz"
    W = network.parameters["5.W"]
    W[:] = np.round(64 * W) / 64  # finite numbers as float32, too, but other ones
    network.save(path)
    return network, path.read_bytes(), path


def load(path, network):
    """Load a file; return the error or None, after a look at what it cost."""
    before = {name: W.copy() for name, W in network.parameters.items()}
    error = None
    tracemalloc.start()
    try:
        network.load(path)
    except SavedFileError as why:
        error = str(why)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # Some copies of what there is, and some room for zipfile itself.
    assert peak < 10 * path.stat().st_size + 1_000_000
    if error is not None:
        assert str(path) in error
        for name, W in network.parameters.items():
            np.testing.assert_array_equal(W, before[name])
    return error


def right_or_refused(saved, content):
    """Load these bytes: the weights are those that were saved, or as before."""
    network, _, path = saved
    path.write_bytes(content)
    other = made(2)
    refused = load(path, other) is not None
    if not refused:
        for name, W in network.parameters.items():
            np.testing.assert_array_equal(other.parameters[name], W)
    return refused


many = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(saved, kept):
    assert right_or_refused(saved, saved[1][: int(kept * len(saved[1]))])


@many
@given(
    places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5),
    bits=st.integers(1, 255),
)
def test_whichever_bits_are_flipped_no_wrong_weight_is_taken(saved, places, bits):
    content = bytearray(saved[1])
    for place in places:
        content[int(place * len(content))] ^= bits
    right_or_refused(saved, bytes(content))


@many
@given(
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 300),
    put_in=st.binary(max_size=300),
)
def test_whatever_is_cut_out_or_put_in_no_wrong_weight_is_taken(
    saved, place, removed, put_in
):
    content = saved[1]
    at = int(place * len(content))
    right_or_refused(saved, content[:at] + put_in + content[at + removed :])


@many
@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY"]))
def test_any_other_bytes_are_refused(saved, content, beginning):
    assert right_or_refused(saved, beginning + content)


ENTRIES = 128 * 20  # of 5.W, the largest parameter
HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (128, 20), }"


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (128, 20), }",
        b"{'descr': '<f2', 'fortran_order': False, 'shape': (128, 20), }",
        b"{'descr': '>f8', 'fortran_order': False, 'shape': (128, 20), }",
        b"{'descr': '<f8', 'fortran_order': True , 'shape': (128, 20), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (128, 20), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (12, 20),  }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (20, 128), }",
        b"{'descr': '|O8', 'fortran_order': False, 'shape': (128, 20), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-28, 20), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': [128, 20], }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': __import__ }",
    ],
)
def test_a_header_that_was_changed_by_hand_is_refused(saved, header):
    """The checksum in the archive tells, even where only half of it would be read."""
    assert len(header) == len(HEADER)
    assert saved[1].count(HEADER) == 1
    assert right_or_refused(saved, saved[1].replace(HEADER, header))


def with_member(content, name, data):
    """Return the bytes of an archive with another content of one member."""
    parts = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for each in archive.namelist():
            parts[each] = archive.read(each)
    parts[name] = data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each, part in parts.items():
            archive.writestr(each, part)
    return file.getvalue()


def as_npy(array, descr="<f8", shape=None):
    """Return an array as a .npy file, whose header may lie about it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": descr,
            "fortran_order": False,
            "shape": array.shape if shape is None else shape,
        },
    )
    return file.getvalue() + array.tobytes()


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("<f8", (10**6,)),
        ("<f8", (10**5, 10**4)),
        ("<f8", (10**12,)),
        ("<f8", (2**62, 2)),
        ("<U100000000", ()),
        ("|V1000000000", (3,)),
        ("<c16", (10**8,)),
        ("<f8", (10**9, 0)),  # nothing, but many times
        ("|V0", (2,) * 62),
        ("<U0", (10**9,)),
    ],
)
@pytest.mark.parametrize("name", ["1.b.npy", "format.npy", "extra.npy"])
def test_a_size_that_a_header_only_claims_is_never_set_aside(saved, descr, shape, name):
    """A few hundred bytes must not take gigabytes, not for a moment."""
    content = with_member(saved[1], name, as_npy(np.zeros(8), descr, shape))
    assert right_or_refused(saved, content)


def test_a_size_that_the_archive_only_claims_is_never_set_aside(saved):
    """In the directory at the end, where zip looks for the sizes."""
    content = bytearray(saved[1])
    entry = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 24, 2**31)  # the size when unpacked
    assert right_or_refused(saved, bytes(content))


@pytest.mark.parametrize("name", ["1.b.npy", "format.npy", "extra.npy", "extra"])
def test_a_member_that_is_no_array_is_refused(saved, name):
    path = saved[2]
    path.write_bytes(with_member(saved[1], name, b"no magic"))
    assert "the magic string is not correct" in load(path, made(2))


def test_a_pipe_is_no_saved_network(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SavedFileError, match="pipe is a pipe or a device; name an ord"):
        made().load(tmp_path / "pipe")


def test_what_would_unpack_to_more_is_not_unpacked(saved):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.b.npy", as_npy(np.zeros(2_000_000)))
    assert right_or_refused(saved, packed.getvalue())


WRONG = {
    "one for all": np.zeros(1),
    "a single number": np.zeros(()),
    "one too many": np.zeros(9),
    "a row": np.zeros((1, 8)),
    "none": np.zeros(0),
    "whole numbers": np.zeros(8, int),
    "truth values": np.zeros(8, bool),
    "complex": np.zeros(8, complex),
    "text": np.array(["0.5"] * 8),
    "dates": np.zeros(8, "datetime64[s]"),
    "records": np.zeros(8, [("W", float)]),
    "NaN": np.full(8, np.nan),
    "infinity": np.full(8, -np.inf),
    "NaN of another kind": np.full(8, 0x7FF4_0000_0000_0001, np.uint64).view(float),
    "NaN of another kind in float32": np.full(8, 0x7F90_0001, np.uint32).view("f4"),
}


@pytest.mark.parametrize("array", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_parameter_of_another_kind_is_refused(saved, array, dtype):
    """In the middle of the file: those before it have not been written already."""
    file, path = io.BytesIO(), saved[2]
    np.save(file, array)
    path.write_bytes(with_member(saved[1], "1.b.npy", file.getvalue()))
    assert "parameter 1.b " in load(path, made(2, dtype))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", np.longdouble])
def test_weights_of_another_floating_point_type_are_taken_for_what_they_are(
    saved, dtype
):
    file, b = io.BytesIO(), np.arange(8, dtype=dtype)
    np.save(file, b)
    path, network = saved[2], made(2)
    path.write_bytes(with_member(saved[1], "1.b.npy", file.getvalue()))
    assert load(path, network) is None
    assert network.parameters["1.b"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


class Trap:
    """Something that would run when it is unpickled."""

    ran = False

    def __reduce__(self):
        return (setattr, (Trap, "ran", True))


@pytest.mark.parametrize("name", ["1.b.npy", "format.npy", "layers.npy"])
def test_pickled_objects_are_refused_and_never_run(saved, name):
    file = io.BytesIO()
    np.save(file, np.array([Trap()] * 8), allow_pickle=True)
    path = saved[2]
    path.write_bytes(with_member(saved[1], name, file.getvalue()))
    assert "Object arrays cannot be loaded" in load(path, made(2))
    assert Trap.ran is False


@pytest.mark.parametrize("name", ["format.npy", "layers.npy"])
@pytest.mark.parametrize(
    "array", [np.zeros(3), np.array(["a", "b"]), np.array(b"bytes"), np.array(1j)]
)
def test_a_name_of_the_format_or_the_layers_that_is_none_is_refused(saved, name, array):
    file = io.BytesIO()
    np.save(file, array)
    assert right_or_refused(saved, with_member(saved[1], name, file.getvalue()))


# Arrays into layers ---------------------------------------------------------------

LAYERS = {
    "dense": lambda: Dense(4, 2),
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "dropout": lambda: Dropout(0.5),
    "convolution": lambda: Convolution2D(1, 2, size=2, padding=1),
    "pooling": lambda: MaxPooling2D(2),
    "reshape": lambda: Reshape(1, 2, 2),
    "flatten": Flatten,
}
layers = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
TYPES = ["f2", "f4", "f8", ">f4", "g", "i1", "u1", "i8", "u8", "?", "c8", "c16"]
TYPES += ["O", "S3", "U3", "M8[s]", "m8[s]", "V4"]
shapes = st.lists(st.integers(0, 4), max_size=5).map(tuple)
VALUES = [0.0, 1.0, -1e4, 1e30, np.nan, np.inf, -np.inf]


def array_of(shape, dtype, value=0.0):
    """Return an array of any type; of the value where the type has it."""
    if np.dtype(dtype).kind in "fc":
        with np.errstate(over="ignore"):
            return np.full(shape, value).astype(dtype)
    return np.zeros(shape, dtype)


THINGS = {
    "nothing": None,
    "a number": 3.0,
    "a NumPy number": np.float32(3),
    "text": "pixels",
    "bytes": b"pixels",
    "a list": [[1.0, 2.0, 3.0, 4.0]],
    "an empty list": [],
    "rows of several lengths": [[1.0], [1.0, 2.0]],
    "a dictionary": {"X": 1},
    "a set": {1.0, 2.0},
    "a function": len,
    "a split": Dataset(np.zeros((2, 4)), np.zeros(2, int)),
    "a list of images": [[[[1.0, 2.0], [3.0, 4.0]]]],
}
things = pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)


@layers
@things
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_says_what_it_takes(make, thing, training):
    layer = make()
    with pytest.raises(InputError) as caught:
        layer.forward(thing, training)
    assert str(caught.value).startswith(f"{layer}: X must be a NumPy array")


@layers
@settings(max_examples=60)
@given(
    shape=shapes,
    dtype=st.sampled_from(TYPES),
    value=st.sampled_from(VALUES),
    training=st.booleans(),
)
def test_a_layer_takes_an_array_or_says_why_not(make, shape, dtype, value, training):
    """Whatever it takes, it gives back as many rows, and a gradient of that shape."""
    layer, X = make(), array_of(shape, dtype, value)
    with np.errstate(all="ignore"):
        try:
            A = layer.forward(X, training)
        except InputError:
            return
        assert np.issubdtype(X.dtype, np.floating)
        assert A.dtype in (X.dtype, X.dtype.newbyteorder("="))
        assert A.shape[:1] == X.shape[:1]
        assert layer.backward(A.copy()).shape == X.shape


# Arrays into networks -------------------------------------------------------------


def small(convolution):
    """Return a network that takes rows of 4 pixels."""
    first = [Reshape(1, 2, 2), Convolution2D(1, 4, size=2), Flatten()]
    layers = [*first, Dense(4, 3)] if convolution else [Dense(4, 3)]
    return Network([Dropout(0.5), *layers], SoftmaxCrossEntropy(), seed=0)


kinds = pytest.mark.parametrize("convolution", [True, False], ids=["images", "dense"])


@kinds
@things
def test_a_network_takes_what_is_as_good_as_an_array_or_says_why_not(
    convolution, thing
):
    network = small(convolution)
    good = isinstance(thing, list) and np.shape(thing[:1]) == (1, 4)
    for use in (network.forward, network.predict):
        if good:
            assert len(use(thing)) == len(thing)
        else:
            with pytest.raises(InputError):
                use(thing)
    if not isinstance(thing, Dataset):
        with pytest.raises(InputError, match=r"must be a Dataset"):
            network.evaluate(thing)


@kinds
@settings(max_examples=60)
@given(
    shape=st.one_of(shapes, st.integers(0, 3).map(lambda n: (n, 4))),
    dtype=st.sampled_from(TYPES),
    value=st.sampled_from(VALUES),
)
def test_a_network_takes_an_array_or_says_why_not(convolution, shape, dtype, value):
    network, X = small(convolution), array_of(shape, dtype, value)
    for use in (
        lambda: network.forward(X, training=True),
        lambda: network.predict(X),
        lambda: network.evaluate(Dataset(X, np.zeros(X.shape[:1], int))).loss,
    ):
        try:
            with np.errstate(all="ignore"):
                result = use()
        except InputError:
            continue
        assert X.ndim == 2
        assert X.shape[1] == 4
        assert np.issubdtype(X.dtype, np.floating)
        assert np.shape(result)[:1] in ((len(X),), ())


@kinds
@settings(max_examples=60)
@given(shape=shapes, dtype=st.sampled_from(TYPES), value=st.sampled_from(VALUES))
def test_a_network_takes_a_gradient_or_says_why_not(convolution, shape, dtype, value):
    network = small(convolution)
    network.forward(np.ones((2, 4)), training=True)
    for wanted in (shape, (2, 3)):
        d_outputs = array_of(wanted, dtype, value)
        try:
            with np.errstate(all="ignore"):
                network.backward(d_outputs)
        except InputError:
            continue
        assert wanted == (2, 3)
        assert np.issubdtype(d_outputs.dtype, np.floating)


@kinds
@things
def test_a_network_says_which_gradient_it_takes(convolution, thing):
    network = small(convolution)
    network.forward(np.ones((1, 4)))
    with pytest.raises(
        InputError, match=r"^backward: the gradient by the outputs must"
    ):
        network.backward(thing)


@pytest.mark.parametrize(
    "size", [0, -1, 2.5, np.nan, np.inf, "3", b"3", None, (3,), 3j, [3]], ids=str
)
def test_a_layer_of_no_size_is_refused(size):
    for make in (
        lambda: Dense(size, 2),
        lambda: Dense(2, size),
        lambda: Convolution2D(size, 2, 2),
        lambda: Convolution2D(2, size, 2),
        lambda: Convolution2D(2, 2, size),
        lambda: Convolution2D(2, 2, 2, stride=size),
        lambda: MaxPooling2D(size),
        lambda: Reshape(1, size, 2),
    ):
        with pytest.raises(InputError, match="must be a whole number of at least 1"):
            make()


# Outputs and targets into losses --------------------------------------------------

LOSSES = {
    "cross-entropy": SoftmaxCrossEntropy,
    "smoothed": SmoothedCrossEntropy,
    "squared error": MeanSquaredError,
}
losses = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)


@losses
@things
def test_a_loss_says_which_outputs_it_takes(make, thing):
    with pytest.raises(InputError, match=r"outputs as an array of floating-point num"):
        make().forward(thing, np.zeros(2, int))


@losses
@things
def test_a_loss_says_which_targets_it_takes(make, thing):
    with pytest.raises(InputError, match=r"[Ll]abels?|targets"):
        make().forward(np.zeros((2, 4)), thing)


@losses
@settings(max_examples=100)
@given(
    shape=shapes,
    dtype=st.sampled_from(TYPES),
    value=st.sampled_from(VALUES),
    targets=shapes,
    target_dtype=st.sampled_from(TYPES),
    label=st.sampled_from([0, 1, -1, 255, 2**63]),
)
def test_a_loss_takes_outputs_and_targets_or_says_why_not(
    make, shape, dtype, value, targets, target_dtype, label
):
    """A random pair seldom fits, so the right shapes and types are tried as well."""
    fitting = array_of((2, 3), "f4", value)
    tried = [
        (array_of(shape, dtype, value), array_of(targets, target_dtype)),
        (array_of((2, 3), dtype, value), array_of((2,), target_dtype)),
        (fitting, array_of((2, 3), target_dtype)),
        (fitting, np.array([label, 0])),
    ]
    for outputs, y in tried:
        loss = make()
        try:
            with np.errstate(all="ignore"):
                result = loss.forward(outputs, y)
        except BackpropError:
            continue
        assert isinstance(result, float)
        assert outputs.ndim == 2
        assert np.issubdtype(outputs.dtype, np.floating)
        assert loss.backward().shape == outputs.shape


def test_whole_numbers_as_outputs_cut_no_target_short():
    """They did: the target 0.5 became 0, and the loss was wrong without a word."""
    with pytest.raises(InputError, match=r"floating-point numbers, but got int64"):
        MeanSquaredError().forward(np.array([[1, 0]]), np.array([[0.5, 0.5]]))


def test_labels_of_many_outputs_take_no_square_of_them():
    """10,000 outputs squared are 800 MB."""
    A, y = np.zeros((3, 10_000), np.float32), np.array([0, 5000, 9999])
    tracemalloc.start()
    loss = MeanSquaredError()
    assert loss.forward(A, y) == pytest.approx(0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 8 * A.size


@losses
def test_a_copy_of_a_loss_holds_nothing_of_the_batch(make):
    loss = make()
    loss.forward(np.zeros((1000, 3)), np.zeros(1000, int))
    assert len(pickle.dumps(loss)) < 200
    with pytest.raises(InputError, match="call forward first"):
        copy.deepcopy(loss).backward()
