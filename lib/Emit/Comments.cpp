// Comments of any length.
#include "Printer.h"

using namespace dtc::emit;

void dtc::emit::printComment(llvm::raw_ostream &os, llvm::StringRef indent,
                             llvm::StringRef text) {
  constexpr size_t columns = 150;
  const size_t width = columns - indent.size() - llvm::StringRef("// ").size();
  while (!text.empty()) {
    llvm::StringRef line = text;
    if (text.size() > width) {
      size_t comma = text.take_front(width).rfind(", ");
      line =
          text.take_front(comma == llvm::StringRef::npos ? width : comma + 1);
    }
    os << indent << "// " << line << "\n";
    text = text.drop_front(line.size()).ltrim();
  }
}
