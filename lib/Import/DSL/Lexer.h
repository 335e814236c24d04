// Text to tokens.
#ifndef DTC_LIB_IMPORT_DSL_LEXER_H
#define DTC_LIB_IMPORT_DSL_LEXER_H

#include "Reporter.h"

#include "llvm/ADT/StringRef.h"

namespace dtc::dsl {

enum class TokenKind {
  End,
  Invalid, ///< reported by the lexer already
  Identifier,
  Integer,
  Real,
  // Keywords.
  Model, Block, Train, Param, Repeat, As, True, False,
  // Punctuation.
  LeftParen, RightParen, LeftBrace, RightBrace, LeftBracket, RightBracket,
  Comma, Colon, Dot, Equal, Arrow, Pipe, Plus, Minus, Star, Slash, Power,
};

/// How a kind is called in messages: `'('`, `a name`, `the end of the file`.
llvm::StringRef describe(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::End;
  llvm::StringRef text;
  Position position;
  int64_t integer = 0; ///< value of an Integer
  double real = 0;     ///< value of a Real
};

/// Reads tokens from `text`, which must outlive them. Characters that begin no
/// token are reported and become one Invalid token.
class Lexer {
public:
  Lexer(llvm::StringRef text, Reporter &reporter)
      : text(text), reporter(reporter) {}

  Token next();
  /// Makes every further token End.
  void stop() { offset = text.size(); }

private:
  Position here() const {
    return {line, static_cast<unsigned>(offset - lineStart) + 1};
  }
  char peek(size_t ahead = 0) const {
    return offset + ahead < text.size() ? text[offset + ahead] : '\0';
  }
  void advance();
  void skipSpaceAndComments();
  void skipBlockComment();
  Token lexIdentifier();
  Token lexNumber();
  bool lexPunctuation(Token &token);
  Token lexInvalid();

  llvm::StringRef text;
  Reporter &reporter;
  size_t offset = 0, lineStart = 0;
  unsigned line = 1;
};

/// Checks that `text` is UTF-8 without NUL; reports the first bad byte.
bool checkEncoding(llvm::StringRef text, Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_LEXER_H
