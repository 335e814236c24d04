// Fits the roofline to measured calls.
//
// Given which calls are bound by FLOPs, the formula is linear in the overhead and the
// reciprocal rates. They are those whose FLOPs a byte are above some threshold, so there
// are only as many cases as calls; each is solved, and the best of them taken.
#include "dtc/Cost/Calibration.h"

#include "dtc/Cost/Time.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace dtc;
using llvm::ArrayRef;
using llvm::Twine;

namespace {

/// Seconds a call, a FLOP, a byte.
using Terms = std::array<double, 3>;

/// Solves the `which` rows and columns of a symmetric system by elimination; nothing
/// if they depend on each other.
std::optional<Terms> solve(std::array<Terms, 3> matrix, Terms right, unsigned which) {
  for (unsigned i = 0; i < 3; ++i)
    if (!(which >> i & 1)) {
      matrix[i] = {};
      for (Terms &row : matrix)
        row[i] = 0;
      matrix[i][i] = 1;
      right[i] = 0;
    }
  for (unsigned i = 0; i < 3; ++i) {
    if (matrix[i][i] < 1e-12)
      return std::nullopt;
    for (unsigned row = 0; row < 3; ++row) {
      double factor = row == i ? 0 : matrix[row][i] / matrix[i][i];
      for (unsigned column = 0; column < 3; ++column)
        matrix[row][column] -= factor * matrix[i][column];
      right[row] -= factor * right[i];
    }
  }
  for (unsigned i = 0; i < 3; ++i)
    right[i] /= matrix[i][i];
  return right;
}

double errorOf(const Terms &terms, ArrayRef<MeasuredCall> calls) {
  double sum = 0;
  for (const MeasuredCall &call : calls) {
    double predicted = terms[0] + std::max(call.flops * terms[1], call.bytes * terms[2]);
    double error = predicted / call.seconds - 1;
    sum += error * error;
  }
  return sum;
}

/// The terms of the least error, none negative, when the first `bound` calls are bound
/// by FLOPs and the others by bytes. With three terms all choices of which are zero
/// can be tried.
std::optional<Terms> fit(ArrayRef<MeasuredCall> calls, size_t bound) {
  std::vector<Terms> rows;
  Terms scale = {};
  for (auto [i, call] : llvm::enumerate(calls)) {
    rows.push_back({1 / call.seconds, i < bound ? call.flops / call.seconds : 0,
                    i < bound ? 0 : call.bytes / call.seconds});
    for (unsigned term = 0; term < 3; ++term)
      scale[term] = std::max(scale[term], rows.back()[term]);
  }
  std::array<Terms, 3> matrix = {};
  Terms right = {};
  for (Terms &row : rows)
    for (unsigned i = 0; i < 3; ++i) {
      row[i] = scale[i] > 0 ? row[i] / scale[i] : 0;
      right[i] += row[i];
    }
  for (const Terms &row : rows)
    for (unsigned i = 0; i < 3; ++i)
      for (unsigned j = 0; j < 3; ++j)
        matrix[i][j] += row[i] * row[j];

  std::optional<Terms> best;
  for (unsigned which = 1; which < 8; ++which) {
    std::optional<Terms> terms = solve(matrix, right, which);
    if (!terms || llvm::any_of(*terms, [](double term) { return term < 0; }))
      continue;
    for (unsigned i = 0; i < 3; ++i)
      (*terms)[i] = scale[i] > 0 ? (*terms)[i] / scale[i] : 0;
    if (!best || errorOf(*terms, calls) < errorOf(*best, calls))
      best = terms;
  }
  return best;
}

/// Of the calls of one family; `start` for what they do not show.
llvm::Expected<Rate> rateOf(std::vector<MeasuredCall> calls, const Rate &start,
                            llvm::StringRef family) {
  llvm::stable_sort(calls, [](const MeasuredCall &a, const MeasuredCall &b) {
    return a.flops * b.bytes > b.flops * a.bytes;
  });
  std::optional<Terms> best;
  for (size_t bound = 0; bound <= calls.size(); ++bound)
    if (std::optional<Terms> terms = fit(calls, bound))
      if (!best || errorOf(*terms, calls) < errorOf(*best, calls))
        best = terms;
  if (!best || ((*best)[1] == 0 && (*best)[2] == 0))
    return llvm::createStringError("the times of " + family +
                                   " do not grow with its work: measure larger calls");
  auto [overhead, flop, byte] = *best;
  // A rate that bounds no call is as low as it can be without bounding one.
  double leastFlop = std::numeric_limits<double>::infinity(), leastByte = leastFlop;
  for (const MeasuredCall &call : calls) {
    if (call.flops > 0)
      leastFlop = std::min(leastFlop, call.bytes * byte / call.flops);
    if (call.bytes > 0)
      leastByte = std::min(leastByte, call.flops * flop / call.bytes);
  }
  auto reciprocal = [](double term, double least, double otherwise) {
    if (term > 0)
      return 1 / term;
    return least > 0 && std::isfinite(least) ? 1 / least : otherwise;
  };
  return Rate{reciprocal(flop, leastFlop, start.flopsPerSecond),
              reciprocal(byte, leastByte, start.bytesPerSecond), overhead};
}

bool isMeasured(double amount) { return std::isfinite(amount) && amount >= 0; }

} // namespace

