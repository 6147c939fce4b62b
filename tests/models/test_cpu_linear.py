"""Linear layers through oneDNN: the same numbers, names and gradients as torch's own."""

import pytest
import torch
from torch import nn

from framethrift.models import cpu_linear
from framethrift.models.cpu_linear import OneDnnLinear, multiply_by_onednn

SHAPES = [(5, 3), (1, 3), (2, 7, 3), (2, 1, 4, 3), (0, 3)]


@pytest.fixture(autouse=True)
def _small_products_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_linear, "WORTHWHILE", 1)


def _pair(bias: bool) -> tuple[nn.Linear, nn.Linear]:
    torch.manual_seed(0)
    plain, other = nn.Linear(3, 6, bias=bias), nn.Linear(3, 6, bias=bias)
    other.load_state_dict(plain.state_dict())
    multiply_by_onednn(other)
    assert type(other) is OneDnnLinear and other.state_dict().keys() == plain.state_dict().keys()
    return plain, other


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_are_those_of_torch(shape: tuple[int, ...], bias: bool) -> None:
    found = []
    for layer in _pair(bias):
        torch.manual_seed(1)
        states = torch.randn(shape, requires_grad=True)
        output = layer(states)
        output.square().sum().backward()
        found.append([output, states.grad, *(parameter.grad for parameter in layer.parameters())])
    for own, theirs in zip(*found, strict=True):
        torch.testing.assert_close(own, theirs)


def test_rows_that_do_not_lie_in_order_are_multiplied_right() -> None:
    plain, other = _pair(bias=True)
    states = torch.randn(3, 4, 5).transpose(0, 2)[..., :3].expand(5, 4, 3)
    assert not states.is_contiguous()
    outputs = [layer(states) for layer in (plain, other)]
    torch.testing.assert_close(*outputs)
    gradients = []
    for layer, output in zip((plain, other), outputs, strict=True):
        output.transpose(0, 1).sum(dim=0).sum().backward()  # an expanded gradient
        gradients.append(layer.weight.grad)
    torch.testing.assert_close(*gradients)


def test_a_frozen_layer_passes_gradients_on_and_takes_none() -> None:
    _, layer = _pair(bias=True)
    layer.requires_grad_(False)
    states = torch.randn(2, 3, requires_grad=True)
    layer(states).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad is None
    torch.testing.assert_close(states.grad, layer.weight.sum(dim=0).expand(2, 3))


def test_other_precisions_go_the_usual_way() -> None:
    plain, other = _pair(bias=True)
    states = torch.randn(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert other(states).dtype == torch.bfloat16
        torch.testing.assert_close(plain(states), other(states))
    torch.testing.assert_close(plain.double()(states.double()), other.double()(states.double()))


def test_only_plain_linear_layers_are_changed() -> None:
    attention = nn.MultiheadAttention(4, 2)
    module = nn.Sequential(attention, nn.Linear(4, 4), nn.ReLU())
    kind = type(attention.out_proj)
    multiply_by_onednn(module)
    assert type(attention.out_proj) is kind and type(module[1]) is OneDnnLinear and type(module[2]) is nn.ReLU


def test_small_products_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def apply(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        asked.append(tuple(states.shape))
        return states

    monkeypatch.setattr(cpu_linear._Linear, "apply", apply)
    monkeypatch.setattr(cpu_linear, "WORTHWHILE", 4 * 3 * 6)
    _, layer = _pair(bias=True)
    for rows in (3, 4):
        layer(torch.randn(rows, 3))
    assert asked == [(4, 3)]
