// What the compiler tells the runtime about a program: the plan (facts) and the binding (which tensor is what).
#pragma once

#include "dtcrt/tensor.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dtcrt {

// The names of axes below are not copied: a program's are literals, and a list of strings is long in its compiler.

/// An axis of the device mesh. Ranks are numbered row-major over the axes: the last axis varies fastest.
struct MeshAxis {
  std::string_view name;
  int size = 1;
};

/// A direction in which a program sends: from the rank at one coordinate of an axis to that at another.
struct MessageChannel {
  std::string_view axis;
  int from = 0, to = 0;
};

/// A place on an axis of the mesh.
struct MeshCoordinate {
  std::string_view axis;
  int coordinate = 0;
};

/// All of an arena is shared with the ranks of the host.
inline constexpr std::size_t whole_arena = ~std::size_t(0);

/// What matrix products and convolutions round their operands to. bf16 is also what lies between them in memory, and a matter of the
/// tensors' types alone; tf32 lets a GPU's library do so, and changes nothing on a CPU.
enum class Precision : u8 { f32, tf32, bf16 };

/// Facts fixed at compile time. Only `model`, `devices`, `batch`, `local_batch` and `arena_bytes` have no usable default.
struct Plan {
  std::string model{};
  std::string identity{}; ///< of the program that dtc made, edited or not; ranks of one run have the same
  std::string strategy{}; ///< for people: "data parallel on 4 devices"
  int devices = 1;      ///< ranks that the program was compiled for
  std::vector<MeshAxis> mesh{}; ///< sizes multiply to `devices`; empty: one axis "data" over all
  std::vector<MessageChannel> channels{}; ///< on GPUs: all that the roles send along, each once
  index batch = 0;       ///< samples of a global batch
  index local_batch = 0; ///< rows of a rank's tensors: ceil(batch / ranks that share the batch)
  std::size_t arena_bytes = 0;
  std::size_t shared_bytes = whole_arena; ///< at the beginning of the arena: all that is sent, received or all-reduced lies there
  Precision precision = Precision::f32;
  std::string whole_batches{}; ///< the op for whose sake no batch may be partial: it mixes samples and knows no padding; else empty
  f64 learning_rate = 0; ///< of every step, unless the command line has another
  std::string optimizer{}; ///< "adam"
  std::string loss{};      ///< "cross-entropy"
  index classes = 0;     ///< labels are class ids below this; 0: labels are f32 targets
  std::optional<i64> ignored_label{};  ///< labels that are this do not count in the loss; it need be no class id
  std::vector<f64> class_weights{};    ///< what a label counts in the loss, by class; empty: 1
  bool loss_is_sum = false;            ///< the loss is the sum over labels, not their mean
  bool probabilities = false; ///< labels that are f32 targets lie in [0, 1]
  bool has_accuracy = false;
  f64 flops = 0;         ///< of one rank in one step
  /// Where Init::stored() finds its values; relative to the folder EXECUTABLE.source, or else to that of the executable.
  std::string parameters_file = "parameters.safetensors";
};

/// How a parameter starts. Random values come from Philox4x32 keyed by the seed and the parameter's name:
/// the same for any number of ranks and threads.
struct Init {
  enum class Kind : u8 { uniform, normal, constant, stored };
  Kind kind = Kind::constant;
  f64 a = 0, b = 0;

  static Init uniform(f64 bound) { return {Kind::uniform, -bound, bound}; } ///< in [-bound, bound)
  static Init normal(f64 mean, f64 stddev) { return {Kind::normal, mean, stddev}; }
  static Init constant(f64 value) { return {Kind::constant, value, 0}; }
  static Init stored() { return {Kind::stored, 0, 0}; } ///< the tensor of the same name in Plan::parameters_file
};

/// A tensor of one of the types that data can have.
using DataTensor = std::variant<Tensor<f32>, Tensor<i64>, Tensor<i32>, Tensor<bool>>;

struct InputBinding {
  std::string name; ///< the model's own, as --data=npy:<name>= spells it
  DataTensor tensor;   ///< [local_batch, ...]
  index rows = 0;      ///< of the smallest table that its whole numbers choose from, in [-rows, rows); 0: they choose from none
};

/// What a rank holds of a tensor that the ranks along an axis share out. The whole is read in row-major order as [outer, size, inner]; of n
/// ranks, that at coordinate c has the ceil(size / n) items of the middle dimension from c * ceil(size / n) on. What of its tensor lies
/// beyond the whole's end is padding: it starts at 0 and is in no checkpoint.
struct Share {
  std::string axis;
  Dims whole{}; ///< the shape of what is shared out
  index outer = 1, size = 1, inner = 1;
};

struct ParameterBinding {
  std::string name; ///< in the checkpoint
  Tensor<f32> tensor;
  Init init;
  std::vector<Share> shares{}; ///< a share of a share of … of the parameter; empty: all of it
};

struct StateBinding {
  std::string name; ///< in the checkpoint: "adam.m/conv1.weight"
  Tensor<f32> tensor;
  f64 init = 0;
  std::vector<Share> shares{}; ///< as a parameter's
};

/// Which tensors the runtime fills before a step, and which it reads after one. A role binds what it computes with: it may lack
/// inputs, label, weight, loss weight, sample index, step, learning rate and parameters. A parameter that several roles bind has the same values on all.
struct Binding {
  std::vector<InputBinding> inputs{};
  DataTensor label{};    ///< [local_batch, ...]: i64 class ids or f32 targets; absent for a model without labels
  Tensor<f32> weight{};  ///< [local_batch]: 1 / valid samples of the global batch (evaluation: 1), 0 in padding rows
  Tensor<f32> loss_weight{}; ///< [local_batch]: labels of a sample / what those of the global batch count; bound where they count unlike each other
  Tensor<i64> sample_index{}; ///< [local_batch]: the place of each row in the global batch; absent where nothing is drawn
  Tensor<i64> step{};    ///< scalar: the number of the step that runs, from 1; may be absent
  Tensor<f64> learning_rate{}; ///< scalar: of the step that runs; may be absent
  std::vector<ParameterBinding> parameters{};
  std::vector<StateBinding> state{};
  Tensor<f32> loss{};    ///< scalar: after a step, the loss summed over ranks; the same on all, bound by all roles or none
  Tensor<f32> correct{}; ///< scalar: after an evaluation, the correct samples summed over ranks; absent without accuracy
  Tensor<f32> output{};  ///< [local_batch, ...]: after a prediction, the model's output; bound by the roles that make it

  /// Behind those that are there; the name in the checkpoint is the tensor's own, where none is given.
  void add_parameter(const Tensor<f32> &tensor, const Init &init, std::vector<Share> shares = {});
  void add_parameter(std::string name, const Tensor<f32> &tensor, const Init &init, std::vector<Share> shares = {});
  void add_state(const Tensor<f32> &tensor, f64 init = 0, std::vector<Share> shares = {});
  void add_state(std::string name, const Tensor<f32> &tensor, f64 init = 0, std::vector<Share> shares = {});
};

} // namespace dtcrt
