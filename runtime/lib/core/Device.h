// Between the loop of run() and the machine that computes the steps: where tensors lie, how the host fills and reads them, when a
// step's results are there. Implemented once by each library (lib/cpu, lib/cuda).
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/plan.h"

#include <functional>
#include <memory>
#include <string_view>

namespace dtcrt {

/// What the command line says to the device.
struct DeviceOptions {
  bool graph = true;     ///< replay captured steps, where the device has such a thing
  bool autotune = false; ///< time the library's implementations at the start and take the fastest
  bool share = false;    ///< several ranks may compute on one device
};

/// Takes an argument that this device knows; false: it is none of this device's.
bool take_device_option(std::string_view argument, DeviceOptions &options);
/// Their lines of --help.
const char *device_help();

/// What a step leaves for the host.
struct Outcome {
  f64 loss = 0, correct = 0;
};

class Device {
public:
  using Access = std::function<void(const Tensor<f32> &host)>;
  enum class Phase { train, evaluate, predict };

  virtual ~Device() = default;

  /// This rank's arena, zeroed, whose first `shared_bytes` hold all that is communicated. Collective, once. AgreedError when it does not fit.
  virtual Arena allocate(std::size_t bytes, std::size_t shared_bytes) = 0;
  /// The tensors that are filled before and read after a step. Once.
  virtual void bind(const Binding &binding) = 0;

  /// `fill` writes the values of a bound tensor, to a tensor of the same shape and layout on the host.
  virtual void write(const Tensor<f32> &tensor, const Access &fill) = 0;
  /// `use` reads the values of a bound tensor. Waits for the steps under way.
  virtual void read(const Tensor<f32> &tensor, const Access &use) = 0;

  /// The inputs, label, weight, loss weight, sample index, step and learning rate to fill for the next step, on the host. What else the binding holds is
  /// the program's own.
  virtual const Binding &batch() = 0;
  /// Starts a step on the batch that was filled. `work` makes the calls of the step; it may be left out where the device
  /// remembers those of an earlier step of this phase.
  virtual void start(Phase phase, const std::function<void()> &work) = 0;
  /// Waits for the first step that was started and not finished yet.
  virtual Outcome finish() = 0;
  /// Steps that may be under way at the same time, at least 1.
  virtual int depth() const = 0;
};

/// The device of this rank. Not collective. Error in one line when there is none. `plan` outlives it.
std::unique_ptr<Device> make_device(Context &ctx, const Plan &plan, const DeviceOptions &options);

} // namespace dtcrt
