// Text to tokens: names, numbers, punctuation; comments are // and /* */.
#include "Lexer.h"

#include "dtc/Import/PrintableText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include <cmath>

using namespace dtc::dsl;
using llvm::StringRef;

namespace {
struct Spelling {
  StringRef text;
  TokenKind kind;
};
} // namespace

static constexpr Spelling keywords[] = {
    {"model", TokenKind::Model}, {"block", TokenKind::Block},
    {"train", TokenKind::Train}, {"param", TokenKind::Param},
    {"repeat", TokenKind::Repeat}, {"as", TokenKind::As},
    {"true", TokenKind::True}, {"false", TokenKind::False},
};

// Longer spellings stand before their prefixes.
static constexpr Spelling punctuation[] = {
    {"->", TokenKind::Arrow}, {"|>", TokenKind::Pipe},
    {"**", TokenKind::Power}, {"(", TokenKind::LeftParen},
    {")", TokenKind::RightParen}, {"{", TokenKind::LeftBrace},
    {"}", TokenKind::RightBrace}, {"[", TokenKind::LeftBracket},
    {"]", TokenKind::RightBracket}, {",", TokenKind::Comma},
    {":", TokenKind::Colon}, {".", TokenKind::Dot}, {"=", TokenKind::Equal},
    {"+", TokenKind::Plus}, {"-", TokenKind::Minus}, {"*", TokenKind::Star},
    {"/", TokenKind::Slash},
};

StringRef dtc::dsl::describe(TokenKind kind) {
  switch (kind) {
  case TokenKind::End: return "the end of the file";
  case TokenKind::Invalid: return "an unknown character";
  case TokenKind::Identifier: return "a name";
  case TokenKind::Integer: return "an integer";
  case TokenKind::Real: return "a number";
  case TokenKind::Model: return "'model'";
  case TokenKind::Block: return "'block'";
  case TokenKind::Train: return "'train'";
  case TokenKind::Param: return "'param'";
  case TokenKind::Repeat: return "'repeat'";
  case TokenKind::As: return "'as'";
  case TokenKind::True: return "'true'";
  case TokenKind::False: return "'false'";
  case TokenKind::LeftParen: return "'('";
  case TokenKind::RightParen: return "')'";
  case TokenKind::LeftBrace: return "'{'";
  case TokenKind::RightBrace: return "'}'";
  case TokenKind::LeftBracket: return "'['";
  case TokenKind::RightBracket: return "']'";
  case TokenKind::Comma: return "','";
  case TokenKind::Colon: return "':'";
  case TokenKind::Dot: return "'.'";
  case TokenKind::Equal: return "'='";
  case TokenKind::Arrow: return "'->'";
  case TokenKind::Pipe: return "'|>'";
  case TokenKind::Plus: return "'+'";
  case TokenKind::Minus: return "'-'";
  case TokenKind::Star: return "'*'";
  case TokenKind::Slash: return "'/'";
  case TokenKind::Power: return "'**'";
  }
  return "a token";
}

static bool isNameStart(char c) { return llvm::isAlpha(c) || c == '_'; }
static bool isNamePart(char c) { return llvm::isAlnum(c) || c == '_'; }

void Lexer::advance() {
  if (text[offset++] == '\n') {
    ++line;
    lineStart = offset;
  }
}

void Lexer::skipBlockComment() {
  Position start = here();
  offset += 2;
  while (offset < text.size()) {
    if (peek() == '*' && peek(1) == '/') {
      offset += 2;
      return;
    }
    advance();
  }
  reporter.error(start) << "this comment is never closed by '*/'";
}

void Lexer::skipSpaceAndComments() {
  while (offset < text.size()) {
    if (llvm::isSpace(peek()))
      advance();
    else if (peek() == '/' && peek(1) == '/')
      offset = std::min(text.find('\n', offset), text.size());
    else if (peek() == '/' && peek(1) == '*')
      skipBlockComment();
    else
      return;
  }
}

