// What every call of a library is wrapped in: its failure as one line that names the call, its operands as the model does, and the
// fragment.
#pragma once

#include "cuda/Backend.h"
#include "cuda/LibraryError.h"

#include <source_location>

namespace dtcrt {

template <class A, class B, class Y, class Call>
void guarded(Context &ctx, const char *name, const Tensor<A> &a, const Tensor<B> &b, const Tensor<Y> &result, Call call,
             const std::source_location &where = std::source_location::current()) {
  try {
    call();
  } catch (const LibraryError &error) {
    const auto &fragments = ctx.backend().fragments;
    const std::string file = where.file_name();
    throw Error(std::string(name) + " of " + to_string(a) + " and " + to_string(b) + " to " + to_string(result) + ": " + error.what() +
                (fragments.empty() ? "" : ", in fragment '" + std::string(fragments.back()) + "'") + " (" +
                file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line()) + ")");
  }
}

/// Part of a workspace, aligned as libraries want it.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

} // namespace dtcrt
