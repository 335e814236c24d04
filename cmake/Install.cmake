# What `cmake --install` writes: tools, libraries and headers for people who write passes, the runtime, and the CMake
# package `dtc`; and the Debian package that holds it all. Included last, when all targets are known.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# dtc's headers name each other as "dialects/NN/NN.h" and "dtc/Import/ONNX.h"; they get a root of their own.
set(DTC_INSTALL_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/dtc)
set(DTC_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/dtc)

get_property(libraries GLOBAL PROPERTY DTC_LIBRARIES)
foreach(library ${libraries})
  target_include_directories(${library} PUBLIC $<INSTALL_INTERFACE:${DTC_INSTALL_HEADERS}>)
endforeach()
install(TARGETS ${libraries} EXPORT dtcTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT dtcTargets NAMESPACE dtc:: DESTINATION ${DTC_INSTALL_CMAKE})

foreach(tree ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  install(DIRECTORY ${tree}/dialects DESTINATION ${DTC_INSTALL_HEADERS}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
          PATTERN CMakeFiles EXCLUDE)
  install(DIRECTORY ${tree}/include/dtc DESTINATION ${DTC_INSTALL_HEADERS}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
          PATTERN CMakeFiles EXCLUDE)
endforeach()

configure_package_config_file(cmake/dtcConfig.cmake.in ${PROJECT_BINARY_DIR}/dtcConfig.cmake
  INSTALL_DESTINATION ${DTC_INSTALL_CMAKE})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/dtcConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/dtcConfig.cmake ${PROJECT_BINARY_DIR}/dtcConfigVersion.cmake
        DESTINATION ${DTC_INSTALL_CMAKE})

install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/dtc/examples
        PATTERN "*.sh" EXCLUDE PATTERN README.md EXCLUDE)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_PACKAGE_VENDOR "the dtc authors")
set(CPACK_PACKAGE_CONTACT "the dtc authors <dtc@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
# The tools' own libraries, and what the emitted programs are compiled and linked with.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "libmlir-22, libllvm22, libmimalloc2.0, libonnx1, libprotobuf32, g++ (>= 12), libdnnl-dev, libopenmpi-dev, openmpi-bin, zlib1g-dev")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libmlir-22-dev, mlir-22-tools, llvm-22-dev, cmake")
include(CPack)
