"""Vectors of pairs of k: where channels fill the lanes of wide registers only to a part."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.cores import WIDE
from support.kernels import assembly_of, assert_computes

from tvm_mnv3.schedules import gemm
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.gemm_space import knobs
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

#: Tiles that divide and that do not, of an even and an odd number of vectors and of rows; a last tile with a vector
#: less; all that a product can be fused with.
CASES = {
    "pointwise_h6w8_i72_o24_f32_bias_add": GemmKnobs(8, 3, 16, pairs=True),
    "pointwise_h7w7_i96_o40_f32_scale_bias": GemmKnobs(3, 2, 16, panel=True, pairs=True, scaled="ahead"),
    "pointwise_h7w7_i96_o40_f32_scale_bias_add": GemmKnobs(4, 2, 16, pairs=True, scaled="weights"),
    "pointwise_h5w5_i34_o24_f32": GemmKnobs(6, 2, 16, pairs=True),
    "pointwise_h6w8_i72_o12_f32_bias_hswish": GemmKnobs(5, 3, 8, pairs=True),
    "pointwise_h6w8_i72_o24_f32w16_bias": GemmKnobs(7, 3, 16, pairs=True),
    "pointwise_n2_h4w4_i48_o40_f32_scale_bias_add": GemmKnobs(5, 2, 16, panel=True, pairs=True, scaled="ahead"),
    "pointwise_h7w7_i48_o88_f32_scale_bias_add": GemmKnobs(7, 3, 16, panel=True, pairs=True, scaled="ahead"),
    "pointwise_h7w7_i24_o56_f32_bias_relu": GemmKnobs(3, 5, 16, pairs=True),
    "pointwise_h5w5_i16_o16_f32_bias_add": GemmKnobs(7, 2, 16, pairs=True),
    "pointwise_h3w3_i16_o24_f32_add": GemmKnobs(3, 1, 16, pairs=True),
}


@pytest.mark.parametrize("name", CASES)
def test_sums_over_even_and_odd_k_agree_with_the_reference(name: str, tmp_path: Path) -> None:
    workload = Workload.parse(name)
    assert CASES[name] in knobs(workload, WIDE)
    assert_computes(workload, tmp_path, CASES[name])


def test_a_lane_holds_every_other_k_of_its_channel() -> None:
    workload = Workload.parse("pointwise_h4w4_i6_o4_f32")
    weight = np.arange(24, dtype=np.float32).reshape(4, 6)
    packed, _ = gemm.pack({"weight": weight}, workload, GemmKnobs(1, 1, 8, pairs=True))
    assert packed.shape == (1, 3, 1, 8)
    for k in range(3):
        np.testing.assert_array_equal(packed[0, k, 0], weight[:, 2 * k : 2 * k + 2].ravel())


def test_two_vectors_hold_the_channels_of_one_across() -> None:
    workload = Workload.parse("pointwise_h4w4_i6_o4_f32")
    weight = np.arange(24, dtype=np.float32).reshape(4, 6)
    packed, _ = gemm.pack({"weight": weight}, workload, GemmKnobs(1, 2, 4, pairs=True))
    assert packed.shape == (1, 3, 2, 4)
    for k in range(3):
        even, odd = weight[:, 2 * k], weight[:, 2 * k + 1]
        np.testing.assert_array_equal(packed[0, k, 0], [even[0], odd[1], even[2], odd[3]])
        np.testing.assert_array_equal(packed[0, k, 1], [even[1], odd[0], even[3], odd[2]])


@pytest.mark.parametrize(
    "name",
    [
        "pointwise_h56w56_i72_o24_f32_bias_add",
        "pointwise_h28w28_i120_o40_f32_scale_bias_add",
        "pointwise_h112w112_i16_o16_f32_bias_add",
    ],
)
def test_pairs_fill_all_lanes_of_24_and_40_channels_and_share_what_16_read(name: str) -> None:
    workload = Workload.parse(name)
    chosen = default(workload, WIDE)
    assert chosen.pairs
    assert workload.out_channels % (chosen.vectors * chosen.channels) == 0


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("pointwise_h14w14_i200_o80_f32_bias_add", WIDE),  # 80 channels fill five vectors
        ("pointwise_h28w28_i120_o40_f32_scale_bias_add", load_core("cortex-a76")),
    ],
)
def test_where_channels_fill_the_lanes_there_are_no_pairs(name: str, core: object) -> None:
    assert not any(each.pairs for each in knobs(Workload.parse(name), core))  # type: ignore[arg-type]


def test_all_sums_stay_in_registers() -> None:
    """Of two neighbouring lanes' sum LLVM would make ``vhaddps``, which knows half of the registers only."""
    workload = Workload.parse("pointwise_h56w56_i72_o24_f32_bias_add")
    assembly = assembly_of(workload, GemmKnobs(8, 3, 16, pairs=True), WIDE)
    assert re.search(r"vfmadd\w+ps\s.*zmm", assembly)
    # Before the first tile the weights of the last steps of k are put there, once for all (`codegen.last_term`).
    tiles = assembly[assembly.index("vfmadd") :]
    assert not re.search(r"%zmm\d+, .*\(%rsp\)", tiles)


def test_a_tile_ends_with_an_exchange_for_two_vectors_and_two_shuffles_for_two_rows_of_one() -> None:
    workload = Workload.parse("pointwise_h56w56_i72_o24_f32_bias_add")
    assembly = assembly_of(workload, GemmKnobs(8, 3, 16, pairs=True), WIDE)
    tiles = assembly[assembly.index("vfmadd") :]
    assert len(re.findall(r"vshufps\s.*%zmm|vpermilps\s.*%zmm", tiles)) == 8
    assert len(re.findall(r"vperm[it]2ps\s.*%zmm", tiles)) == 2 * 8 // 2
    assert not re.search(r"vhaddps|vpermps", tiles)


@pytest.mark.parametrize(
    ("name", "tile"),
    [
        ("pointwise_h4w4_i8_o24_f32_scale", GemmKnobs(4, 3, 16, pairs=True)),
        ("pointwise_h4w4_i8_o24_f32_bias_relu_add", GemmKnobs(4, 3, 16, pairs=True)),
    ],
)
def test_what_pairs_cannot_compute_is_not_in_their_space_and_is_refused(name: str, tile: GemmKnobs) -> None:
    workload = Workload.parse(name)
    assert tile not in knobs(workload, WIDE)
    with pytest.raises(ValueError, match=workload.name):
        gemm.compute(workload, tile)
