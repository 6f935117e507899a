# Writes a ctest file with one test for every (op, implementation) that the program knows:
#   cmake -DASSAY=path/to/assay -DOUT=file.cmake -DGOLDEN=folder -DWORLD=folder -P ci/discover.cmake
include(${CMAKE_CURRENT_LIST_DIR}/package/assayDiscover.cmake)
set(TIMEOUT 1800)
set(PROCESSORS 2)
get_filename_component(folder ${OUT} DIRECTORY)
set(ENVIRONMENT "ASSAY_GOLDEN=${GOLDEN};ASSAY_CACHE=${folder}/cache;OMP_WAIT_POLICY=passive")
set(text "")

function(add_entry op impl backend)
    assay_entry(verify/${op}/${impl} "verify;${op};${backend}" --op ${op} --impl ${impl} ${ARGN})
    set(text "${text}" PARENT_SCOPE)
endfunction()

function(assay_kernel_entry op impl backend)
    add_entry(${op} ${impl} ${backend})
    set(text "${text}" PARENT_SCOPE)
    set_property(GLOBAL APPEND PROPERTY steps ${op})
endfunction()

assay_list(kernels kernels)
assay_each("${kernels}" kernels)
get_property(steps GLOBAL PROPERTY steps)
list(REMOVE_DUPLICATES steps)
foreach(op IN LISTS steps)
    add_entry(${op} oracle oracle)
endforeach()

function(assay_kernel_entry op impl backend)
    add_entry(${op} ${impl} ${backend} --quick)
    set(text "${text}" PARENT_SCOPE)
endfunction()

assay_list(stages stages)
assay_each("${stages}" stages)
foreach(op capture logits generate steered_generate explain)
    add_entry(${op} oracle oracle --quick)
endforeach()
# What --quick leaves out of the stages, in one process: there the implementations share scales.
assay_entry(verify/long-sequences "verify;capture" --op capture --case *600*)
# The world, in one process for the same reason.
assay_entry(verify/world "verify;world" --golden ${WORLD})
foreach(op tokenize detokenize)
    add_entry(${op} host host)
endforeach()
file(WRITE ${OUT} "${text}")
