"""The heads: shapes and sizes as published, the L1 readings, masks that a resumed run repeats."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mint_lightning.errors import UserError
from mint_lightning.heads import CNNHead, Draw, SeededDropout, Standardise, VanillaHead

pytestmark = pytest.mark.unit


def test_vanilla_has_the_three_layers_of_the_paper() -> None:
    head = VanillaHead([(512,)])
    assert [tuple(layer.weight.shape) for layer in head.layers] == [(512, 512), (64, 512), (1, 64)]


def test_the_other_reading_of_input_size_64_1() -> None:
    head = VanillaHead([(512,)], widths=[64])
    assert [tuple(layer.weight.shape) for layer in head.layers] == [(64, 512), (1, 64)]


def test_vanilla_joins_taps() -> None:
    head = VanillaHead([(3,), (5,)]).eval()
    logit, penalty = head([torch.randn(7, 3), torch.randn(7, 5)])
    assert logit.shape == (7,)
    assert penalty.ndim == 0
    assert tuple(head.layers[0].weight.shape) == (8, 8)


def test_cnn_has_64_and_128_filters_and_takes_maps_of_several_sizes() -> None:
    one = CNNHead([(8, 14, 14)])
    convolutions = [m for m in one.modules() if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 128]
    assert one.hidden.in_features == 128 * 3 * 3
    both = CNNHead([(8, 14, 14), (4, 7, 7)])
    assert both([torch.randn(2, 8, 14, 14), torch.randn(2, 4, 7, 7)]).logit.shape == (2,)


def test_cnn_takes_maps_too_small_to_pool() -> None:
    assert CNNHead([(6, 1, 1)])([torch.randn(3, 6, 1, 1)]).logit.shape == (3,)


@pytest.mark.parametrize(("head", "shape", "word"), [(CNNHead, (8,), "NAME:map"), (VanillaHead, (8, 2, 2), '"NAME"')])
def test_a_head_says_which_aad_it_takes(head: type, shape: tuple[int, ...], word: str) -> None:
    with pytest.raises(UserError, match=word):
        head([shape])


@pytest.mark.parametrize("arguments", [{"dropout": 1.0}, {"l1": -1.0}])
def test_bad_arguments_are_named(arguments: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(arguments))):
        VanillaHead([(4,)], **arguments)


@pytest.mark.parametrize("reading", ["activations_mean", "activations_sum", "weights_mean", "weights_sum"])
def test_l1_penalty_equals_its_definition(reading: str) -> None:
    head = VanillaHead([(4,)], widths=[3, 2], l1=0.1, l1_on=reading).eval()  # type: ignore[arg-type]
    x = torch.randn(6, 4)
    hidden = [head.layers[0](x).relu()]
    hidden.append(head.layers[1](hidden[0]).relu())
    expected = {
        "activations_mean": sum(h.abs().mean() for h in hidden),
        "activations_sum": sum(h.abs().sum() / len(x) for h in hidden),
        "weights_mean": sum(layer.weight.abs().mean() for layer in head.layers),
        "weights_sum": sum(layer.weight.abs().sum() for layer in head.layers),
    }[reading]
    torch.testing.assert_close(head([x]).penalty, 0.1 * expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 8))
def test_masks_do_not_depend_on_the_number_of_processes(seed: int, step: int, ranks: int, size: int) -> None:
    dropout = SeededDropout(0.4, layer=1).train()
    total = ranks * size
    x = torch.ones(total, 3)
    whole = dropout(x, Draw(seed, step, 0, total))
    parts = [dropout(x[:size], Draw(seed, step, rank * size, total)) for rank in range(ranks)]
    assert torch.equal(whole, torch.cat(parts))


def test_masks_differ_by_step_and_layer_and_keep_the_mean() -> None:
    x = torch.ones(4000, 10)
    first, second = SeededDropout(0.3, 0).train(), SeededDropout(0.3, 1).train()
    a, b, c = (m(x, Draw(7, step, 0, 4000)) for m, step in ((first, 0), (first, 1), (second, 0)))
    assert not torch.equal(a, b)
    assert not torch.equal(a, c)
    assert abs(float(a.mean()) - 1) < 0.02
    assert abs(float((a == 0).float().mean()) - 0.3) < 0.01


def test_dropout_is_off_in_evaluation() -> None:
    head = VanillaHead([(4,)]).eval()
    x = torch.randn(5, 4)
    assert torch.equal(head([x], Draw(0, 0, 0, 5)).logit, head([x]).logit)


@pytest.mark.parametrize("shape", [(100, 5), (100, 5, 4, 3)])
def test_standardise_gives_mean_zero_and_deviation_one(shape: tuple[int, ...]) -> None:
    x = torch.randn(*shape) * torch.tensor([1, 10, 100, 1000, 0.0]).view(1, 5, *[1] * (len(shape) - 2)) + 3
    module = Standardise(5)
    module.fit(x)
    y = module(x)
    dims = [d for d in range(x.ndim) if d != 1]
    torch.testing.assert_close(y.mean(dims), torch.zeros(5), atol=2e-3, rtol=0)
    torch.testing.assert_close(y[:, :4].std(dims, correction=0), torch.ones(4), atol=1e-3, rtol=0)
    assert torch.equal(y[:, 4], torch.zeros_like(y[:, 4]))  # a constant channel carries nothing and blows up nothing


def test_standardisation_travels_with_the_weights() -> None:
    head = VanillaHead([(3,)])
    head.fit_standardisation([torch.randn(50, 3) * 4 + 2])
    other = VanillaHead([(3,)])
    other.load_state_dict(head.state_dict())
    assert bool(other.standardise[0].fitted)
    assert torch.equal(other.standardise[0].mean, head.standardise[0].mean)
