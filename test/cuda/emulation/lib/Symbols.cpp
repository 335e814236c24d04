// Reads the symbol table of the program's file: kernels and shared variables are local symbols, which the dynamic linker does not know.
#include "Symbols.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <link.h>

namespace cuda_emulation {

namespace {

/// Where this program was loaded.
std::uintptr_t load_address() {
  std::uintptr_t base = 0;
  dl_iterate_phdr(
      [](dl_phdr_info *info, std::size_t, void *base) { // the program itself comes first
        *static_cast<std::uintptr_t *>(base) = info->dlpi_addr;
        return 1;
      },
      &base);
  return base;
}

/// Calls visit(name, symbol) for all symbols of the program.
template <class Visit> void for_symbols(Visit visit) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::vector<char> image((std::istreambuf_iterator<char>(file)), {});
  if (image.size() < sizeof(Elf64_Ehdr) || image[EI_CLASS] != ELFCLASS64)
    return;
  const auto *header = reinterpret_cast<const Elf64_Ehdr *>(image.data());
  const auto *sections = reinterpret_cast<const Elf64_Shdr *>(image.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB)
      continue;
    const auto *symbols = reinterpret_cast<const Elf64_Sym *>(image.data() + sections[i].sh_offset);
    const char *names = image.data() + sections[sections[i].sh_link].sh_offset;
    for (std::size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); ++s)
      visit(names + symbols[s].st_name, symbols[s]);
  }
}

/// "void f<int>(float*, int)" without what the last parentheses hold.
std::string without_parameters(const std::string &name) {
  std::size_t at = name.rfind(')');
  for (int depth = 0; at != std::string::npos && at > 0; --at) {
    depth += name[at] == ')' ? 1 : name[at] == '(' ? -1 : 0;
    if (depth == 0)
      return name.substr(0, at);
  }
  return name;
}

} // namespace

std::string kernel_name(const void *address) {
  const std::uintptr_t wanted = reinterpret_cast<std::uintptr_t>(address) - load_address();
  std::string result = "kernel";
  for_symbols([&](const char *name, const Elf64_Sym &symbol) {
    if (symbol.st_value != wanted || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC)
      return;
    int status = 0;
    char *text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
    result = "kernel " + without_parameters(text ? text : name);
    std::free(text);
  });
  return result;
}

const std::vector<std::span<std::byte>> &shared_variables() {
  static const std::vector<std::span<std::byte>> variables = [] {
    std::vector<std::span<std::byte>> found;
    const std::uintptr_t base = load_address();
    for_symbols([&](const char *name, const Elf64_Sym &symbol) { // __shared__ gives them this ABI tag
      if (ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && std::strstr(name, "B13shared_memory"))
        found.push_back({reinterpret_cast<std::byte *>(base + symbol.st_value), symbol.st_size});
    });
    return found;
  }();
  return variables;
}

} // namespace cuda_emulation