Token Lexer::lexIdentifier() {
  Token token{TokenKind::Identifier, {}, here()};
  size_t start = offset;
  while (isNamePart(peek()))
    ++offset;
  token.text = text.slice(start, offset);
  for (const Spelling &keyword : keywords)
    if (keyword.text == token.text)
      token.kind = keyword.kind;
  return token;
}

Token Lexer::lexNumber() {
  Token token{TokenKind::Integer, {}, here()};
  size_t start = offset;
  auto skipDigits = [&] {
    while (llvm::isDigit(peek()))
      ++offset;
  };
  skipDigits();
  if (peek() == '.' && llvm::isDigit(peek(1))) {
    token.kind = TokenKind::Real;
    ++offset;
    skipDigits();
  }
  if (peek() == 'e' || peek() == 'E') {
    bool sign = peek(1) == '+' || peek(1) == '-';
    if (llvm::isDigit(peek(1 + sign))) {
      token.kind = TokenKind::Real;
      offset += 1 + sign;
      skipDigits();
    }
  }
  token.text = text.slice(start, offset);
  if (isNamePart(peek())) {
    while (isNamePart(peek()))
      ++offset;
    reporter.error(token.position) << "'" << text.slice(start, offset)
                                   << "' is neither a number nor a name";
    token.kind = TokenKind::Invalid;
  } else if (token.kind == TokenKind::Integer) {
    if (token.text.getAsInteger(10, token.integer))
      reporter.error(token.position)
          << "the integer does not fit in 64 bits (at most "
          << INT64_MAX << ")";
  } else if (token.text.getAsDouble(token.real) || !std::isfinite(token.real)) {
    token.real = 0;
    reporter.error(token.position) << "the number is too large for a double";
  }
  return token;
}

bool Lexer::lexPunctuation(Token &token) {
  for (const Spelling &spelling : punctuation) {
    if (!text.substr(offset).starts_with(spelling.text))
      continue;
    token = {spelling.kind, text.substr(offset, spelling.text.size()), here()};
    offset += spelling.text.size();
    return true;
  }
  return false;
}

/// A run of characters that begin nothing, with one message for all of them.
Token Lexer::lexInvalid() {
  Token token{TokenKind::Invalid, {}, here()};
  auto isKnown = [](char c) {
    return llvm::isSpace(c) || isNamePart(c) ||
           StringRef("-|*(){}[],:.=+/").contains(c);
  };
  size_t start = offset;
  do
    ++offset;
  while (offset < text.size() && !isKnown(peek()));
  token.text = text.slice(start, offset);
  reporter.error(token.position)
      << "'" << token.text.take_front(64) << "' begins no token";
  return token;
}

Token Lexer::next() {
  skipSpaceAndComments();
  if (offset >= text.size())
    return {TokenKind::End, {}, here()};
  if (isNameStart(peek()))
    return lexIdentifier();
  if (llvm::isDigit(peek()))
    return lexNumber();
  Token token;
  return lexPunctuation(token) ? token : lexInvalid();
}

bool dtc::dsl::checkEncoding(StringRef text, Reporter &reporter) {
  Position position;
  for (size_t i = 0; i < text.size();) {
    const auto *bytes = reinterpret_cast<const llvm::UTF8 *>(text.data()) + i;
    unsigned length = llvm::getNumBytesForUTF8(*bytes);
    if (*bytes == 0) {
      reporter.error(position) << "the file holds a NUL byte";
      return false;
    }
    if (i + length > text.size() ||
        !llvm::isLegalUTF8Sequence(bytes, bytes + length)) {
      reporter.error(position) << "the file is not UTF-8 text: byte 0x"
                               << llvm::utohexstr(*bytes, true, 2);
      return false;
    }
    // Messages show the line as it stands; and what reads from right to left could hide what it says.
    if (!StringRef("\t\n\r").contains(text[i]) && shownBytes(text.substr(i)) == 0) {
      reporter.error(position) << "the file holds a character that is not shown (a control character, or one that changes the direction of text): "
                               << printable(text.substr(i, length));
      return false;
    }
    if (*bytes == '\n')
      position = {position.line + 1, 1};
    else
      position.column += length;
    i += length;
  }
  return true;
}
