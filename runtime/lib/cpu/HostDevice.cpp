// The host as the device: tensors lie where the host writes them, a step is over when its calls return.
#include "core/Device.h"
#include "dtcrt/world.h"

namespace dtcrt {

namespace {

class HostDevice final : public Device {
public:
  explicit HostDevice(Context &ctx) : ctx_(ctx) {}

  Arena allocate(std::size_t bytes, std::size_t shared_bytes) override { return ctx_.world()->allocate(bytes, shared_bytes); }
  void bind(const Binding &binding) override { binding_ = binding; }
  void write(const Tensor<f32> &tensor, const Access &fill) override { fill(tensor); }
  void read(const Tensor<f32> &tensor, const Access &use) override { use(tensor); }
  const Binding &batch() override { return binding_; }
  void start(Phase, const std::function<void()> &work) override { work(); }
  Outcome finish() override {
    return {binding_.loss ? *binding_.loss.data() : 0, binding_.correct ? *binding_.correct.data() : 0};
  }
  int depth() const override { return 1; }

private:
  Context &ctx_;
  Binding binding_;
};

} // namespace

bool take_device_option(std::string_view, DeviceOptions &) { return false; }
const char *device_help() { return ""; }

std::unique_ptr<Device> make_device(Context &ctx, const Plan &, const DeviceOptions &) { return std::make_unique<HostDevice>(ctx); }

} // namespace dtcrt
