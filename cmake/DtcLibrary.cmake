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
  set(DTC_GENERATED)
endmacro()

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
  install(TARGETS ${name} RUNTIME)
endfunction()
