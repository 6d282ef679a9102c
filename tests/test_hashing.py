"""Digests of tensors: equal for equal content, different for anything else."""

import torch

from bench.util.hashing import tensor_digest


def test_equal_tensors_have_equal_digests_in_any_memory_layout():
    pixels = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    assert tensor_digest([pixels.clone()]) == tensor_digest([pixels])
    assert tensor_digest([pixels.mT.contiguous().mT]) == tensor_digest([pixels])
    assert tensor_digest([pixels.flip(0).flip(0)]) == tensor_digest([pixels])


def test_content_order_shape_dtype_and_names_change_the_digest():
    pixels = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    labels = torch.tensor([0, 1, 2])
    inputs = [
        [pixels], [pixels.flip(0)], [pixels.reshape(1, 3, 2, 2)], [pixels.view(torch.int8)], [pixels, labels],
        [labels, pixels], {"a": pixels}, {"b": pixels}, [],
    ]  # fmt: skip
    assert len({tensor_digest(tensors) for tensors in inputs}) == len(inputs)


def test_parameters_scalars_and_empty_tensors_have_digests():
    parameter = torch.nn.Parameter(torch.ones(2))
    assert tensor_digest([parameter]) == tensor_digest([torch.ones(2)])
    assert tensor_digest([torch.tensor(1.0)]) != tensor_digest([torch.tensor(2.0)])
    assert tensor_digest([torch.empty(0, 3)]) != tensor_digest([torch.empty(0, 2)])
