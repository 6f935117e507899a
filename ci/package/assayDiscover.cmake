cmake_minimum_required(VERSION 3.25)
# Writes a ctest file: one entry for every op, implementation and case of a plug-in's kernels and of
# the stages (capture, logits, generate, steered_generate, explain) that they are or make up.
#   cmake -DASSAY=program -DPLUGIN=file.so -DOUT=file.cmake -DPREFIX=name -P assayDiscover.cmake
# Optional: OP, IMPL, CASE (globs), GOLDEN, LABELS, ARGUMENTS (lists), CASES (file), TIMEOUT.
# Included by the project's own discovery, which uses the functions alone (no PLUGIN).

# What `assay list` prints with these arguments, as JSON.
function(assay_list out)
    execute_process(COMMAND ${ASSAY} list ${ARGN} --json OUTPUT_VARIABLE json ERROR_VARIABLE said
        RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " words)
        message(FATAL_ERROR "assay list ${words} failed: ${said}")
    endif()
    set(${out} "${json}" PARENT_SCOPE)
endfunction()

# Appends one entry to `text`: its name, its labels, then the arguments of `assay verify`.
# TIMEOUT, ENVIRONMENT and PROCESSORS are taken from the caller's variables.
function(assay_entry name labels)
    set(command)
    foreach(word IN LISTS ARGN)
        string(APPEND command " [=[${word}]=]")
    endforeach()
    string(APPEND text "add_test([=[${name}]=] [=[${ASSAY}]=] verify${command})\n"
        "set_tests_properties([=[${name}]=] PROPERTIES LABELS [=[${labels}]=] TIMEOUT ${TIMEOUT}"
        " SKIP_REGULAR_EXPRESSION [=[every verdict is SKIP]=]"
        " ENVIRONMENT [=[${ENVIRONMENT}]=] PROCESSORS ${PROCESSORS})\n")
    set(text "${text}" PARENT_SCOPE)
endfunction()

# Calls assay_kernel_entry(op impl backend) for every member of a list, `kernels` or `stages`.
function(assay_each json member)
    string(JSON count LENGTH "${json}" ${member})
    set(i 0)
    while(i LESS count)
        string(JSON op GET "${json}" ${member} ${i} op)
        string(JSON impl GET "${json}" ${member} ${i} impl)
        string(JSON backend GET "${json}" ${member} ${i} backend)
        assay_kernel_entry(${op} ${impl} ${backend})
        math(EXPR i "${i} + 1")
    endwhile()
    set(text "${text}" PARENT_SCOPE)
endfunction()

if(NOT PLUGIN)
    return()
endif()

if(NOT TIMEOUT)
    set(TIMEOUT 300)
endif()
set(PROCESSORS 1)
get_filename_component(folder ${OUT} DIRECTORY)
set(ENVIRONMENT "ASSAY_CACHE=${folder}/assay-cache;OMP_WAIT_POLICY=passive")
foreach(name OP IMPL CASE)
    if(${name})
        string(TOLOWER ${name} option)
        set(filter_${option} --${option} ${${name}})
    endif()
endforeach()
set(where)
foreach(folder IN LISTS GOLDEN)
    list(APPEND where --golden ${folder})
endforeach()
if(CASES)
    list(APPEND where --cases ${CASES})
endif()

# One entry for each case of this op, once; bundles of one case id share an entry.
function(assay_kernel_entry op impl backend)
    get_property(entered GLOBAL PROPERTY entered_${op}_${impl} SET)
    if(entered)
        return()
    endif()
    set_property(GLOBAL PROPERTY entered_${op}_${impl} TRUE)
    if(NOT DEFINED cases_${op})
        assay_list(cases_${op} cases --op ${op} ${where} ${filter_case})
        set(cases_${op} "${cases_${op}}" PARENT_SCOPE)
    endif()
    set(json "${cases_${op}}")
    string(JSON count LENGTH "${json}" cases)
    set(seen)
    set(i 0)
    while(i LESS count)
        string(JSON id ERROR_VARIABLE unreadable GET "${json}" cases ${i} id)
        if(unreadable)
            string(JSON id GET "${json}" cases ${i} error)
            message(FATAL_ERROR "assay list cases: ${id}")
        endif()
        if(NOT id IN_LIST seen)
            list(APPEND seen ${id})
            assay_entry(${PREFIX}/${op}/${impl}/${id} "assay;${op};${backend};${LABELS}"
                --plugin ${PLUGIN} --op ${op} --impl ${impl} --case ${id} ${where} ${ARGUMENTS})
        endif()
        math(EXPR i "${i} + 1")
    endwhile()
    set(text "${text}" PARENT_SCOPE)
endfunction()

set(text "")
assay_list(kernels kernels --plugin ${PLUGIN} ${filter_op} ${filter_impl})
assay_each("${kernels}" kernels)
assay_list(stages stages --plugin ${PLUGIN} ${filter_op} ${filter_impl})
assay_each("${stages}" stages)
file(WRITE ${OUT} "${text}")
