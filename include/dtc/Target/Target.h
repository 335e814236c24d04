// What a program can be written for, and what the compiler asks of it.
#ifndef DTC_TARGET_TARGET_H
#define DTC_TARGET_TARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc {

/// One of the runtime's libraries with what it runs on. There is one record of each, and no other: compare by address.
struct Target {
  /// As `--target` names it.
  llvm::StringLiteral name;
  /// What its devices are, in words.
  llvm::StringLiteral devices;
  /// The translation unit in a source folder.
  llvm::StringLiteral sourceFile;
  /// Matrix products take relu's gradient by a mask that the product before left (cuBLASLt).
  bool keepsReluMasks = false;
  /// Its products can round their operands to TF32.
  bool hasTF32 = false;
  /// Threads of a kernel move several elements at a time where sizes and offsets allow it.
  bool movesLanes = false;
  /// The devices' memory is not the host's: a program's constants lie there, and the host asks for their address.
  bool hasMemoryOfItsOwn = false;
  /// A source folder brings the runtime's sources, so that another machine can build it; else it builds with an installed runtime.
  bool bringsRuntime = false;

  static const Target &cpu();
  static const Target &cuda();
  static llvm::ArrayRef<const Target *> all();
  /// Null if there is none of this name.
  static const Target *named(llvm::StringRef name);
  /// "cpu, cuda", for messages.
  static std::string names();
};

} // namespace dtc

#endif // DTC_TARGET_TARGET_H
