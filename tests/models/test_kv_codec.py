"""Bodies of blocks: exact or near, of a known size, layer by layer, and never read past."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.errors import BadInput, CorruptionError
from memos.models.kv_codec import body_bytes, decode, decode_layer, decode_layers, empty, encode
from memos.models.kv_parts import form_of, form_read
from memos.models.kv_state import State
from memos.ports.block_wire import CODECS, body_of, packed
from memos.ports.blocks import Layout

if TYPE_CHECKING:
    from memos.models.runtime_torch import TorchRuntime

LAYOUT = Layout(3, 2, 64, 64, "float32", 256)
LAYOUTS = st.builds(
    Layout,
    layers=st.integers(1, 3),
    heads=st.integers(1, 3),
    key_width=st.sampled_from([64, 128, 33]),
    value_width=st.sampled_from([64, 128, 7]),
    dtype=st.sampled_from(["float32", "bfloat16", "float16"]),
    block_tokens=st.just(256),
)
TOKENS = st.sampled_from([1, 2, 31, 32, 63, 64, 65, 100])
EXACT = st.tuples(st.integers(0, 6), st.integers(0, 70))


def a_state(layout: Layout, tokens: int, *, seed: int = 0, scale: float = 1.0) -> State:
    """Numbers like those of a model: in keys, some channels are large in every token."""
    made = torch.Generator().manual_seed(seed)
    dtype = getattr(torch, layout.dtype)
    shape = (layout.layers, tokens, layout.heads)
    keys = torch.randn(*shape, layout.key_width, generator=made)
    keys *= torch.randn(layout.layers, 1, layout.heads, layout.key_width, generator=made) * 5
    values = torch.randn(*shape, layout.value_width, generator=made)
    return State((keys * scale).to(dtype), (values * scale).to(dtype))


def extents(numbers: torch.Tensor, dim: tuple[int, ...]) -> torch.Tensor:
    return numbers.double().abs().amax(dim, keepdim=True)


def off(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one.double() - other.double()).abs()


def ulp(numbers: torch.Tensor) -> torch.Tensor:
    """The most that rounding to the state's own dtype takes away, and a little for underflow."""
    return numbers.double().abs() * torch.finfo(numbers.dtype).eps + torch.finfo(numbers.dtype).tiny


def within(numbers: torch.Tensor, group: int, dim: int, part: float) -> torch.Tensor:
    """So large a part of the greatest of each group of ``numbers`` along a dimension."""
    most = [
        extents(piece, (dim,)).expand(piece.shape) * part
        for piece in torch.split(numbers, group, dim=dim)
    ]
    return torch.cat(most, dim=dim)


@settings(max_examples=60, deadline=None)
@given(LAYOUTS, TOKENS, st.sampled_from(CODECS), EXACT, st.integers(0, 1000))
def test_a_body_has_the_size_that_was_told_and_comes_back_whole_and_by_layers(
    layout: Layout, tokens: int, codec: str, exact: tuple[int, int], seed: int
) -> None:
    state = a_state(layout, tokens, seed=seed)
    body = encode(state, codec, exact_first=exact[0], exact_last=exact[1])
    told = body_bytes(layout, tokens, codec, exact_first=exact[0], exact_last=exact[1])
    assert len(body) == told
    whole = decode(body, codec, tokens, layout)
    for layer in range(layout.layers):
        one = decode_layer(bytes(body), codec, layer, tokens, layout)
        assert torch.equal(one.keys[0], whole.keys[layer])
        assert torch.equal(one.values[0], whole.values[layer])
    assert whole.keys.shape == state.keys.shape
    assert whole.values.dtype == state.values.dtype


@settings(max_examples=40, deadline=None)
@given(LAYOUTS, TOKENS, st.integers(0, 1000))
def test_raw_is_exact_to_the_last_bit(layout: Layout, tokens: int, seed: int) -> None:
    bits = torch.randint(0, 256, (layout.layers * tokens * 4096,), dtype=torch.uint8)
    state = a_state(layout, tokens, seed=seed)
    raw = state.keys.contiguous().view(torch.uint8)  # whatever bits, not a number among them
    raw.copy_(bits[: raw.numel()].view(raw.shape))
    back = decode(encode(state, "raw"), "raw", tokens, layout)
    assert torch.equal(back.keys.view(torch.uint8), state.keys.view(torch.uint8))
    assert torch.equal(back.values.view(torch.uint8), state.values.view(torch.uint8))


