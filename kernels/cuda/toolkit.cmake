# What the build asks of a CUDA toolkit, apart from the build so that it can be tested without one.

# Ends the configuration when an nvcc, by what its --version printed, is older than any that the
# modules are written for. Asked before CMake tries it: an old one refuses a newer host compiler, at
# length.
function(assay_cuda_check_version nvcc said)
    if(said MATCHES "V([0-9]+[.][0-9]+[.][0-9]+)" AND CMAKE_MATCH_1 VERSION_LESS 12.4)
        message(FATAL_ERROR "${nvcc} is of CUDA ${CMAKE_MATCH_1}; the CUDA modules need 12.4 or "
            "newer. Name a newer one by -DCMAKE_CUDA_COMPILER=NVCC, or leave the modules out by "
            "-DASSAY_CUDA=OFF.")
    endif()
endfunction()

# Of the wanted architectures those that an nvcc knows, by what its --list-gpu-code printed, in
# CMake's words, the newest as PTX too; and in another list those that it does not know.
function(assay_cuda_architectures known wanted architectures left_out)
    set(found)
    set(others)
    foreach(architecture IN LISTS wanted)
        string(REGEX MATCH "^[0-9]+" number ${architecture})
        if(known MATCHES "sm_${number}([^0-9]|$)")
            list(APPEND found ${architecture}-real)
            set(newest ${number})
        else()
            list(APPEND others sm_${architecture})
        endif()
    endforeach()
    if(NOT found)
        message(FATAL_ERROR "this nvcc knows none of the architectures wanted: ${wanted}")
    endif()
    list(APPEND found ${newest}-virtual)
    set(${architectures} "${found}" PARENT_SCOPE)
    set(${left_out} "${others}" PARENT_SCOPE)
endfunction()
