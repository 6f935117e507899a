/* What happened beside a sample: switches, stolen time, the share of its cores that it had,
 * frequency, energy. About 250 us a sample on a small machine, all of it outside what is timed. */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* A sample is contaminated when what it is known to have lost is more than ASSAY_LOST_MOST of it:
 *   lost = stolen time + involuntary context switches * ASSAY_SWITCH_SECONDS
 * A switch is counted as the least slice a Linux scheduler gives to whoever took the processor.
 * Stolen time comes in ticks of 10 ms, so one tick marks every sample below a second. 1% is the
 * width of confidence that timings aim at.
 *
 * It is contaminated too when right before it or right after it a core was shared (its share below
 * ASSAY_SHARE_LEAST, bench/issue.h). Neighbours come and go within tens of milliseconds: of samples
 * longer than ASSAY_SHARE_SECONDS two such moments say little, and those are not marked for it. */
#define ASSAY_LOST_MOST 0.01
#define ASSAY_SWITCH_SECONDS 0.75e-3
#define ASSAY_SHARE_SECONDS 0.05

typedef struct assay_counters {
    double seconds;       /* from the end of begin to the beginning of end */
    double threads;       /* processors' worth of time that this process took meanwhile */
    int64_t switches;     /* involuntary, of all threads of this process */
    double steal_seconds; /* on the pinned processors, taken by the hypervisor; 0 where unknown */
    double megahertz;     /* right after the sample; 0 where unknown */
    double joules;        /* of all packages; NaN where it cannot be read */
    double core_share;    /* the lesser of before and after, bench/issue.h; NaN where unknown */
    bool contaminated;
    struct {
        double seconds, processor_seconds, steal_seconds, joules, core_share;
        int64_t switches;
        int32_t cores;
    } before; /* begin's readings */
} assay_counters;

/* cores: on how many of the first the share is read. */
void assay_counters_begin(int32_t cores, assay_counters *counters);
void assay_counters_end(assay_counters *counters);

/* Frequency of the calling thread's core: the system's word where there is one, else from a chain
 * of dependent additions, one a cycle; 0 where neither works. */
double assay_core_megahertz(void);

/* The rule above; core_share NaN: not known. */
bool assay_contaminated(double seconds, int64_t switches, double steal_seconds, double core_share);

#endif