@settings(max_examples=40, deadline=None)
@given(LAYOUTS, TOKENS, st.integers(0, 1000))
def test_int8_is_off_by_half_a_step_at_most(layout: Layout, tokens: int, seed: int) -> None:
    state = a_state(layout, tokens, seed=seed)
    back = decode(encode(state, "int8"), "int8", tokens, layout)
    # half of 1/127, and a scale of eight bits that is rounded up; the middle of a grid is rounded
    # to eight bits too, so a grid reaches a little further than its numbers
    part = 0.5 / 127 * (1 + 2**-7)
    near = within(state.keys, 64, 1, part * (1 + 2**-7)) + 2 * ulp(state.keys)
    assert (off(back.keys, state.keys) <= near).all()
    near = within(state.values, layout.value_width, 3, part) + ulp(state.values)
    assert (off(back.values, state.values) <= near).all()


@settings(max_examples=40, deadline=None)
@given(LAYOUTS, TOKENS, st.integers(0, 1000))
def test_fp8_is_off_by_a_sixteenth_of_each_number_at_most(
    layout: Layout, tokens: int, seed: int
) -> None:
    state = a_state(layout, tokens, seed=seed)
    back = decode(encode(state, "fp8"), "fp8", tokens, layout)
    for one, other in ((back.keys, state.keys), (back.values, state.values)):
        # below 2^-6 of its scale a number has fewer than four bits
        smallest = extents(other, (1, 3)) * (1 + 2**-7) / 448 * 2**-10
        assert (off(one, other) <= other.double().abs() / 16 + smallest + ulp(other)).all()


@settings(max_examples=40, deadline=None)
@given(LAYOUTS, TOKENS, EXACT, st.integers(0, 1000))
def test_int4_is_off_by_half_a_step_and_not_at_all_at_its_ends(
    layout: Layout, tokens: int, exact: tuple[int, int], seed: int
) -> None:
    state = a_state(layout, tokens, seed=seed)
    body = encode(state, "int4", exact_first=exact[0], exact_last=exact[1])
    back = decode(body, "int4", tokens, layout)
    first = min(exact[0], tokens)
    last = tokens - min(exact[1], tokens - first)
    for one, other, group, dim in (
        (back.keys, state.keys, 32, 1),
        (back.values, state.values, 32, 3),
    ):
        assert torch.equal(one[:, :first], other[:, :first])
        assert torch.equal(one[:, last:], other[:, last:])
        between = other[:, first:last]
        if first < last:
            # a step is a fifteenth of the way from the least to the greatest, which is at most
            # twice the greatest size; the middle and the step are rounded to eight bits
            near = within(between, group, dim, 1 / 15 + 2**-7) + ulp(between)
            assert (off(one[:, first:last], between) <= near).all()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_constants_and_the_ends_of_the_range_stay_finite_and_near(codec: str, dtype: str) -> None:
    most = torch.finfo(getattr(torch, dtype)).max
    layout = replace(LAYOUT, dtype=dtype)
    for number in (0.0, 1.0, -17.25, 3e-5, most, -most):
        state = empty(layout, 65)
        state.keys.fill_(number)
        state.values.fill_(number)
        back = decode(encode(state, codec), codec, 65, layout)
        for one in (back.keys, back.values):
            assert one.isfinite().all()
            assert (off(one, state.keys) <= abs(number) * 0.01).all()
    state = a_state(layout, 65)
    state.keys[:, ::2], state.keys[:, 1::2] = most, -most
    state.values[..., ::2], state.values[..., 1::2] = most, -most
    back = decode(encode(state, codec), codec, 65, layout)
    assert back.keys.isfinite().all()
    assert back.values.isfinite().all()
    assert (off(back.keys, state.keys) <= most * 0.08).all()
    assert (off(back.values, state.values) <= most * 0.08).all()


@pytest.mark.parametrize("codec", CODECS)
def test_zeros_are_zeros(codec: str) -> None:
    state = empty(LAYOUT, 70)
    state.keys.zero_()
    state.values.zero_()
    back = decode(encode(state, codec), codec, 70, LAYOUT)
    assert not back.keys.any()
    assert not back.values.any()


