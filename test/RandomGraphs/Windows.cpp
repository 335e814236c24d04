// Convolutions, pooling and resizing over one to three dimensions.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

/// Windows along the dimensions behind [N, C].
struct Windows {
  Shape kernel, strides, dilations, pads, sizes;
  std::vector<Attribute> attributes;
};

/// Windows that fit into x; `padding` at most a side, and less than a window.
Windows drawWindows(GraphMaker &maker, const Value &x, bool dilated) {
  Windows windows;
  int64_t spatial = x.rank() - 2;
  windows.pads.resize(2 * spatial, 0);
  for (int64_t d = 0; d < spatial; ++d) {
    int64_t size = x.shape[2 + d];
    int64_t kernel = 1 + maker.draw(std::min<int64_t>(size, 3));
    int64_t dilation = dilated && kernel > 1 && (kernel - 1) * 2 < size && maker.chance(30) ? 2 : 1;
    int64_t stride = 1 + maker.draw(2);
    for (int64_t side : {d, d + spatial})
      windows.pads[side] = kernel > 1 && maker.chance(40) ? 1 : 0;
    int64_t reach = (kernel - 1) * dilation + 1;
    windows.kernel.push_back(kernel);
    windows.strides.push_back(stride);
    windows.dilations.push_back(dilation);
    windows.sizes.push_back((size + windows.pads[d] + windows.pads[d + spatial] - reach) / stride + 1);
  }
  windows.attributes = {{"kernel_shape", windows.kernel}, {"strides", windows.strides}, {"pads", windows.pads}};
  return windows;
}

Shape resultShape(const Value &x, int64_t channels, llvm::ArrayRef<int64_t> sizes) {
  Shape shape = {x.shape[0], channels};
  shape.append(sizes.begin(), sizes.end());
  return shape;
}

bool isSmall(const Value &x) { return x.features() <= 100; }

std::optional<Value> takeImage(GraphMaker &maker) {
  return maker.take([](const Value &value) { return value.rank() >= 3 && value.rank() <= 5 && isSmall(value); });
}

int64_t product(llvm::ArrayRef<int64_t> sizes) {
  int64_t all = 1;
  for (int64_t size : sizes)
    all *= size;
  return all;
}

void addConv(GraphMaker &maker) {
  auto x = takeImage(maker);
  if (!x)
    return;
  Windows windows = drawWindows(maker, *x, true);
  int64_t channels = x->shape[1], groups = channels > 1 && maker.chance(30) ? channels : channels % 2 == 0 && maker.chance(30) ? 2 : 1;
  int64_t outputs = groups * (1 + maker.draw(groups > 2 ? 1 : 3));
  Shape kernel = {outputs, channels / groups};
  kernel.append(windows.kernel);
  std::vector<std::string> inputs = {x->name, maker.weight(kernel, channels / groups * product(windows.kernel))};
  if (maker.chance(60))
    inputs.push_back(maker.parameter({outputs}, 0.2));
  windows.attributes.push_back({"group", groups});
  windows.attributes.push_back({"dilations", windows.dilations});
  bool spread = llvm::any_of(windows.dilations, [](int64_t dilation) { return dilation > 1; });
  if (!spread && maker.chance(20)) { // SAME has its own pads, and a size that follows from strides alone
    windows.attributes[2] = {"auto_pad", maker.oneOf<std::string>({"SAME_UPPER", "SAME_LOWER"})};
    for (size_t d = 0; d < windows.sizes.size(); ++d)
      windows.sizes[d] = (x->shape[2 + d] + windows.strides[d] - 1) / windows.strides[d];
  }
  maker.keep(maker.node("Conv", inputs, windows.attributes), resultShape(*x, outputs, windows.sizes), 1.5 * x->bound);
}

void addConvTranspose(GraphMaker &maker) {
  auto x = takeImage(maker);
  if (!x || x->features() > 40)
    return;
  Windows windows = drawWindows(maker, *x, true);
  int64_t spatial = x->rank() - 2, channels = x->shape[1], groups = channels % 2 == 0 && maker.chance(40) ? 2 : 1, outputs = groups * (1 + maker.draw(2));
  Shape kernel = {channels, outputs / groups}, added(spatial, 0);
  kernel.append(windows.kernel);
  for (int64_t d = 0; d < spatial; ++d) {
    added[d] = windows.strides[d] > 1 ? maker.draw(2) : 0;
    windows.sizes[d] = windows.strides[d] * (x->shape[2 + d] - 1) + added[d] + (windows.kernel[d] - 1) * windows.dilations[d] + 1 - windows.pads[d] -
                       windows.pads[d + spatial];
    if (windows.sizes[d] < 1)
      return;
  }
  std::vector<std::string> inputs = {x->name, maker.weight(kernel, channels / groups * product(windows.kernel))};
  if (maker.chance(50))
    inputs.push_back(maker.parameter({outputs}, 0.2));
  windows.attributes.insert(windows.attributes.end(), {{"group", groups}, {"dilations", windows.dilations}, {"output_padding", added}});
  maker.keep(maker.node("ConvTranspose", inputs, windows.attributes), resultShape(*x, outputs, windows.sizes), 1.5 * x->bound);
}

void addPool(GraphMaker &maker) {
  auto x = takeImage(maker);
  if (!x)
    return;
  bool largest = maker.chance(50);
  Windows windows = drawWindows(maker, *x, largest);
  if (largest)
    windows.attributes.push_back({"dilations", windows.dilations});
  else
    windows.attributes.push_back({"count_include_pad", maker.draw(2)});
  maker.keep(maker.node(largest ? "MaxPool" : "AveragePool", {x->name}, windows.attributes), resultShape(*x, x->shape[1], windows.sizes), x->bound);
}

void addGlobalPool(GraphMaker &maker) {
  auto x = takeImage(maker);
  if (x)
    maker.keep(maker.node(maker.oneOf({"GlobalAveragePool", "GlobalMaxPool"}), {x->name}), resultShape(*x, x->shape[1], Shape(x->rank() - 2, 1)),
               x->bound);
}

/// To twice the size or more, by neighbours or by lines between them.
void addResize(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() == 4 && value.features() <= 30; });
  if (!x)
    return;
  Shape sizes = {x->shape[0], x->shape[1], x->shape[2] * 2, x->shape[3] * (1 + maker.draw(3))};
  std::string scales = maker.constant({4}, {1, 1, 2, static_cast<double>(sizes[3] / x->shape[3])});
  std::vector<Attribute> attributes;
  if (maker.chance(50))
    attributes = {{"mode", std::string("nearest")}, {"coordinate_transformation_mode", std::string("asymmetric")}, {"nearest_mode", std::string("floor")}};
  else
    attributes = {{"mode", std::string("linear")},
                  {"coordinate_transformation_mode", maker.oneOf<std::string>({"half_pixel", "align_corners", "asymmetric"})}};
  maker.keep(maker.node("Resize", {x->name, "", scales}, attributes), sizes, x->bound);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::windowFamilies() {
  static constexpr Family families[] = {
      {"conv", addConv}, {"conv", addConv}, {"conv_transpose", addConvTranspose}, {"pool", addPool}, {"global_pool", addGlobalPool}, {"resize", addResize}};
  return families;
}
