// The table of runtime calls.
#include "dialects/RT/RuntimeCalls.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace dtc::rt;
using llvm::StringRef;

using Option = RuntimeOption;
using Options = std::vector<RuntimeOption>;
using Form = RuntimeCall::Form;

static Options operator+(Options all, const Options &more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

static std::vector<RuntimeCall> makeTable() {
  const Options activation = {Option::choice("activation", "none"), Option::real("alpha", 0)};
  const Options geometry = {Option::list("strides", 1), Option::list("dilations", 1), Option::list("pads", 0), Option::integer("groups", 1)};
  const Options window = {Option::requiredList("kernel"), Option::list("strides", 1), Option::list("pads", 0), Option::list("dilations", 1)};
  const Options convGradient = Options{Option::buffer("bias_gradient")} + geometry;
  const Options alongLast = {Option::integer("axis", -1)};
  const Options crossEntropy = {Option::buffer("class_weight"), Option::integer("axis", -1),
                                Option::integer("ignore_index", std::numeric_limits<int64_t>::min()), Option::real("label_smoothing", 0)};
  const Options block = {Option::requiredList("offsets"), Option::list("steps", 1)};
  const Options attention = {Option::buffer("mask"), Option::buffer("bias"), Option::real("scale", 1), Option::flag("causal"),
                             Option::flag("positions_first")};
  std::vector<RuntimeCall> table = {
      {"attention", "attention.h", 3, 2, 1, Form::Plain, "AttentionOptions", attention},
      {"attention_gradient", "attention.h", 6, 4, 1, Form::Plain, "AttentionOptions", attention},
      {"avg_pool", "pooling.h", 1, 1, 0, Form::Plain, "AvgPoolOptions", window + Options{Option::flag("count_include_pad")}},
      {"avg_pool_gradient", "pooling.h", 1, 1, 0, Form::Plain, "AvgPoolOptions", window + Options{Option::flag("count_include_pad")}},
      {"batch_norm", "normalisation.h", 4, 5, 0, Form::Plain, "BatchNormOptions",
       Options{Option::buffer("running_mean"), Option::buffer("running_variance"), Option::buffer("residual"), Option::real("epsilon", 1e-5),
               Option::flag("biased_variance")} +
           activation},
      {"batch_norm_gradient", "normalisation.h", 6, 3, 0, Form::Plain, "BatchNormGradientOptions", {Option::buffer("relu_bias")}},
      {"binary_cross_entropy", "loss.h", 3, 2, 1},
      {"binary_cross_entropy_with_logits", "loss.h", 3, 2, 1},
      {"broadcast", "movement.h", 1, 1},
      {"cast", "cast.h", 2, 0, 0, Form::Tuples},
      {"concat", "movement.h", 1, 1, 0, Form::List, "ConcatOptions", {Option::integer("axis", 0)}},
      {"conv", "convolution.h", 2, 1, 0, Form::Plain, "ConvOptions", Options{Option::buffer("bias")} + geometry + activation},
      {"conv_input_gradient", "convolution.h", 2, 1, 0, Form::Plain, "ConvGradientOptions", convGradient},
      {"conv_weight_gradient", "convolution.h", 2, 1, 0, Form::Plain, "ConvGradientOptions", convGradient},
      {"copy", "movement.h", 1, 1},
      {"count_correct", "loss.h", 3, 1, 0, Form::Plain, "LossOptions", crossEntropy},
      {"dropout", "random.h", 2, 1, 0, Form::Plain, "DropoutOptions",
       {Option::buffer("sample"), Option::real("ratio", 0), Option::integer("stream", 0), Option::integer("outer", 1)}},
      {"fill", "movement.h", 0, 1, 0, Form::Plain, "", {Option::argument("value")}},
      {"gather", "gather.h", 2, 1, 0, Form::Plain, "GatherOptions", {Option::integer("axis", 0)}},
      {"gather_gradient", "gather.h", 2, 1, 0, Form::Plain, "GatherGradientOptions", {Option::integer("axis", 0), Option::flag("accumulate")}},
      {"group_norm", "sample_normalisation.h", 3, 3, 0, Form::Plain, "GroupNormOptions", {Option::real("epsilon", 1e-5)}},
      {"group_norm_gradient", "sample_normalisation.h", 5, 3},
      {"insert", "movement.h", 1, 1, 0, Form::Plain, "SliceOptions", block},
      {"layer_norm", "sample_normalisation.h", 1, 3, 0, Form::Plain, "LayerNormOptions",
       {Option::buffer("scale"), Option::buffer("bias"), Option::real("epsilon", 1e-5)}},
      {"layer_norm_gradient", "sample_normalisation.h", 3, 1, 0, Form::Plain, "LayerNormGradientOptions",
       {Option::buffer("mean"), Option::buffer("scale"), Option::buffer("scale_gradient"), Option::buffer("bias_gradient")}},
      {"log_softmax", "reduction.h", 1, 1, 0, Form::Plain, "SoftmaxOptions", alongLast},
      {"lstm", "recurrent.h", 4, 3, 0, Form::Plain, "LstmOptions", {Option::flag("reverse")}},
      {"lstm_gradient", "recurrent.h", 7, 4, 0, Form::Plain, "LstmGradientOptions", {Option::buffer("cell_gradient"), Option::flag("reverse")}},
      {"matmul", "matmul.h", 2, 1, 0, Form::Plain, "MatmulOptions",
       Options{Option::buffer("bias"), Option::buffer("gradient_at"), Option::buffer("bias_gradient"), Option::buffer("bias_gradient_a"),
               Option::buffer("bias_gradient_b"), Option::buffer("relu_mask"), Option::flag("transpose_a"), Option::flag("transpose_b")} +
           activation + Options{Option::choice("activation_gradient", "none"), Option::flag("accumulate")}},
      {"max_pool", "pooling.h", 1, 2, 1, Form::Plain, "MaxPoolOptions", window + activation},
      {"max_pool_gradient", "pooling.h", 2, 1, 0, Form::Plain, "MaxPoolOptions", window},
      {"receive_made_up", "measure.h", 0, 1},
      {"reduce_sum", "reduction.h", 1, 1, 0, Form::Plain, "ReduceOptions", {Option::list("axes")}},
      {"rms_norm", "sample_normalisation.h", 1, 2, 0, Form::Plain, "RmsNormOptions", {Option::buffer("scale"), Option::real("epsilon", 1e-5)}},
      {"running_average_update", "normalisation.h", 2, 0, 0, Form::Tuples, "RunningAverageOptions", {Option::real("momentum", 0.1)}},
      {"slice", "movement.h", 1, 1, 0, Form::Plain, "SliceOptions", block},
      {"softmax", "reduction.h", 1, 1, 0, Form::Plain, "SoftmaxOptions", alongLast},
      {"softmax_cross_entropy", "loss.h", 3, 2, 1, Form::Plain, "LossOptions", crossEntropy},
      {"take_part", "comm.h", 1, 1, 0, Form::Plain, "PartOptions", {Option::integer("dimension", -1), Option::text("axis")}},
      {"transpose", "movement.h", 1, 1, 0, Form::Plain, "TransposeOptions", {Option::requiredList("perm")}},
      {"update_parameters", "update.h", 2, 0, 0, Form::OfFormula},
  };
  llvm::sort(table, [](const RuntimeCall &a, const RuntimeCall &b) { return a.callee < b.callee; });
  return table;
}

llvm::ArrayRef<RuntimeCall> dtc::rt::runtimeCalls() {
  static const std::vector<RuntimeCall> table = makeTable();
  return table;
}

const RuntimeCall *dtc::rt::runtimeCall(StringRef callee) {
  llvm::ArrayRef<RuntimeCall> calls = runtimeCalls();
  auto *found = llvm::lower_bound(calls, callee, [](const RuntimeCall &call, StringRef name) { return call.callee < name; });
  return found == calls.end() || found->callee != callee ? nullptr : found;
}

const RuntimeOption *RuntimeCall::option(StringRef name) const {
  auto found = llvm::find_if(options, [&](const RuntimeOption &option) { return option.name == name; });
  return found == options.end() ? nullptr : &*found;
}
