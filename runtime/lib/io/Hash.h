// XXH64 (Yann Collet, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md): whether two ranks have the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dtcrt {

/// Of all bytes, with seed 0.
std::uint64_t hash_of(std::string_view bytes);
/// 16 hexadecimal digits.
std::string hash_text(std::uint64_t hash);
/// Of a file's bytes, as text; "" where it cannot be read.
std::string hash_of_file(const std::string &path);

} // namespace dtcrt
