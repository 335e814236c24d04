// Words that a name of the model must not become; private to Emit.
#ifndef DTC_LIB_EMIT_RESERVED_H
#define DTC_LIB_EMIT_RESERVED_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace dtc::emit {

/// A keyword of C++ or CUDA, or what may be a macro of a header: it cannot be an identifier anywhere.
bool isReservedWord(llvm::StringRef identifier);

/// What the text of `struct Buffers` uses besides its members.
llvm::ArrayRef<llvm::StringLiteral> wordsOfBuffers();

/// What the emitter prints in kernels, fragments and timelines, and what it declares beside them. What a
/// program calls of the runtime is not among it.
llvm::ArrayRef<llvm::StringLiteral> wordsOfFile();

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_RESERVED_H
