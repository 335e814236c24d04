// Tokens to the syntax tree. The grammar stands in Rationale.md.
#ifndef DTC_LIB_IMPORT_DSL_PARSER_H
#define DTC_LIB_IMPORT_DSL_PARSER_H

#include "Ast.h"

namespace dtc::dsl {

/// Parses a whole file. Errors go to `reporter`; what could be parsed is
/// returned all the same, so that a caller may go on looking for errors.
/// The tree refers to `text`.
File parse(llvm::StringRef text, Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_PARSER_H