@pytest.mark.parametrize("codec", ["int8", "fp8", "int4"])
@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_not_finite_can_only_be_kept_raw(codec: str, number: float) -> None:
    for side in ("keys", "values"):
        state = a_state(LAYOUT, 65)
        getattr(state, side)[1, 40, 1, 5] = number
        with pytest.raises(BadInput, match="finite"):
            encode(state, codec)
        back = decode(encode(state, "raw"), "raw", 65, LAYOUT)
        assert not getattr(back, side)[1, 40, 1, 5].isfinite()


@pytest.mark.parametrize("codec", CODECS)
def test_equal_states_have_equal_bodies_however_they_lie(codec: str) -> None:
    state = a_state(LAYOUT, 50)
    turned = State(
        state.keys.transpose(1, 2).contiguous().transpose(1, 2),
        state.values.transpose(1, 2).contiguous().transpose(1, 2),
    )
    assert encode(state, codec, exact_first=4) == encode(turned, codec, exact_first=4)


@pytest.mark.parametrize("codec", CODECS)
def test_a_body_is_read_into_a_slab_without_touching_its_neighbours(codec: str) -> None:
    state = a_state(LAYOUT, 50)
    slab = State(torch.full((3, 200, 2, 64), 7.0), torch.full((3, 200, 2, 64), 7.0))
    out = State(slab.keys[:, 100:150], slab.values[:, 100:150])
    body = encode(state, codec, exact_first=4, exact_last=5)
    assert decode(body, codec, 50, LAYOUT, out=out) is out
    back = decode(body, codec, 50, LAYOUT)
    for one, other in ((slab.keys, back.keys), (slab.values, back.values)):
        assert torch.equal(one[:, 100:150], other)
        assert (one[:, :100] == 7).all()
        assert (one[:, 150:] == 7).all()


def test_a_state_that_lies_as_a_raw_body_is_not_copied() -> None:
    state = empty(LAYOUT, 20)
    state.keys.fill_(1)
    state.values.fill_(2)
    body = encode(state, "raw")
    before = bytes(body)
    state.values[2, 19, 1, 63] = 3
    assert bytes(body) != before
    assert body == encode(State(state.keys.clone(), state.values.clone()), "raw")


def test_a_state_of_a_read_only_body_can_be_written_to_and_the_body_stays() -> None:
    body = bytes(encode(a_state(LAYOUT, 20), "raw"))
    before = bytes(bytearray(body))
    decode(body, "raw", 20, LAYOUT).keys.zero_()
    assert body == before


@pytest.mark.parametrize("codec", CODECS)
def test_a_tensor_is_a_body_too_and_some_layers_are_read_where_it_lies(codec: str) -> None:
    state = a_state(LAYOUT, 50)
    body = torch.frombuffer(bytearray(encode(state, codec, exact_first=4)), dtype=torch.uint8)
    whole = decode(body, codec, 50, LAYOUT)
    out = empty(replace(LAYOUT, layers=2), 50)
    decode_layers(body, form_read(body, LAYOUT, 50, codec), slice(1, 3), out)
    assert torch.equal(out.keys, whole.keys[1:])
    assert torch.equal(out.values, whole.values[1:])


@pytest.mark.parametrize("codec", CODECS)
def test_a_body_goes_through_the_bytes_of_a_block(codec: str) -> None:
    state, name = a_state(LAYOUT, 50), "ab" * 32
    content = packed(name, encode(state, codec), codec=codec, tokens=50, layout=LAYOUT)
    back = decode(body_of(content, name), codec, 50, LAYOUT)
    assert torch.equal(back.keys, decode(encode(state, codec), codec, 50, LAYOUT).keys)


@pytest.mark.parametrize("codec", CODECS)
def test_a_body_of_another_length_is_damaged(codec: str) -> None:
    body = bytes(encode(a_state(LAYOUT, 50), codec))
    for damaged in (b"", body[:8], body[:-1], body + b"\0", body[:-64]):
        with pytest.raises(CorruptionError, match="bytes") as caught:
            decode(damaged, codec, 50, LAYOUT)
        assert caught.value.hint
    for tokens in (0, -1, 49, 51, 257, 2**32 - 1):
        with pytest.raises(CorruptionError):
            decode(body, codec, tokens, LAYOUT)
    with pytest.raises(CorruptionError):
        decode_layer(body[:-1], codec, 0, 50, LAYOUT)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=8, max_size=8))
