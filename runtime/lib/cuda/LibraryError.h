// Failures of NVIDIA's libraries, on their way to the call that adds its operands and the fragment.
#pragma once

#include <stdexcept>
#include <string>

namespace dtcrt {

/// What a library could not do, and why, in one line.
class LibraryError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The first line of a library's message.
inline std::string first_line(const std::string &message) { return message.substr(0, message.find('\n')); }

} // namespace dtcrt