llvm::Expected<Device> dtc::calibrate(Device start, ArrayRef<MeasuredCall> calls) {
  std::array<std::vector<MeasuredCall>, ratedFamilies.size()> byFamily;
  for (const MeasuredCall &call : calls) {
    std::optional<size_t> position = ratePosition(call.family);
    if (!position)
      return llvm::createStringError("a call was measured that takes no time on a device");
    if (!isMeasured(call.flops) || !isMeasured(call.bytes) || !isMeasured(call.seconds) ||
        call.seconds == 0)
      return llvm::createStringError("a measured time of " + Twine(ratedFamilies[*position]) +
                                     " is not a finite number above 0");
    byFamily[*position].push_back(call);
  }
  for (size_t position = 0; position < byFamily.size(); ++position) {
    if (byFamily[position].empty())
      continue;
    llvm::Expected<Rate> rate = rateOf(std::move(byFamily[position]), start.families[position],
                                       ratedFamilies[position]);
    if (!rate)
      return rate.takeError();
    start.families[position] = *rate;
  }
  return start;
}

llvm::Expected<Link> dtc::calibrateLink(ArrayRef<MeasuredMessage> messages) {
  // A message is a call that has only bytes.
  std::vector<MeasuredCall> calls;
  for (const MeasuredMessage &message : messages) {
    if (!isMeasured(message.bytes) || !isMeasured(message.seconds) || message.seconds == 0)
      return llvm::createStringError("a measured time of a message is not a finite number above 0");
    calls.push_back({OpFamily::Movement, 0, message.bytes, message.seconds});
  }
  auto sameSize = [&](const MeasuredMessage &message) {
    return message.bytes == messages.front().bytes;
  };
  if (llvm::all_of(messages, sameSize))
    return llvm::createStringError("messages of one size do not tell latency from bandwidth: "
                                   "measure two sizes");
  llvm::Expected<Rate> rate = rateOf(std::move(calls), Rate(), "messages");
  if (!rate)
    return rate.takeError();
  return Link{rate->overheadSeconds, rate->bytesPerSecond};
}

double dtc::meanError(const Device &device, ArrayRef<MeasuredCall> calls) {
  double sum = 0;
  for (const MeasuredCall &call : calls) {
    double predicted = secondsOf(device, call.family, call.flops, call.bytes);
    sum += std::abs(predicted - call.seconds) / call.seconds;
  }
  return calls.empty() ? 0 : sum / calls.size();
}
