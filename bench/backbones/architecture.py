"""Any timm architecture by name, adapted to small images: fewer strides, smaller patches, one or three channels."""

import inspect
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor, nn

from bench.api import Spec
from bench.backbones.norms import Norm, replace_batch_norm
from bench.errors import BenchError
from bench.util.timm_names import check_architecture

PROBE = 128  # pixels: a power of two, so that each level of a network has a different size
TOKENS = 7  # minimum number of patches per side of a plain vision transformer

Place = tuple[nn.Module, str, nn.Module]  # parent, name, child


Stages = tuple[int, ...]


def build(
    name: str, spec: Spec, *, norm: Norm = "batch", widths: Stages = (), depths: Stages = (), side: int = 4
) -> tuple[Any, int]:
    """The timm architecture `name` (a module) for the images of `spec`, untrained, and the image size it takes.

    `widths` and `depths` are the channels and blocks of its stages; the last feature map has at least `side` pixels per
    side if the images have. The size is that of the images, except for the few architectures with a fixed size. Raises
    `BenchError` for an unknown name, or for a setting that the architecture does not have.
    """
    plain: Any = _create(name, spec, {})
    stages = _stages(plain, widths, depths)
    fitting = (_adapted(name, spec, stages | sizes, side) for sizes in _sizes(plain, spec.size, side))
    model, size = next((found for found in fitting if found), None), spec.size
    if model is None:
        model, size = _create(name, spec, stages), int(plain.pretrained_cfg["input_size"][-1])
        if not _takes(model, spec.channels, size):
            raise BenchError(f"timm's {name!r} cannot process images with {stages or 'its published settings'}")
    replace_batch_norm(model, norm)
    return model, size


def _adapted(name: str, spec: Spec, options: dict[str, Any], side: int) -> nn.Module | None:
    """The model with these options, with fewer strides if that works; None if it cannot process the images."""
    for fewer_strides in (True, False):
        try:
            model = _create(name, spec, options)
        except BenchError:
            return None
        if fewer_strides:
            shed_strides(model, spec.channels, spec.size, side)
        remove_idle_strides(model, spec.channels, spec.size)
        if _takes(model, spec.channels, spec.size):
            return model
    return None


def _create(name: str, spec: Spec, options: dict[str, Any]) -> nn.Module:
    import timm

    check_architecture(name)
    try:
        return timm.create_model(name, num_classes=len(spec.classes), in_chans=spec.channels, **options)
    except Exception as error:  # each architecture complains in its own way
        settings = ", ".join(f"{key}={value}" for key, value in options.items()) or "no settings"
        raise BenchError(
            f"timm cannot create {name!r} for {spec.channels} channels with {settings}: {error}"
        ) from error


def _stages(model: nn.Module, widths: Stages, depths: Stages) -> dict[str, Any]:
    """The options of timm for the widths and depths of this kind of network."""
    options: dict[str, Any] = {}
    for what, value, names in (("widths", widths, ("channels", "dims")), ("depths", depths, ("layers", "depths"))):
        name = next((name for name in names if name in _parameters(model)), None)
        if value and name is None:
            raise BenchError(
                f"{type(model).__name__} does not support {what}; omit them, or use a ResNet or a ConvNeXt"
            )
        if value and name is not None:
            options[name] = tuple(value)
    return options


def _sizes(model: nn.Module, size: int, side: int) -> list[dict[str, Any]]:
    """Options of timm for the image size, best first."""
    accepted, known = _parameters(model), {"img_size": size}
    if {"img_size", "patch_size"} <= accepted:
        return [{**known, "patch_size": _patch(model, size, side)}, known, {}]
    return [known, {}] if "img_size" in accepted else [{}]


def _parameters(model: nn.Module) -> set[str]:
    return set(inspect.signature(type(model).__init__).parameters)


