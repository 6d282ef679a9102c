"""The vocabulary of the suite: images, data, the two kinds of model, and the capabilities of a model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from bench.errors import BenchError

if TYPE_CHECKING:
    import bench.training_run

Images = Float[Tensor, "n c h w"]  # in [0, 1]
Pixels = UInt8[Tensor, "n c h w"]  # what every metric sees
Labels = Int[Tensor, "n"]  # in [0, len(spec.classes))
Logits = Float[Tensor, "n k"]
Codes = Float[Tensor, "n d"]  # one column per factor
LogWeights = Float[Tensor, "draws n"]  # nats


@dataclass(frozen=True)
class Factor:
    """One ground-truth factor of variation: a column of `Data.factors`, in [low, high] (both included)."""

    name: str
    kind: Literal["categorical", "linear", "circular"]
    low: float
    high: float
    count: int | None = None  # of its values; None if it is continuous


@dataclass(frozen=True)
class Code:
    """One code of a `CodeConditional` model: the columns of its codes that are changed together.

    A continuous code has one column. A categorical code has one column for each of its values (one-hot), or a single
    column with the values themselves. A circular code has two columns, the cosine and the sine of an angle, or a single
    column with the angle.
    """

    name: str
    kind: Literal["continuous", "categorical", "circular"]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Spec:
    """The format of the images of a data set: all that a model knows before it is trained."""

    name: str
    channels: int
    size: int  # pixels, height = width
    classes: tuple[str, ...]
    factors: tuple[Factor, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.channels, self.size, self.size)

    @property
    def has_classes(self) -> bool:
        """Whether there are classes to tell apart: images without classes are all of one class."""
        return len(self.classes) > 1


@dataclass(frozen=True, eq=False)
class Data:
    """One split: images uint8 (n, c, h, w), labels int64 (n,), factors float32 (n, f) if known."""

    spec: Spec
    images: Pixels
    labels: Labels
    factors: Codes | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor | slice) -> "Data":
        factors = None if self.factors is None else self.factors[index]
        return replace(self, images=self.images[index], labels=self.labels[index], factors=factors)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The three splits of one data set and the SHA-256 of everything in them."""

    spec: Spec
    train: Data
    validation: Data
    test: Data
    digest: str


@dataclass(frozen=True)
class DataState:
    """Whether a data set can be loaded now and, if not, what is needed."""

    state: Literal["ready", "download", "missing"]
    note: str = ""


class DataSource(ABC):
    """Loads the images of one data set. `argument` is the text after the colon of `name:argument`."""

    source: ClassVar[str]  # citation, licence or origin
    judge_floor: ClassVar[float | None] = None  # test accuracy that a judge must reach; None: twice chance, or 0.75

    def __init__(self, argument: str = "") -> None:
        self.argument = argument

    @property
    def spec_name(self) -> str:
        """The name in the `Spec` of the data set, which its board has too. By default found by loading it."""
        return self.load().spec.name

    @abstractmethod
    def state(self) -> DataState:
        """Whether the data set can be loaded. Loads and downloads nothing."""

    def reads(self) -> tuple[Path, ...] | None:
        """The files that it reads; a finished run is reused if their sizes and dates are unchanged. None: unknown."""
        return None

    @abstractmethod
    def load(self, size: int | None = None) -> Dataset:
        """Load all splits at `size` pixels (default: the native size). Raises `BenchError` if that is impossible."""


@runtime_checkable
class Rendering(Protocol):
    """A data source that draws the image of any values of its factors."""

    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        """n rows of factor values, float32 (n, f), distributed as in the data set."""

    def render(self, factors: Codes, size: int) -> Pixels:
        """The images of rows of factor values at `size` pixels. The values need not occur in the data set."""


class Model(nn.Module, ABC):
    """What generators and classifiers share: settings, a source, and a state dict that is the whole model."""

    Config: ClassVar[type]  # a frozen dataclass; every default lives there
    source: ClassVar[str]  # the paper, e.g. "arXiv 2004.07543"
    paper_epochs: ClassVar[int] = 200  # passes over the training set at the budget `full`
    needs_classes: ClassVar[bool] = False  # True if it uses the guide; assumed of whatever has `logits`

    def __init__(self, config: Any, spec: Spec) -> None:
        super().__init__()
        self.config, self.spec = config, spec

    @classmethod
    def not_for(cls, config: Any, spec: Spec) -> str:
        """Why a model with these settings cannot be trained on images of this format, as text; "" if it can.

        With a reason, `bench run` does not build the model: its row is skipped and shows the reason.
        """
        return ""

    @abstractmethod
    def fit(self, data: Data, run: "bench.training_run.Run") -> None:
        """Train on `data` with what `run` provides: batches, device, randomness, precision, logging, the guide."""


