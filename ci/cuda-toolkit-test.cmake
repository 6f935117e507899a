# usage: cmake -P ci/cuda-toolkit-test.cmake
# What kernels/cuda/toolkit.cmake makes of toolkits, by what their nvcc --list-gpu-code prints.
include(${CMAKE_CURRENT_LIST_DIR}/../kernels/cuda/toolkit.cmake)

function(expect known wanted architectures left_out)
    assay_cuda_architectures("${known}" "${wanted}" found others)
    if(NOT found STREQUAL architectures OR NOT others STREQUAL left_out)
        message(FATAL_ERROR "of ${wanted} are found ${found}, left out ${others}; "
            "not ${architectures} and ${left_out}")
    endif()
endfunction()

set(all 75 80 86 89 90a 100 120)
set(of_12_4 "sm_50\nsm_52\nsm_53\nsm_60\nsm_61\nsm_62\nsm_70\nsm_72\nsm_75\nsm_80\nsm_86\nsm_87\n")
string(APPEND of_12_4 "sm_89\nsm_90\n")
set(of_12_8 "${of_12_4}sm_100\nsm_101\nsm_120\n")
set(of_13_0 "sm_75\nsm_80\nsm_86\nsm_87\nsm_88\nsm_89\nsm_90\nsm_100\nsm_110\nsm_103\n")
string(APPEND of_13_0 "sm_120\nsm_121\n")
set(to_90 75-real 80-real 86-real 89-real 90a-real)
expect("${of_12_4}" "${all}" "${to_90};90-virtual" "sm_100;sm_120")
expect("${of_12_8}" "${all}" "${to_90};100-real;120-real;120-virtual" "")
expect("${of_13_0}" "${all}" "${to_90};100-real;120-real;120-virtual" "")
expect("${of_12_4}" "80;90a" "80-real;90a-real;90-virtual" "")
expect("sm_100\nsm_103\nsm_120" "10;75;100" "100-real;100-virtual" "sm_10;sm_75") # names in names

# A toolkit that is too old ends the configuration with one error; in a process of its own.
if(DEFINED VERSION)
    assay_cuda_check_version(/some/nvcc "Cuda compilation tools, release x, V${VERSION}\nBuild y")
    return()
endif()
foreach(version 9.2.148 11.8.89 12.3.107 12.4.99 12.10.1 13.0.88)
    execute_process(COMMAND ${CMAKE_COMMAND} -DVERSION=${version} -P ${CMAKE_CURRENT_LIST_FILE}
        RESULT_VARIABLE status ERROR_VARIABLE said)
    string(REGEX REPLACE "[ \n]+" " " said "${said}")
    if(version VERSION_LESS 12.4)
        if(status EQUAL 0 OR NOT said MATCHES "/some/nvcc is of CUDA ${version}.*12.4 or newer")
            message(FATAL_ERROR "CUDA ${version} is taken: ${said}")
        endif()
    elseif(NOT status EQUAL 0)
        message(FATAL_ERROR "CUDA ${version} is refused: ${said}")
    endif()
endforeach()
