"""Pictures from everywhere: how they are read, and what is said where they cannot be."""

from __future__ import annotations

import builtins
import gzip
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nightsweep.search.errors import DataError
from nightsweep.trainables.pictures.pictures import Pictures
from nightsweep.trainables.pictures.read import read

PIL = pytest.importorskip("PIL.Image")


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def drawn(path: Path, *, size: tuple[int, int] = (6, 4), mode: str = "RGB", seed: int = 0) -> Any:
    """A picture file, `size`: width and height; the pixels that are in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    pixels = noise(height, width, *((3,) if mode == "RGB" else ()), seed=seed)
    PIL.fromarray(pixels).save(path)
    return pixels


def animals(folder: Path, count: int = 2, **more: Any) -> Path:
    for name in ("cat", "dog"):
        for number in range(count):
            drawn(folder / name / f"{number}.png", seed=number, **more)
    return folder


def idx(path: Path, values: NDArray[np.uint8]) -> None:
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    raw = head + values.tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def saved(path: Path, arrays: dict[str, Any]) -> None:
    np.savez_compressed(path, **arrays)


def refused(*sources: object, size: int | None = None) -> str:
    with pytest.raises(DataError) as error:
        read([str(source) for source in sources], size)
    return str(error.value)


def parts(found: Pictures) -> list[int]:
    return [len(found.of(name)) for name in ("train", "val", "test")]


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    pixels = drawn(tmp_path / "dog" / "inside" / "b.png")
    drawn(tmp_path / "dog" / "c.jpg")
    drawn(tmp_path / "cat" / "a.png"), drawn(tmp_path / "cat" / "A.PNG")
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    (tmp_path / ".cache").mkdir()
    found = read([str(tmp_path)])
    assert found.classes == ("cat", "dog")
    assert found.y.tolist() == [0, 0, 1, 1]
    assert found.x.shape == (4, 3, 4, 6)
    assert found.x.dtype == np.uint8
    assert np.array_equal(found.x[3].transpose(1, 2, 0), pixels)
    assert parts(found) == [4, 0, 0]


def test_grey_pictures_have_one_channel_unless_one_has_colours(tmp_path: Path) -> None:
    animals(tmp_path, mode="L")
    assert read([str(tmp_path)]).x.shape == (4, 1, 4, 6)
    drawn(tmp_path / "cat" / "colour.png")
    assert read([str(tmp_path)]).x.shape == (5, 3, 4, 6)


@pytest.mark.parametrize(
    "names", [("train", "val"), ("training", "validation"), ("Train", "valid")]
)
def test_folders_called_train_and_val_are_parts_and_no_classes(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    animals(tmp_path / names[0], 3), animals(tmp_path / names[1])
    found = read([str(tmp_path)])
    assert found.classes == ("cat", "dog")
    assert parts(found) == [6, 4, 0]
    animals(tmp_path / "test", 1)
    assert parts(read([str(tmp_path)])) == [6, 4, 2]


def test_pictures_that_lie_on_their_side_are_turned(tmp_path: Path) -> None:
    animals(tmp_path, size=(4, 6))
    turned = PIL.fromarray(noise(4, 6, 3))  # 6 wide, as a camera stores it
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "cat" / "turned.jpg", exif=exif)
    assert read([str(tmp_path)]).x.shape == (5, 3, 6, 4)


def test_different_sizes_are_one_sentence_and_stretched_where_a_size_is_given(
    tmp_path: Path,
) -> None:
    animals(tmp_path), drawn(tmp_path / "dog" / "other.png", size=(9, 8))
    message = refused(tmp_path)
    assert "pictures of 2 sizes: cat/0.png is 6 × 4 pixels, dog/other.png 9 × 8" in message
    assert "write size: 4" in message
    assert read([str(tmp_path)], 5).x.shape == (5, 3, 5, 5)


def test_broken_files_are_named_together(tmp_path: Path) -> None:
    animals(tmp_path)
    (tmp_path / "cat" / "empty.png").touch()
    (tmp_path / "dog" / "text.jpg").write_text("<html>not found</html>")
    message = refused(tmp_path)
    assert "2 of 6 pictures" in message
    assert "cat/empty.png, dog/text.jpg" in message
    assert message.endswith("put them right, or take them away")


def test_a_picture_too_large_for_any_memory_is_named_like_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PIL, "MAX_IMAGE_PIXELS", 100)
    animals(tmp_path), drawn(tmp_path / "dog" / "vast.png", size=(20, 20))
    message = refused(tmp_path)
    assert "1 of 5 pictures" in message
    assert "dog/vast.png" in message


def test_a_part_alone_is_a_part_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    animals(tmp_path / "train", 3)
    found = read([str(tmp_path)])
    assert (found.classes, parts(found)) == (("cat", "dog"), [6, 0, 0])
    animals(tmp_path / "val"), animals(tmp_path / "valid")
    assert "has both val and valid; which one is the val part?" in refused(tmp_path)


def test_a_file_that_ends_too_soon_is_broken(tmp_path: Path) -> None:
    animals(tmp_path, size=(60, 60))
    path = tmp_path / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:2000])
    assert "1 of 4 pictures" in refused(tmp_path)


def test_more_than_eight_bits_are_refused_before_they_are_cut_off(tmp_path: Path) -> None:
    animals(tmp_path, mode="L")
    PIL.fromarray(noise(4, 6).astype(np.uint16) * 256).save(tmp_path / "cat" / "deep.png")
    assert "more than 8 bits" in refused(tmp_path)


def test_a_class_without_pictures_and_a_folder_without_classes(tmp_path: Path) -> None:
    animals(tmp_path)
    (tmp_path / "bird").mkdir()
    assert "bird holds no pictures" in refused(tmp_path)
    (tmp_path / "flat").mkdir()
    drawn(tmp_path / "flat" / "a.png")
    assert "no pictures in sub-folders, one a class" in refused(tmp_path / "flat")


def test_one_class_and_a_class_with_one_picture(tmp_path: Path) -> None:
    drawn(tmp_path / "cat" / "a.png"), drawn(tmp_path / "cat" / "b.png")
    assert "one class only, 'cat'" in refused(tmp_path)
    drawn(tmp_path / "dog" / "a.png")
    assert "one picture only of class dog" in refused(tmp_path)


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_class_that_is_not_learned_is_refused(tmp_path: Path, part: str) -> None:
    animals(tmp_path / "train"), animals(tmp_path / part)
    drawn(tmp_path / part / "bird" / "a.png")
    assert f"class 'bird' in its {part} part only" in refused(tmp_path)


def test_without_pillow_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    animals(tmp_path)
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("PIL"):
            raise ModuleNotFoundError("No module named 'PIL'", name="PIL")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert refused(tmp_path).endswith("is not installed: pip install pillow")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_files_of_mnist_with_their_own_test_part(tmp_path: Path, ending: str) -> None:
    images, labels = noise(6, 4, 4), np.array([0, 1, 0, 1, 2, 2], dtype=np.uint8)
    idx(tmp_path / f"train-images-idx3-ubyte{ending}", images)
    idx(tmp_path / f"train-labels-idx1-ubyte{ending}", labels)
    idx(tmp_path / f"t10k-images-idx3-ubyte{ending}", images[:3])
    idx(tmp_path / f"t10k-labels-idx1-ubyte{ending}", labels[:3])
    found = read([str(tmp_path)])
    assert parts(found) == [6, 0, 3]
    assert np.array_equal(found.x[:6, 0], images)
    assert found.y.tolist() == [0, 1, 0, 1, 2, 2, 0, 1, 0]
    assert parts(read([str(tmp_path)], 8)) == [6, 0, 3]


def test_a_part_of_mnist_alone_is_stretched_without_a_warning(tmp_path: Path) -> None:
    idx(tmp_path / "train-images-idx3-ubyte", noise(4, 4, 4))
    idx(tmp_path / "train-labels-idx1-ubyte", np.array([0, 0, 1, 1], dtype=np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read([str(tmp_path)], 8).x.shape == (4, 1, 8, 8)


def test_the_same_files_where_torchvision_puts_them(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    idx(raw / "train-images-idx3-ubyte", noise(4, 4, 4))
    idx(raw / "train-labels-idx1-ubyte", np.array([0, 0, 1, 1], dtype=np.uint8))
    assert len(read(["torchvision:FashionMNIST", str(tmp_path)]).x) == 4
    message = refused("torchvision:KMNIST", tmp_path)
    assert f"{tmp_path} holds no KMNIST" in message
    assert "download=True" in message


def test_an_idx_file_that_is_cut_off(tmp_path: Path) -> None:
    idx(tmp_path / "train-images-idx3-ubyte.gz", noise(4, 40, 40))
    assert "no labels that belong to it" in refused(tmp_path)
    idx(tmp_path / "train-labels-idx1-ubyte", np.array([0, 0, 1, 1], dtype=np.uint8))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:999])
    assert "cannot be read" in refused(tmp_path)
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 9, 40, 40)))
    assert "no whole idx file" in refused(tmp_path)


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels"), ("x_train", "y_train")])
@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 6, 5, 3), (4, 3, 6, 5)])
def test_an_npz_file(tmp_path: Path, names: tuple[str, str], shape: tuple[int, ...]) -> None:
    y = np.array(["b", "a", "a", "b"])
    saved(tmp_path / "a.npz", {names[0]: noise(*shape), names[1]: y})
    found = read([str(tmp_path / "a.npz")])
    assert found.x.shape == (4, 1 if len(shape) == 3 else 3, 6, 5)
    assert (found.classes, found.y.tolist()) == (("a", "b"), [1, 0, 0, 1])


def test_an_npz_file_with_all_three_parts_and_labels_in_a_column(tmp_path: Path) -> None:
    y = np.array([[0], [0], [1], [1]])
    arrays: dict[str, Any] = {}
    for part, count in (("train", 4), ("val", 3), ("test", 2)):
        arrays |= {f"{part}_images": noise(count, 4, 4), f"{part}_labels": y[-count:]}
    saved(tmp_path / "a.npz", arrays)
    assert parts(read([str(tmp_path / "a.npz")])) == [4, 3, 2]


def test_labels_with_a_fraction_are_numbers_to_predict(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=noise(3, 4, 4) / 255, y=np.array([0.5, 1.0, 2.0]))
    found = read([str(tmp_path / "a.npz")])
    assert (found.classes, found.kind) == ((), "regression")
    assert found.x.dtype == np.float32
    assert found.y.tolist() == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pixels": noise(2, 4, 4)}, "holds pixels; pictures and labels are called x and y"),
        ({"x": noise(3, 4, 4), "y": np.array([0, 1])}, "has 3 pictures and 2 labels"),
        ({"x": noise(3, 16), "y": np.array([0, 1, 1])}, "an array of shape (3, 16)"),
        ({"x": noise(2, 9, 9, 9), "y": np.array([0, 1])}, "of 1, 3 or 4 channels"),
        ({"x": noise(2, 4, 4), "y": np.eye(2)}, "labels of shape (2, 2)"),
        ({"x": noise(2, 4, 4), "y": np.array([1.5, 1.5])}, "the label 1.5 for every picture"),
        ({"x": noise(2, 4, 4), "y": np.array([1.5, np.nan])}, "the label of picture 1 is nan"),
        ({"x": np.full((2, 4, 4), np.nan), "y": np.array([0, 1])}, "picture 0 holds NaN"),
        ({"x": np.array([None, 1]), "y": np.array([0, 1])}, "holds objects"),
        ({"x": noise(0, 4, 4), "y": np.array([])}, "holds no pictures"),
    ],
)
def test_an_npz_file_that_cannot_be_learned_from(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    saved(tmp_path / "a.npz", arrays)
    assert message in refused(tmp_path / "a.npz")


def test_a_file_that_is_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for content in (b"", b"PK\x03\x04 and no more", b"hello"):
        path.write_bytes(content)
        assert "cannot be read as .npz" in refused(path)
    with path.open("wb") as file:
        np.save(file, noise(2, 4, 4))
    assert "cannot be read as .npz" in refused(path)


def test_arrays_are_stretched_where_a_size_is_given(tmp_path: Path) -> None:
    x = np.full((4, 6, 5), 7, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.array([0, 1, 0, 1]))
    found = read([str(tmp_path / "a.npz")], 8)
    assert found.x.shape == (4, 1, 8, 8)
    assert (found.x == 7).all()


def test_the_digits_of_scikit_learn() -> None:
    found = read(["sklearn:digits"])
    assert found.x.shape == (1797, 1, 8, 8)
    assert len(found.classes) == 10


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "no pictures to learn from"),
        (["sklearn:iris"], "sklearn:digits does"),
        (["torchvision:MNIST"], "data: [torchvision:MNIST, FOLDER]"),
        (["torchvision:FashionMNST", "."], 'Did you mean "FashionMNIST"?'),
        (["a", "b"], "cannot read a and b"),
        (["nowhere"], "nowhere is not there"),
        ([__file__], "is no data set of pictures"),
    ],
)
def test_a_source_that_is_none_is_one_sentence(sources: list[str], message: str) -> None:
    assert message in refused(*sources)