def test_exact_tokens_that_cannot_be_are_damage(start: bytes) -> None:
    body = bytearray(encode(a_state(LAYOUT, 50), "int4", exact_first=4, exact_last=10))
    right = bytes(body[:8])
    body[:8] = start
    first, last = (int.from_bytes(start[at : at + 4], "little") for at in (0, 4))
    if start == right or (first + last == 14):
        decode(body, "int4", 50, LAYOUT)
    else:
        with pytest.raises(CorruptionError):
            decode(body, "int4", 50, LAYOUT)


def test_what_does_not_fit_is_refused() -> None:
    state = a_state(LAYOUT, 50)
    body = encode(state, "int8")
    for out in (
        empty(LAYOUT, 1),
        empty(LAYOUT, 51),
        empty(replace(LAYOUT, dtype="bfloat16"), 50),
        empty(replace(LAYOUT, value_width=32), 50),
    ):
        with pytest.raises(BadInput, match="room"):
            decode(body, "int8", 50, LAYOUT, out=out)
    with pytest.raises(BadInput, match="layer"):
        decode_layer(body, "int8", 3, 50, LAYOUT)
    with pytest.raises(BadInput, match="int2"):
        encode(state, "int2")
    with pytest.raises(BadInput, match="one state"):
        encode(State(state.keys, state.values[:, :-1]), "raw")
    with pytest.raises(BadInput, match="one state"):
        encode(State(state.keys, state.values.bfloat16()), "raw")
    with pytest.raises(BadInput, match="0 tokens"):
        body_bytes(LAYOUT, 0, "raw")


def test_what_a_number_takes_of_a_full_block() -> None:
    layout = replace(LAYOUT, layers=30, heads=3, dtype="bfloat16")
    numbers = 256 * 30 * 3 * 128
    bits = {codec: 8 * body_bytes(layout, 256, codec) / numbers for codec in CODECS}
    assert bits == pytest.approx({"raw": 16, "int8": 8.375, "fp8": 8, "int4": 5}, abs=0.02)


def test_no_byte_of_a_body_belongs_to_two_parts() -> None:
    for codec in CODECS:
        form = form_of(LAYOUT, 65, codec, exact_first=4, exact_last=7)
        ends = [0]
        for part in form.parts.values():
            assert part.offset >= ends[-1]
            assert codec == "raw" or part.offset % 16 == 0
            ends.append(part.end)
        assert ends[-1] <= form.layer_bytes


@pytest.mark.weights
def test_of_real_state_int8_is_closer_than_fp8_at_the_same_size(smollm2: TorchRuntime) -> None:
    text = "The harbour was quiet that morning, and the baker had left the door open. " * 20
    tokens = smollm2._lm.chat.tokens_of(text)[:200]
    with torch.inference_mode():
        cache = smollm2._lm.model(torch.tensor([list(tokens)]), use_cache=True).past_key_values
    keys = torch.stack([layer.keys[0].transpose(0, 1) for layer in cache.layers])
    values = torch.stack([layer.values[0].transpose(0, 1) for layer in cache.layers])
    state = State(keys, values)
    layout = Layout(keys.shape[0], 3, 64, 64, "float32", 256)
    errors, sizes = {}, {}
    for codec in ("int8", "fp8", "int4"):
        body = encode(state, codec)
        sizes[codec] = len(body)
        back = decode(body, codec, 200, layout)
        errors[codec] = [
            float((one - other).norm() / other.norm())
            for one, other in ((back.keys, keys), (back.values, values))
        ]
    assert sizes["int8"] <= 1.06 * sizes["fp8"]
    assert sizes["int4"] <= 0.65 * sizes["int8"]
    for side in (0, 1):
        assert errors["int8"][side] < errors["fp8"][side] / 2
    exact = decode(encode(state, "int4", exact_first=4, exact_last=64), "int4", 200, layout)
    assert torch.equal(exact.keys[:, :4], keys[:, :4])
    assert torch.equal(exact.values[:, -64:], values[:, -64:])
    assert not torch.equal(exact.keys[:, 4:-64], keys[:, 4:-64])
