# Folders added after this one's inclusion are compiled by LLVM's own clang where it is installed: it takes half of GCC's time for sources
# that include MLIR. The runtime and what links with its mathematics stay with the project's compiler, whose OpenMP the programs use.
# CMake has one compiler a language, but with Ninja each folder's CMAKE_CXX_COMPILER is taken. Sanitizers stay with one compiler for all:
# their libraries do not mix, and clang's are a package of their own.
set(DTC_HOST_COMPILER ${CMAKE_CXX_COMPILER})
find_program(DTC_CLANG NAMES clang++-22 clang++ HINTS ${LLVM_TOOLS_BINARY_DIR} NO_DEFAULT_PATH)
mark_as_advanced(DTC_CLANG)
if(DTC_CLANG AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_GENERATOR MATCHES "Ninja" AND
   NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
  set(CMAKE_CXX_COMPILER ${DTC_CLANG})
  # GCC's options, and a precompiled header that instantiates its templates once and is known by its content (for ccache).
  set(DTC_CLANG_OPTIONS -Wno-unknown-warning-option -Wno-unused-command-line-argument -fpch-instantiate-templates
                        "SHELL:-Xclang -fno-pch-timestamp")
  # CMake, which thinks of GCC, would make the header with -include of its own name: clang then reads the last one made, which is out of date.
  set(CMAKE_CXX_COMPILE_OPTIONS_CREATE_PCH -Xclang -emit-pch -Xclang -include -Xclang <PCH_HEADER> -x c++-header)
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE> -Xclang -include -Xclang <PCH_HEADER>)
endif()
