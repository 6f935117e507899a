# `cmake --install`: the program, the contract as a C SDK, the cases and golden bundles (a verdict
# then needs nothing else), the CMake package with its functions for plug-ins, a pkg-config file.
# Everything is found relative to where it was installed, so the tree may be moved.
include(CMakePackageConfigHelpers)

add_library(assay_sdk INTERFACE)
set_target_properties(assay_sdk PROPERTIES EXPORT_NAME sdk)
target_include_directories(assay_sdk INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/kernels/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(assay::sdk ALIAS assay_sdk)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
set(made ${PROJECT_BINARY_DIR}/package)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/assayConfig.cmake.in
    ${made}/assayConfig.cmake INSTALL_DESTINATION ${package}
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the contract.
write_basic_package_version_file(${made}/assayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH pkgconfig_to_prefix
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/assay.pc.in ${made}/assay.pc @ONLY)

install(TARGETS assay assay_sdk EXPORT assay)
# `assay selftest mutants` and `gate` look for their plug-ins beside the program.
install(TARGETS assay_mutants assay_planted assay_quantised
    LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT assay NAMESPACE assay:: FILE assayTargets.cmake DESTINATION ${package})
install(FILES ${made}/assayConfig.cmake ${made}/assayConfigVersion.cmake
    ${CMAKE_CURRENT_LIST_DIR}/assayPlugins.cmake ${CMAKE_CURRENT_LIST_DIR}/assayDiscover.cmake
    DESTINATION ${package})
install(FILES ${made}/assay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/kernels/include/assay
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
# The keys of a list of cases, to be read.
install(FILES ${PROJECT_SOURCE_DIR}/fixtures/synth/cases.h
    DESTINATION ${CMAKE_INSTALL_DATADIR}/assay/cases RENAME keys.h)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/fixtures/golden ${PROJECT_SOURCE_DIR}/fixtures/cases
    DESTINATION ${CMAKE_INSTALL_DATADIR}/assay)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/fixtures/world/trained/
    DESTINATION ${CMAKE_INSTALL_DATADIR}/assay/world)
# The accelerator for CUDA, for plug-ins whose kernels run on a GPU: its sources and their headers.
install(FILES ${PROJECT_SOURCE_DIR}/kernels/cuda/accelerator.cu
    ${PROJECT_SOURCE_DIR}/kernels/cuda/timing.cu ${PROJECT_SOURCE_DIR}/kernels/cuda/ceilings.cu
    ${PROJECT_SOURCE_DIR}/kernels/cuda/accelerator.h ${PROJECT_SOURCE_DIR}/kernels/cuda/device.h
    DESTINATION ${CMAKE_INSTALL_DATADIR}/assay/examples/cuda/kernels/cuda)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/kernels/examples
    DESTINATION ${CMAKE_INSTALL_DATADIR}/assay PATTERN "build*" EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/bench/peers DESTINATION ${CMAKE_INSTALL_DATADIR}/assay
    FILES_MATCHING PATTERN "*.py")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/docs/plugins.md
    ${PROJECT_SOURCE_DIR}/docs/peers.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
