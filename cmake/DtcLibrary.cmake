# Targets of the compiler: one library a stage, TableGen beside the header it makes.

# The compiler's libraries see the source tree (dialects/…), the public headers
# (include/dtc/… as "dtc/…") and what TableGen wrote under the build tree.
set(DTC_INCLUDE_DIRS
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR}/include)

set(DTC_TABLEGEN_INCLUDES
    -I ${PROJECT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/include
    -I ${MLIR_INCLUDE_DIRS})

# dtc_tablegen(FILE.td OUTPUT.inc ARGS...): adds OUTPUT.inc to DTC_GENERATED.
macro(dtc_tablegen source output)
  add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output}
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARGN} ${DTC_TABLEGEN_INCLUDES}
            ${CMAKE_CURRENT_SOURCE_DIR}/${source}
            -o ${CMAKE_CURRENT_BINARY_DIR}/${output}
            --write-if-changed -d ${CMAKE_CURRENT_BINARY_DIR}/${output}.d
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    DEPFILE ${CMAKE_CURRENT_BINARY_DIR}/${output}.d
    COMMENT "TableGen ${output}")
  list(APPEND DTC_GENERATED ${CMAKE_CURRENT_BINARY_DIR}/${output})
endmacro()

# dtc_tablegen_target(NAME): everything generated so far in this folder.
macro(dtc_tablegen_target name)
  add_custom_target(${name} DEPENDS ${DTC_GENERATED})
  set_property(GLOBAL APPEND PROPERTY DTC_TABLEGEN_TARGETS ${name})
  add_dependencies(DtcPrecompiledPIC ${name})
  add_dependencies(DtcPrecompiledPIE ${name})
  set(DTC_GENERATED)
endmacro()

# What nearly every source of the compiler includes, compiled once: parsing it takes most of a source's time. Executables are
# compiled with another option for their addresses and need their own.
foreach(kind PIC PIE)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled/${kind}.cpp CONTENT "")
  add_library(DtcPrecompiled${kind} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled/${kind}.cpp)
  target_include_directories(DtcPrecompiled${kind} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_include_directories(DtcPrecompiled${kind} PRIVATE ${DTC_INCLUDE_DIRS})
  target_precompile_headers(DtcPrecompiled${kind} PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h> <mlir/IR/BuiltinOps.h>
    <mlir/IR/ImplicitLocOpBuilder.h> <mlir/IR/Matchers.h> <mlir/IR/PatternMatch.h>
    <mlir/Interfaces/InferTypeOpInterface.h> <mlir/Interfaces/SideEffectInterfaces.h>
    <mlir/Bytecode/BytecodeOpInterface.h> <mlir/Pass/Pass.h> <mlir/Pass/PassManager.h>
    <llvm/ADT/MapVector.h> <llvm/ADT/StringExtras.h> <llvm/ADT/StringMap.h> <llvm/ADT/TypeSwitch.h>
    <llvm/Support/FormatVariadic.h> <llvm/Support/raw_ostream.h> ${PROJECT_SOURCE_DIR}/dialects/NN/NN.h)
endforeach()
target_compile_options(DtcPrecompiledPIC PRIVATE ${DTC_CLANG_OPTIONS} -fPIC)
target_compile_options(DtcPrecompiledPIE PRIVATE ${DTC_CLANG_OPTIONS} -fPIE)
set_target_properties(DtcPrecompiledPIC DtcPrecompiledPIE PROPERTIES POSITION_INDEPENDENT_CODE OFF)

# dtc_precompiled(TARGET PIC|PIE): the target's sources begin with that header, and are compiled as it is.
function(dtc_precompiled target kind)
  target_compile_options(${target} PRIVATE ${DTC_CLANG_OPTIONS})
  target_precompile_headers(${target} REUSE_FROM DtcPrecompiled${kind})
endfunction()

# dtc_library(NAME SOURCES... [INTERNAL] [LINK libraries...])
# An INTERNAL library is not among those that are installed.
function(dtc_library name)
  cmake_parse_arguments(ARG "INTERNAL" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  foreach(dir ${DTC_INCLUDE_DIRS})
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${dir}>)
  endforeach()
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  dtc_precompiled(${name} PIC)
  get_property(tablegen GLOBAL PROPERTY DTC_TABLEGEN_TARGETS)
  if(tablegen)
    add_dependencies(${name} ${tablegen})
  endif()
  if(NOT ARG_INTERNAL)
    set_property(GLOBAL APPEND PROPERTY DTC_LIBRARIES ${name})
  endif()
endfunction()

# dtc_tool(NAME SOURCES... [LINK libraries...])
function(dtc_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  dtc_precompiled(${name} PIE)
  install(TARGETS ${name} RUNTIME)
endfunction()
