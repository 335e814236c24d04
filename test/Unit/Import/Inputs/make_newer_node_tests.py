#!/usr/bin/env python3
"""Writes the node tests of ONNX that Debian's libonnx-testdata (1.12) is too old for.

Needs the package onnx (made with 1.23) and nothing of dtc. Definitions of opset 22
that only add element types are stated as opset 21.
"""
import pathlib

import numpy
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

NAMES = """
test_averagepool_2d_ceil_last_window_starts_on_pad test_averagepool_2d_dilations
test_averagepool_3d_dilations_small test_matmul_1d_1d test_matmul_1d_3d
test_matmul_4d_1d test_matmul_bcast test_maxpool_2d_ceil_output_size_reduce_by_one
test_maxpool_3d_dilations test_mvn_expanded_ver18
test_reduce_mean_default_axes_keepdims_random test_reduce_mean_do_not_keepdims_random
test_reduce_mean_keepdims_random test_reduce_mean_negative_axes_keepdims_random
test_reduce_sum_empty_axes_input_noop test_reduce_sum_square_keepdims_random_expanded
test_group_normalization_epsilon test_group_normalization_example
test_rms_normalization_3d_axis1_epsilon test_rms_normalization_4d_axis_negative_2
test_l1normalization_axis_0 test_l2normalization_axis_1 test_lpnormalization_default test_gelu_default_1 test_gelu_tanh_1
test_mish test_bitwise_and_i32_2d test_bitwise_or_i32_2d test_bitwise_xor_i32_2d test_bitwise_not_2d test_attention_4d
test_attention_3d_gqa_causal test_attention_4d_softcap test_affine_grid_2d test_affine_grid_3d_align_corners
test_center_crop_pad_crop_and_pad test_col2im_dilations test_lppool_2d_dilations test_rotary_embedding_3d_input
test_rotary_embedding_interleaved test_rotary_embedding_with_rotary_dim test_scatter_elements_with_reduction_max
test_scatternd_min test_dft_irfft
""".split()

numpy.random.seed(0)
folder = pathlib.Path(__file__).parent / "node"
cases = {case.name: case for case in collect_testcases(None)}
for name in NAMES:
    case = cases[name]
    model = case.model
    model.ir_version = 10
    if model.opset_import[0].version == 22:
        model.opset_import[0].version = 21
    data = folder / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (folder / name / "model.onnx").write_bytes(model.SerializeToString())
    inputs, outputs = case.data_sets[0]
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for i, array in enumerate(arrays):
            tensor = numpy_helper.from_array(numpy.asarray(array))
            (data / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())
