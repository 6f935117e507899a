# Every test of the project, run by ctest: Criterion programs room by room, the arrows between
# rooms, the contract's headers one by one, each (op, implementation) through the program itself.
if(NOT ASSAY_TESTS)
    return()
endif()
enable_testing()
pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)

# Plug-ins that misbehave, for the tests of isolation and of timing; never sanitized, they are
# loaded by what is.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/verify/tests/plugins/*.c
    ${PROJECT_SOURCE_DIR}/bench/tests/plugins/*.c)
add_custom_target(test_plugins)
foreach(source IN LISTS sources)
    get_filename_component(stem ${source} NAME_WE)
    add_library(test_plugin_${stem} MODULE EXCLUDE_FROM_ALL ${source})
    target_include_directories(test_plugin_${stem} PRIVATE ${PROJECT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/kernels/include)
    target_compile_definitions(test_plugin_${stem} PRIVATE _GNU_SOURCE)
    target_compile_options(test_plugin_${stem} PRIVATE -fstack-protector-all
        -Wno-initializer-overrides)
    set_target_properties(test_plugin_${stem} PROPERTIES PREFIX "" OUTPUT_NAME ${stem}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test_plugins)
    if(stem STREQUAL "runner_up") # on quantised weights
        target_sources(test_plugin_${stem} PRIVATE ${PROJECT_SOURCE_DIR}/kernels/quantised/linear.c
            ${PROJECT_SOURCE_DIR}/kernels/quantised/matrix.c)
    endif()
    if(stem MATCHES "^(stages|fused|no_bias|runner_up)$") # made of what the built-in kernels are made of
        target_link_libraries(test_plugin_${stem} PRIVATE assay_flags assay_kernels)
        target_link_options(test_plugin_${stem} PRIVATE LINKER:--exclude-libs,ALL)
    endif()
    if(stem STREQUAL "company") # leaves modes in threads of the team it shares
        target_link_libraries(test_plugin_${stem} PRIVATE OpenMP::OpenMP_C)
    endif()
    add_dependencies(test_plugins test_plugin_${stem})
endforeach()

# Another, for an emulated device.
if(TARGET assay_cuda_emulated_device)
    file(GLOB emulator CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/cuda/emulate/*.cc)
    set(deeds ${PROJECT_SOURCE_DIR}/verify/tests/plugins/device/deeds.cu)
    file(GLOB timing CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/cuda/timing.cu
        ${PROJECT_SOURCE_DIR}/kernels/cuda/ceilings.cu ${PROJECT_SOURCE_DIR}/kernels/cuda/staging.cu)
    set_source_files_properties(${deeds} ${timing} PROPERTIES LANGUAGE CXX
        COMPILE_OPTIONS "-x;c++")
    add_library(test_plugin_device MODULE EXCLUDE_FROM_ALL ${deeds} ${timing} ${emulator})
    assay_emulated(test_plugin_device)
    target_compile_definitions(test_plugin_device PRIVATE ASSAY_EMULATED_DEVICE)
    set_target_properties(test_plugin_device PROPERTIES PREFIX "" OUTPUT_NAME device
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test_plugins)
    add_dependencies(test_plugins test_plugin_device)
endif()

foreach(room ref kernels fixtures verify statistics bench reports)
    set(folder ${room})
    if(room STREQUAL statistics)
        set(folder bench/statistics)
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/tests/*.c)
    get_property(extra GLOBAL PROPERTY ASSAY_TEST_LINK_${room})
    foreach(source IN LISTS sources)
        get_filename_component(stem ${source} NAME_WE)
        if(room STREQUAL verify AND stem STREQUAL device AND NOT TARGET test_plugin_device)
            continue() # no C++ compiler
        endif()
        set(test ${room}_${stem})
        add_executable(test_${test} EXCLUDE_FROM_ALL ${source})
        target_link_libraries(test_${test} PRIVATE assay_${room} ${extra} PkgConfig::CRITERION)
        target_compile_definitions(test_${test} PRIVATE
            ASSAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ASSAY_BINARY="$<TARGET_FILE:assay>"
            ASSAY_TEST_PLUGINS="${PROJECT_BINARY_DIR}/test_plugins")
        if(room MATCHES "^(verify|bench|reports)$")
            add_dependencies(test_${test} assay test_plugins assay_mutants assay_planted)
        endif()
        if(test MATCHES "^(bench_gpu|kernels_generate_device|kernels_fusion|reports_project_gpu)")
            if(NOT TARGET assay_cuda_emulated_device)
                continue()
            endif()
            add_dependencies(test_${test} assay_cuda_emulated assay_cuda_emulated_device)
        endif()
        if(test STREQUAL kernels_generate_slots)
            if(NOT TARGET assay_simd)
                continue()
            endif()
            add_dependencies(test_${test} assay_simd)
        endif()
        # Criterion's own macros convert and shadow.
        target_compile_options(test_${test} PRIVATE -Wno-conversion -Wno-shadow
            -Wno-missing-prototypes)
        add_test(NAME ${room}/${stem} COMMAND test_${test})
        set_tests_properties(${room}/${stem} PROPERTIES LABELS ${room} TIMEOUT 600
            ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
        list(APPEND test_programs test_${test})
    endforeach()
endforeach()
add_custom_target(tests ALL DEPENDS ${test_programs})

# The clock of PyTorch's peer on a GPU, on one that is played.
find_program(ASSAY_PYTHON python3)
if(ASSAY_PYTHON)
    add_test(NAME bench/peers-cuda-clock COMMAND ${ASSAY_PYTHON}
        ${PROJECT_SOURCE_DIR}/bench/tests/peers/cuda_clock_test.py
        ${PROJECT_BINARY_DIR}/test_plugins/nvml.so)
    set_tests_properties(bench/peers-cuda-clock PROPERTIES LABELS bench TIMEOUT 60
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endif()

add_test(NAME ci/arrows COMMAND ${PROJECT_SOURCE_DIR}/ci/arrows)
add_test(NAME ci/arrows-see-a-wrong-include COMMAND ${PROJECT_SOURCE_DIR}/ci/arrows-test)
add_test(NAME ci/headers COMMAND ${PROJECT_SOURCE_DIR}/ci/headers)
add_test(NAME ci/plugin COMMAND ${PROJECT_SOURCE_DIR}/ci/plugin-test ${PROJECT_BINARY_DIR})
add_test(NAME ci/nightly COMMAND ${PROJECT_SOURCE_DIR}/ci/nightly-test ${PROJECT_BINARY_DIR})
add_test(NAME ci/kill COMMAND ${PROJECT_SOURCE_DIR}/ci/kill-test ${PROJECT_BINARY_DIR})
set_tests_properties(ci/arrows ci/arrows-see-a-wrong-include ci/headers ci/plugin ci/nightly ci/kill
    PROPERTIES LABELS ci)
set_tests_properties(ci/plugin ci/nightly ci/kill PROPERTIES TIMEOUT 900
    ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")

# The checker judged: every mutant on some seeds, some runs of right kernels. reports/verify/ holds
# longer runs.
set(selftest_seeds ${ASSAY_SELFTEST_SEEDS})
if(ASSAY_SANITIZE OR ASSAY_COVERAGE)
    set(selftest_seeds 1)
endif()
add_test(NAME selftest/mutants COMMAND assay selftest mutants --seeds ${selftest_seeds})
add_test(NAME selftest/false-alarms COMMAND assay selftest false-alarms --runs 200)
add_test(NAME selftest/timer COMMAND assay selftest timer --quick)
set_tests_properties(selftest/mutants selftest/false-alarms selftest/timer PROPERTIES
    LABELS selftest TIMEOUT 1800 PROCESSORS 2 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
# It times: alone, and what is timed must not be instrumented.
if(NOT ASSAY_SANITIZE AND NOT ASSAY_COVERAGE)
    add_test(NAME selftest/gate COMMAND assay selftest gate --quick)
    set_tests_properties(selftest/gate PROPERTIES LABELS selftest TIMEOUT 600 RUN_SERIAL ON
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
endif()

set(discovered ${PROJECT_BINARY_DIR}/discovered.cmake)
add_custom_command(OUTPUT ${discovered}
    COMMAND ${CMAKE_COMMAND} -DASSAY=$<TARGET_FILE:assay> -DOUT=${discovered}
        -DGOLDEN=${PROJECT_SOURCE_DIR}/fixtures/golden
        -DWORLD=${PROJECT_SOURCE_DIR}/fixtures/world/trained -P ${PROJECT_SOURCE_DIR}/ci/discover.cmake
    DEPENDS assay ${PROJECT_SOURCE_DIR}/ci/discover.cmake
        ${PROJECT_SOURCE_DIR}/ci/package/assayDiscover.cmake)
add_custom_target(discover ALL DEPENDS ${discovered})
set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${discovered})

# The module of x86's vector instructions; what this processor lacks is skipped.
if(TARGET assay_simd)
    add_test(NAME kernels/simd COMMAND assay verify --quick --impl avx*,amx*
        --plugin $<TARGET_FILE:assay_simd>)
    set_tests_properties(kernels/simd PROPERTIES LABELS kernels TIMEOUT 1200 PROCESSORS 2
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
endif()

# Of the same module: what screens has the bits of what it stands for, and so has what is fused.
if(TARGET assay_simd)
    foreach(test screened linear_sample)
        string(REPLACE _ - name ${test})
        add_executable(test_simd_${test} EXCLUDE_FROM_ALL
            ${PROJECT_SOURCE_DIR}/kernels/simd/tests/${test}.c)
        target_link_libraries(test_simd_${test} PRIVATE assay_kernels assay_ref
            PkgConfig::CRITERION)
        target_compile_definitions(test_simd_${test} PRIVATE
            ASSAY_MODULE="$<TARGET_FILE:assay_simd>")
        target_compile_options(test_simd_${test} PRIVATE -Wno-conversion -Wno-shadow
            -Wno-missing-prototypes)
        add_dependencies(test_simd_${test} assay_simd)
        add_dependencies(tests test_simd_${test})
        add_test(NAME kernels/simd-${name} COMMAND test_simd_${test})
        set_tests_properties(kernels/simd-${name} PROPERTIES LABELS kernels TIMEOUT 1200
            ENVIRONMENT OMP_WAIT_POLICY=passive)
    endforeach()
endif()

# The modules of CPU libraries, where they were found.
foreach(library openblas onednn)
    if(TARGET assay_${library})
        add_test(NAME kernels/${library} COMMAND assay verify --quick --impl ${library}*
            --plugin $<TARGET_FILE:assay_${library}>)
        set_tests_properties(kernels/${library} PROPERTIES LABELS kernels TIMEOUT 1200 PROCESSORS 2
            WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
            ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
        add_executable(test_library_${library} EXCLUDE_FROM_ALL
            ${PROJECT_SOURCE_DIR}/kernels/library/tests/threads.c)
        target_link_libraries(test_library_${library} PRIVATE assay_kernels assay_ref
            PkgConfig::CRITERION)
        target_compile_definitions(test_library_${library} PRIVATE
            ASSAY_MODULE="$<TARGET_FILE:assay_${library}>")
        target_compile_options(test_library_${library} PRIVATE -Wno-conversion -Wno-shadow
            -Wno-missing-prototypes)
        add_dependencies(test_library_${library} assay_${library})
        add_dependencies(tests test_library_${library})
        add_test(NAME kernels/${library}-threads COMMAND test_library_${library})
        set_tests_properties(kernels/${library}-threads PROPERTIES LABELS kernels TIMEOUT 300
            ENVIRONMENT OMP_WAIT_POLICY=passive)
    endif()
endforeach()

# What is measured on a CPU, its parts played; the table of targets.
add_test(NAME ci/measure-cpu COMMAND ${PROJECT_SOURCE_DIR}/ci/measure-cpu-test
    ${PROJECT_BINARY_DIR})
set_tests_properties(ci/measure-cpu PROPERTIES LABELS reports TIMEOUT 120)

# What goes to a machine with a GPU and no network; what runs there, its parts played.
add_test(NAME cuda/bundle COMMAND ${PROJECT_SOURCE_DIR}/ci/bundle-test)
set_tests_properties(cuda/bundle PROPERTIES LABELS cuda TIMEOUT 300 SKIP_RETURN_CODE 77)
# Not under the sanitizers, which take the modules' C++ library for a leak.
if(NOT ASSAY_SANITIZE)
    add_test(NAME cuda/gpu COMMAND ${PROJECT_SOURCE_DIR}/ci/gpu-test ${PROJECT_BINARY_DIR})
    set_tests_properties(cuda/gpu PROPERTIES LABELS cuda TIMEOUT 300)
endif()

# Which architectures a toolkit is asked for, and that one too old is refused.
add_test(NAME cuda/toolkit
    COMMAND ${CMAKE_COMMAND} -P ${PROJECT_SOURCE_DIR}/ci/cuda-toolkit-test.cmake)
set_tests_properties(cuda/toolkit PROPERTIES LABELS cuda)

# The CUDA kernels judged through the emulator, which is judged before; of the module itself what
# can be seen without a GPU.
if(TARGET assay_cuda_emulated)
    add_subdirectory(kernels/cuda/emulate/tests)
    add_subdirectory(kernels/fused/tests)
    add_subdirectory(kernels/hopper/tests)
    add_subdirectory(kernels/tensor/tests)
    foreach(twin emulated emulated_device)
        add_test(NAME cuda/${twin}
            COMMAND assay verify --quick --plugin $<TARGET_FILE:assay_cuda_${twin}>)
        set_tests_properties(cuda/${twin} PROPERTIES LABELS cuda TIMEOUT 1200 PROCESSORS 2
            WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
            ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
    endforeach()
    set_property(TEST verify/device PROPERTY LABELS verify cuda)
endif()
if(TARGET assay_cuda)
    add_test(NAME cuda/module
        COMMAND ${PROJECT_SOURCE_DIR}/ci/cuda-module-test ${PROJECT_BINARY_DIR} assay_cuda.so
            "add embed rmsnorm linear rope attention swiglu sae_encode sae_decode sae_steer adapter sample"
            "cuda cuda_bf16")
    set_tests_properties(cuda/module PROPERTIES LABELS cuda TIMEOUT 300
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
    foreach(impl hopper cuda_tensor)
        add_test(NAME cuda/${impl}-module
            COMMAND ${PROJECT_SOURCE_DIR}/ci/cuda-module-test ${PROJECT_BINARY_DIR} assay_cuda.so
                sae_encode ${impl})
        set_tests_properties(cuda/${impl}-module PROPERTIES LABELS cuda TIMEOUT 300
            ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
    endforeach()
    add_test(NAME cuda/resources
        COMMAND ${PROJECT_SOURCE_DIR}/ci/cuda-resources-test ${ASSAY_CUDA_RESOURCES})
    set_tests_properties(cuda/resources PROPERTIES LABELS cuda)
endif()

# The same of the modules of libraries: what they decide before the library is asked, the library
# emulated, and whether the module opens.
if(TARGET assay_cublas_emulated)
    add_subdirectory(kernels/cublas/tests)
    # The ops that the library multiplies, and stages of three of its names: all else that the names
    # have is the CUDA kernels', which cuda/emulated judges.
    add_test(NAME cuda/cublas-emulated COMMAND assay verify --quick --impl cublas*
        --op linear,sae_encode,adapter --plugin $<TARGET_FILE:assay_cublas_emulated>)
    add_test(NAME cuda/cublas-stages COMMAND assay verify --quick
        --impl cublas,cublas_bf16,cublas_int8 --op capture,generate,explain
        --plugin $<TARGET_FILE:assay_cublas_emulated>)
    set_tests_properties(cuda/cublas-emulated cuda/cublas-stages PROPERTIES LABELS cuda
        TIMEOUT 1200 PROCESSORS 2
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
endif()
if(TARGET assay_cublas)
    add_test(NAME cuda/cublas-module
        COMMAND ${PROJECT_SOURCE_DIR}/ci/cuda-module-test ${PROJECT_BINARY_DIR} assay_cublas.so
            "linear sae_encode" "cublas cublas_tf32 cublas_bf16 cublas_fp8 cublas_fp8_rows" libcublasLt)
    set_tests_properties(cuda/cublas-module PROPERTIES LABELS cuda TIMEOUT 300
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
endif()
if(TARGET assay_cudnn)
    add_subdirectory(kernels/cudnn/tests)
    add_test(NAME cuda/cudnn-emulated
        COMMAND assay verify --quick --impl cudnn* --plugin $<TARGET_FILE:assay_cudnn_emulated>)
    set_tests_properties(cuda/cudnn-emulated PROPERTIES LABELS cuda TIMEOUT 1200 PROCESSORS 2
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
    add_test(NAME cuda/cudnn-module
        COMMAND ${PROJECT_SOURCE_DIR}/ci/cuda-module-test ${PROJECT_BINARY_DIR} assay_cudnn.so
            "rmsnorm linear attention" "cudnn_bf16 cudnn_f16" libcudnn)
    set_tests_properties(cuda/cudnn-module PROPERTIES LABELS cuda TIMEOUT 300
        ENVIRONMENT "OMP_WAIT_POLICY=passive;ASSAY_CACHE=${PROJECT_BINARY_DIR}/cache")
endif()