class Generator(Model):
    """A model that samples images."""

    @abstractmethod
    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Sample n images in [0, 1], shape (n, c, h, w), without gradients, using `rng` for all randomness."""


class Classifier(Model):
    """A model that predicts the class of an image."""

    pretrained: ClassVar[bool] = False  # True if its weights come with its plugin, and `fit` has nothing to learn

    @abstractmethod
    def logits(self, images: Images) -> Logits:
        """Unnormalised log-probabilities, shape (n, k)."""

    @abstractmethod
    def features(self, images: Images) -> list[Tensor]:
        """Hidden layers from shallow to deep; the last is the pre-logits vector (n, d)."""


@runtime_checkable
class ClassConditional(Protocol):
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """Sample one image for each label."""


@runtime_checkable
class ClassMixing(Protocol):
    def sample_mixture(self, weights: Float[Tensor, "n k"], rng: torch.Generator) -> Images:
        """Sample one image for each row of class weights (non-negative, each row sums to 1)."""


@runtime_checkable
class CodeConditional(Protocol):
    """A model that draws images from codes.

    An optional attribute `code_layout`, a tuple of `Code`, says which columns are codes and of what kind; columns that
    it leaves out are never changed alone. Without it each column is a continuous code.
    """

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """Draw n rows from the prior of the codes."""

    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """Draw one image for each row of codes.

        Everything random beyond the codes comes from `rng`, and how much is drawn from it does not depend on the
        codes: the same seed with other codes gives images that differ through their codes only.
        """


@runtime_checkable
class Density(Protocol):
    """A model with a probability density of images over all their pixels, exactly or by importance sampling.

    An optional attribute `no_density`, a text, says why a model with these settings has none, such as one whose pixels
    are Bernoulli: its density is then not measured, and the board shows the reason. Without it, or if it is "", it has.
    """

    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """log(p(x, z) / q(z | x)) of `draws` latent variables z of q for each image x, in nats, (draws, n).

        The mean of exp of it over draws estimates p(x) without bias. A model that knows log p(x) returns it `draws`
        times. p is a density with respect to the pixels in [0, 1] that are passed in: with z summed out it integrates
        to 1 over all values of all pixels. The result has no gradient.
        """


@runtime_checkable
class Encoding(Protocol):
    def encode(self, images: Images) -> Codes: ...


@runtime_checkable
class Reconstructing(Protocol):
    def reconstruct(self, images: Images) -> Images: ...


@runtime_checkable
class SelfClassifying(Protocol):
    def logits(self, images: Images) -> Logits: ...


CAPABILITIES: dict[str, tuple[str, ...]] = {
    "ClassConditional": ("sample_class",),
    "ClassMixing": ("sample_mixture",),
    "CodeConditional": ("draw_codes", "decode"),
    "Density": ("log_weights",),
    "Encoding": ("encode",),
    "Reconstructing": ("reconstruct",),
    "SelfClassifying": ("logits",),
}


def capabilities(model: type | object) -> tuple[str, ...]:
    """The capabilities of a class or an instance, found from its methods without calling them."""
    return tuple(
        name
        for name, methods in CAPABILITIES.items()
        if all(callable(getattr(model, method, None)) for method in methods)
    )


def to_float(pixels: Pixels) -> Images:
    """uint8 in 0..255 to float32 in [0, 1]. Raises `BenchError` for any other type, which would be scaled twice."""
    images = torch.as_tensor(pixels)
    if images.dtype != torch.uint8:
        raise BenchError(f"to_float: expected images as uint8, got {images.dtype}; see bench.quantize")
    return images.float() / 255


def quantize(images: Images) -> Pixels:
    """The one quantizer: float in [0, 1] to uint8, rounding half to even.

    Raises `BenchError` out of range, and for images that are not float.
    """
    images = torch.as_tensor(images)
    if not images.is_floating_point():
        raise BenchError(f"quantize: expected float images in [0, 1], got {images.dtype}")
    low, high = (float(bound) for bound in images.aminmax()) if images.numel() else (0.0, 1.0)
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise BenchError(f"expected images in [0, 1], got values from {low:.4g} to {high:.4g}")
    return (images * 255).round().to(torch.uint8)