def _patch(model: nn.Module, size: int, side: int) -> int:
    """The largest patch that divides the image, is not larger than published, and leaves enough patches."""
    reductions = [max(1, info["reduction"]) for info in getattr(model, "feature_info", [])] or [size]
    pyramid = reductions[-1] // reductions[0]  # 1 for a plain transformer, 8 for one with four stages
    enough = TOKENS if pyramid == 1 else side * pyramid
    return max((p for p in range(1, reductions[0] + 1) if size % p == 0 and size // p >= enough), default=1)


def shed_strides(model: nn.Module, channels: int, size: int, side: int) -> None:
    """Remove strides from a convolutional network until its last map has `side` pixels per side.

    The max-pool of a stem is removed first, then strides from the front: at 32 pixels a ResNet has a 3x3 stem of stride
    1 and no max-pool, at 64 a stem of stride 2. No stride is left on a 1x1 map. A network that takes only images of its
    own size is not changed.
    """
    levels = _levels(model, channels)
    if len(levels) > 1 and not any(isinstance(child, nn.Conv2d) for _, _, child in levels[1][1]):
        levels.insert(0, levels.pop(1))
    total = kept = prod(factor for factor, _ in levels)
    while kept > 1 and (ceil(size / kept) < side or kept // 2 >= size):  # or the last stride is on a 1x1 map
        kept //= 2
    excess = total // max(kept, 1)
    for factor, places in levels:
        removed = min(factor, excess)
        excess //= removed
        if removed > 1:
            for place in places:
                _set_stride(*place, factor // removed)


def remove_idle_strides(model: nn.Module, channels: int, size: int) -> None:
    """Remove every stride that is larger than the map that it acts on.

    torch 2.15 reads memory that it has not written when it computes the weight gradient of such a convolution in
    bfloat16 on a CPU. A network without such strides is not changed.
    """
    before: list[Place] = []
    while (idle := idle_strides(model, channels, size)) != before:
        for place in idle:
            _set_stride(*place, 1)
        before = idle


def idle_strides(model: nn.Module, channels: int, size: int) -> list[Place]:
    """The convolutions and poolings whose stride is larger than their input map, for images of this size."""
    places = {child: (parent, name, child) for parent in model.modules() for name, child in parent.named_children()}
    found: dict[nn.Module, Place] = {}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].ndim == 4 and _stride(module) > min(inputs[0].shape[2:]):
            found[module] = places[module]

    hooks = [module.register_forward_pre_hook(look) for module in places if _stride(module) > 1]
    _takes(model, channels, size)
    for hook in hooks:
        hook.remove()
    return list(found.values())


def _levels(model: nn.Module, channels: int) -> list[tuple[int, list[Place]]]:
    """The strides of a network, front first: each factor, with all modules that apply it to maps of the same size."""
    levels: dict[int, tuple[int, list[Place]]] = {}
    places = {child: (parent, name, child) for parent in model.modules() for name, child in parent.named_children()}

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        stride = _stride(module)
        if stride > 1 and inputs[0].ndim == 4:
            levels.setdefault(inputs[0].shape[-1], (stride, []))[1].append(places[module])

    hooks = [module.register_forward_hook(look) for module in places if _stride(module) > 1]
    _takes(model, channels, PROBE)
    for hook in hooks:
        hook.remove()
    return list(levels.values())


def _stride(module: nn.Module) -> int:
    """The stride of a convolution or a pooling, 1 of anything else."""
    stride = getattr(module, "stride", 1)
    if next(module.children(), None) is not None or not isinstance(stride, int | tuple):
        return 1
    return max(stride) if isinstance(stride, tuple) else stride


def _set_stride(parent: nn.Module, name: str, child: nn.Module, stride: int) -> None:
    if not isinstance(child, nn.Conv2d):
        setattr(parent, name, nn.Identity() if stride == 1 else nn.AvgPool2d(stride))
    elif max(child.kernel_size) in (1, 3, 5):
        child.stride = (stride, stride)
    else:  # a patch or a 7x7 stem, designed for large images
        shape = (child.in_channels, child.out_channels, 3)
        new = type(child)(*shape, stride=stride, padding=1, groups=child.groups, bias=child.bias is not None)
        setattr(parent, name, new)


def _takes(model: nn.Module, channels: int, size: int) -> bool:
    """Whether the network can process images of this size, found by trying."""
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, channels, size, size))
    except Exception:  # each architecture complains in its own way
        return False
    finally:
        model.train(training)
    return True
