"""Hidden layers of a frozen classifier, several at a time, with gradient to the images and to nothing else."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from bench.api import Classifier, Images
from bench.errors import BenchError, nearest
from bench.freeze import freeze

NORM_BATCH = 32  # images in a batch for statistics
Layers = dict[str, Tensor]  # by name, in the order asked for

ACTIVATIONS = (
    F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.gelu, F.silu, F.mish, F.hardswish, F.prelu,
    torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, torch.tanh, Tensor.tanh,
)  # fmt: skip


class FrozenFeatures:
    """Chosen layers of any classifier, which is frozen permanently: eval mode, no gradient to weights, fixed buffers.

    Names in `layers`: `map1`, `map2`, ... are the feature maps of `Classifier.features`, from shallow to deep, `maps`
    all of them, `vector` its last layer, `logits` the logits; any other name is a module of the classifier, for its
    output (`net.layer1.0.bn1`). With `before_activation`, the output of an activation is replaced by its input; other
    layers are not changed. One forward pass computes all layers; `logits` needs a second one in addition to maps or
    the vector.

    Raises `BenchError` for a layer that the classifier does not have.
    """

    def __init__(self, classifier: Classifier, layers: Sequence[str], *, before_activation: bool = False) -> None:
        self.classifier, self.before_activation = freeze(classifier), before_activation
        shown = [f"map{1 + n}" for n in range(len(self._probe(classifier.features)) - 1)]
        self.names = tuple(name for layer in layers for name in (shown if layer == "maps" else [layer]))
        inside = dict(classifier.named_modules())
        for name in self.names:
            if name not in (*shown, "vector", "logits") and (not name or name not in inside):
                raise BenchError(f"this guide has no layer {name!r}: {_advice(name, shown, inside)}")
        self._modules = {name: inside[name] for name in self.names if name not in (*shown, "vector", "logits")}
        self.shapes = {name: tuple(layer.shape[1:]) for name, layer in self._probe(self.target).items()}

    def __call__(self, images: Images) -> Layers:
        """Each layer (n, ...) by name, with gradient to `images` if they require it."""
        return self._look(images)

    def target(self, images: Images) -> Layers:
        """The same without gradient, for targets of a loss."""
        with torch.no_grad():
            return self._look(images)

    def _probe(self, look: Callable[[Images], Any]) -> Any:
        """The result of `look` for one blank image."""
        some = next(self.classifier.parameters(), torch.zeros(()))
        with torch.no_grad():
            return look(torch.zeros(1, *self.classifier.spec.shape, device=some.device))

    def _look(self, images: Images) -> Layers:
        taps, inputs = _Taps(self._modules), _Inputs()
        with taps, inputs if self.before_activation else nullcontext():
            known = self._own(images)
        known |= {name: inputs.found.get(id(raw), (raw, copy))[1] for name, (raw, copy) in taps.found.items()}
        return {name: inputs.found.get(id(known[name]), (None, known[name]))[1] for name in self.names}

    def _own(self, images: Images) -> Layers:
        """The layers from the methods of the classifier, each of which is called only if needed."""
        known: Layers = {}
        of_features = set(self.names) - {"logits"} - set(self._modules)
        if of_features:
            *maps, known["vector"] = self.classifier.features(images)
            known |= {f"map{1 + n}": layer for n, layer in enumerate(maps)}
        if "logits" in self.names or not of_features:
            known["logits"] = self.classifier.logits(images)
        return known


def untrained(classifier: Classifier, seed: int, images: Images) -> Classifier:
    """A classifier of the same architecture with random weights from `seed`, as a control for learned features.

    Its batch norms have the statistics of `images`, so that its layers are as large as those of a trained one: with
    those that a new batch norm has they are several times smaller.
    """
    device = next((it.device for it in classifier.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        fresh = type(classifier)(classifier.config, classifier.spec).to(device)
    norms = [it for it in fresh.modules() if isinstance(it, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # the mean over all batches
    with torch.no_grad():
        fresh.train()
        for chunk in images.to(device).split(NORM_BATCH):
            fresh.features(chunk)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return fresh.eval()


@torch.no_grad()
def scales(features: FrozenFeatures, images: Images) -> dict[str, float]:
    """The standard deviation of each layer over these images: the root of the mean variance of its elements."""
    chunks = [features.target(chunk) for chunk in images.split(NORM_BATCH)]
    layers = {name: torch.cat([chunk[name] for chunk in chunks]) for name in features.names}
    return {name: float(layer.double().var(0, correction=0).mean().sqrt()) for name, layer in layers.items()}


def _advice(name: str, shown: list[str], inside: Iterable[str]) -> str:
    if re.fullmatch(r"map\d+", name):
        return f"it has {', '.join(shown) or 'no map'}"
    return nearest(name, ["maps", *shown, "vector", "logits", *(it for it in inside if it)])


class _Taps:
    """A context that records the first output of each module, and a copy, because an activation may modify it in place."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self._modules, self.found = modules, dict[str, tuple[Tensor, Tensor]]()
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> None:
        self._hooks = [it.register_forward_hook(self._keeper(name)) for name, it in self._modules.items()]

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _keeper(self, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
            self.found.setdefault(name, (output, output.clone()))

        return keep


class _Inputs(TorchFunctionMode):
    """A context that records the input of every activation by the id of its output."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, tuple[Tensor, Tensor]] = {}  # with the output, so that its id is not reused

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in ACTIVATIONS:
            return func(*args, **kwargs)
        before: Tensor = args[0] if args else kwargs["input"]
        in_place = func.__name__.endswith("_") or kwargs.get("inplace") or any(it is True for it in args[1:])
        before = before.clone() if in_place else before
        after: Tensor = func(*args, **kwargs)
        self.found[id(after)] = (after, before)
        return after
