// Tensors that are one number throughout, as exporters write the constants of a formula.
#ifndef DTC_LIB_RECOGNITION_CONSTANTNUMBER_H
#define DTC_LIB_RECOGNITION_CONSTANTNUMBER_H

#include "mlir/IR/Value.h"

#include <optional>

namespace dtc::recognition {

/// The number that all elements of `tensor` are, a constant of floating-point numbers, perhaps in another shape. None where it is no such
/// constant; a parameter is none, since it is trained.
std::optional<double> numberOf(mlir::Value tensor);

/// Whether the constant of an exported formula is `expected`: within 1e-6 of it, relative to it. So far are the roundings of f32 constants
/// and of the expressions that exporters fold (the root of 2/pi, 0.044715); what was written with fewer digits (1.4142) is another
/// function, and stays one.
bool isNumber(double value, double expected);

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_CONSTANTNUMBER_H
