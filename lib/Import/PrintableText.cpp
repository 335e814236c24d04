// What a file says, as text that a terminal only shows.
#include "dtc/Import/PrintableText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/raw_ostream.h"

using llvm::StringRef;

/// Code points that act instead of being shown: C0, DEL, C1, line and paragraph separators, and what changes the direction of text (Unicode's
/// property Bidi_Control).
static bool acts(llvm::UTF32 point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

size_t dtc::shownBytes(StringRef text) {
  const auto *at = reinterpret_cast<const llvm::UTF8 *>(text.data());
  unsigned length = text.empty() ? 0 : llvm::getNumBytesForUTF8(*at);
  if (length == 0 || length > text.size() || !llvm::isLegalUTF8Sequence(at, at + length))
    return 0;
  llvm::UTF32 point = 0;
  if (llvm::convertUTF8Sequence(&at, at + length, &point, llvm::strictConversion) != llvm::conversionOK || acts(point))
    return 0;
  return length;
}

std::string dtc::printable(StringRef text) {
  std::string result;
  llvm::raw_string_ostream os(result);
  while (!text.empty()) {
    size_t length = shownBytes(text);
    if (length) {
      os << text.take_front(length);
    } else {
      auto byte = static_cast<unsigned char>(text.front());
      os << "\\x" << llvm::hexdigit(byte >> 4) << llvm::hexdigit(byte & 15);
    }
    text = text.drop_front(std::max<size_t>(length, 1));
  }
  return result;
}
