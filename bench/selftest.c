#include "bench/selftest.h"

const assay_selftest assay_bench_selftests[] = {
    {"timer", assay_selftest_timer,
     "delays of a known distribution: does the interval cover their median"},
    {"gate", assay_selftest_gate,
     "nothing and slowdowns planted: how often does the regression gate alarm"},
};
const size_t assay_bench_selftest_count =
    sizeof assay_bench_selftests / sizeof *assay_bench_selftests;
