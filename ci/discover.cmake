# Writes a ctest file with one test for every (op, implementation) that the program knows:
#   cmake -DASSAY=path/to/assay -DOUT=file.cmake -P ci/discover.cmake
execute_process(COMMAND ${ASSAY} list kernels --json OUTPUT_VARIABLE json RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "assay list kernels --json failed: ${status}")
endif()
set(text "")
set(impls oracle)

function(add_entry op impl backend)
    string(APPEND text "add_test([=[verify/${op}/${impl}]=] \"${ASSAY}\" verify --op ${op} --impl ${impl} ${ARGN})\n"
        "set_tests_properties([=[verify/${op}/${impl}]=] PROPERTIES LABELS \"verify;${op};${backend}\""
        " TIMEOUT 900 SKIP_REGULAR_EXPRESSION \"every verdict is SKIP\""
        " ENVIRONMENT \"ASSAY_GOLDEN=${GOLDEN};OMP_WAIT_POLICY=passive\" PROCESSORS 2)\n")
    set(text "${text}" PARENT_SCOPE)
endfunction()

string(JSON count LENGTH "${json}" kernels)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
    string(JSON op GET "${json}" kernels ${i} op)
    string(JSON impl GET "${json}" kernels ${i} impl)
    string(JSON backend GET "${json}" kernels ${i} backend)
    add_entry(${op} ${impl} ${backend})
    list(APPEND impls ${impl})
    list(APPEND steps ${op})
endforeach()
list(REMOVE_DUPLICATES impls)
list(REMOVE_DUPLICATES steps)
foreach(op IN LISTS steps)
    add_entry(${op} oracle oracle)
endforeach()
foreach(op capture logits generate steered_generate explain)
    foreach(impl IN LISTS impls)
        add_entry(${op} ${impl} ${impl} --quick)
    endforeach()
endforeach()
# What --quick leaves out of the stages, in one process: there the implementations share scales.
string(APPEND text "add_test(verify/long-sequences \"${ASSAY}\" verify --op capture --case *600*)\n"
    "set_tests_properties(verify/long-sequences PROPERTIES LABELS \"verify;capture\" TIMEOUT 900"
    " ENVIRONMENT \"ASSAY_GOLDEN=${GOLDEN};OMP_WAIT_POLICY=passive\" PROCESSORS 2)\n")
foreach(op tokenize detokenize)
    add_entry(${op} host host)
endforeach()
file(WRITE ${OUT} "${text}")
