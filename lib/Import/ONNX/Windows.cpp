// Sliding windows: the attributes that Conv and the poolings share.
#include "Windows.h"

using namespace mlir;
using namespace dtc::onnximport;

/// A list attribute with `size` elements of at least `low`; all `otherwise` if
/// it is absent.
static SmallVector<int64_t> readSizes(Node &node, StringRef name, size_t size,
                                      int64_t low, int64_t otherwise) {
  auto values = node.integerList(name);
  if (!values)
    return SmallVector<int64_t>(size, otherwise);
  if (values->size() != size)
    node.error() << "attribute '" << name << "' has " << values->size()
                 << " elements, the spatial dimensions need " << size;
  for (int64_t value : *values)
    if (value < low || value > INT32_MAX)
      node.error() << "attribute '" << name << "' holds " << value
                   << ", which is outside " << low << " to " << INT32_MAX;
  return *values;
}

FailureOr<Window> dtc::onnximport::readWindow(Node &node,
                                              ArrayRef<int64_t> input,
                                              ArrayRef<int64_t> kernel,
                                              bool hasDilations) {
  size_t spatial = input.size();
  Window window;
  window.kernel.assign(kernel.begin(), kernel.end());
  window.strides = readSizes(node, "strides", spatial, 1, 1);
  window.dilations.assign(spatial, 1);
  if (hasDilations)
    window.dilations = readSizes(node, "dilations", spatial, 1, 1);
  window.pads = readSizes(node, "pads", 2 * spatial, 0, 0);
  StringRef autoPad = node.string("auto_pad", "NOTSET");
  if (node.failed())
    return failure();
  if (autoPad == "NOTSET")
    return window;

  if (llvm::any_of(window.pads, [](int64_t pad) { return pad != 0; }))
    return node.error() << "auto_pad " << quoted(autoPad)
                        << " and pads exclude each other";
  window.autoPadded = true;
  if (autoPad == "VALID")
    return window;
  if (autoPad != "SAME_UPPER" && autoPad != "SAME_LOWER")
    return node.error() << "auto_pad " << quoted(autoPad)
                        << " is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID";
  // As many windows as ceil(input / stride), centred; an odd element of padding
  // goes to the end (UPPER) or to the beginning (LOWER).
  for (size_t d = 0; d < spatial; ++d) {
    int64_t stride = window.strides[d];
    int64_t extent = (kernel[d] - 1) * window.dilations[d] + 1;
    int64_t windows = (input[d] + stride - 1) / stride;
    int64_t total =
        std::max<int64_t>(0, (windows - 1) * stride + extent - input[d]);
    int64_t small = total / 2, large = total - small;
    bool upper = autoPad == "SAME_UPPER";
    window.pads[d] = upper ? small : large;
    window.pads[spatial + d] = upper ? large : small;
  }
  return window;
}
