# For authors of plug-ins:
#
#   assay_add_plugin(NAME SOURCE...)
#     A module NAME.so of kernels. Only what ASSAY_PLUGIN exports is seen from outside.
#
#   assay_discover_tests(TARGET [OP glob] [IMPL glob] [CASE glob] [GOLDEN dir...] [CASES file]
#                        [LABELS label...] [TIMEOUT seconds] [ARGUMENTS argument...])
#     After every build of TARGET, one ctest entry for each op (the stages too, where the kernels
#     make them up), implementation and case that
#     `assay` knows for its kernels: TARGET/op/impl/case, with the op and the backend as labels. A
#     case that a kernel does not support here is reported as skipped.
#     GOLDEN   bundles instead of the ones found by default; the word `generated` stands for the
#              generated cases
#     CASES    a file of generated cases instead of the installed one
#     TIMEOUT  of one entry (default 300)
#     ARGUMENTS  more options for `assay verify`

function(assay_add_plugin name)
    add_library(${name} MODULE ${ARGN})
    target_link_libraries(${name} PRIVATE assay::sdk)
    set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

set(ASSAY_DISCOVER ${CMAKE_CURRENT_LIST_DIR}/assayDiscover.cmake)

function(assay_discover_tests target)
    cmake_parse_arguments(tests "" "OP;IMPL;CASE;CASES;TIMEOUT" "GOLDEN;LABELS;ARGUMENTS" ${ARGN})
    if(tests_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "assay_discover_tests: unknown argument ${tests_UNPARSED_ARGUMENTS}")
    endif()
    # Paths are meant from here, the tests run elsewhere.
    if(tests_CASES)
        get_filename_component(tests_CASES ${tests_CASES} ABSOLUTE)
    endif()
    set(golden)
    foreach(folder IN LISTS tests_GOLDEN)
        if(NOT folder STREQUAL "generated")
            get_filename_component(folder ${folder} ABSOLUTE)
        endif()
        list(APPEND golden ${folder})
    endforeach()
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}-tests.cmake)
    set(pass "-DOUT=${out}" "-DASSAY=$<TARGET_FILE:assay::assay>" "-DPREFIX=${target}"
        "-DPLUGIN=$<TARGET_FILE:${target}>" "-DGOLDEN=${golden}" "-DLABELS=${tests_LABELS}"
        "-DARGUMENTS=${tests_ARGUMENTS}")
    foreach(name OP IMPL CASE CASES TIMEOUT)
        list(APPEND pass "-D${name}=${tests_${name}}")
    endforeach()
    if(NOT EXISTS ${out}) # ctest reads it, the first build writes it
        file(WRITE ${out} "add_test(${target}/not-built \"${CMAKE_COMMAND}\" -E cat "
            "\"${target} is not built: run 'cmake --build' first, which makes its tests\")\n")
    endif()
    add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS ${out} VERBATIM
        COMMAND ${CMAKE_COMMAND} ${pass} -P ${ASSAY_DISCOVER})
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${out})
endfunction()
