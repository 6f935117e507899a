/* The clock of every timing on the host: CLOCK_MONOTONIC_RAW, which no time service adjusts. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds since some fixed moment. */
double assay_clock_now(void);

/* One call that is timed. */
typedef void assay_timed(void *context);

/* Seconds that `calls` calls take, one after another, between two readings of the clock. */
double assay_clock_time(assay_timed *timed, void *context, size_t calls);

typedef struct assay_clock_properties {
    double resolution;  /* least difference ever seen between two readings, seconds */
    double reading;     /* cost of one reading, seconds */
    double empty_call;  /* of one call in assay_clock_time, to be subtracted from each, seconds */
    bool counter;       /* the processor has an invariant time stamp counter to compare with */
    double counter_hz;  /* its rate by this clock; 0 without one */
    double disagreement; /* relative, the worst of this clock against CLOCK_MONOTONIC (which a time
                            service may slew by 5e-4) and against the counter */
} assay_clock_properties;

/* Measured once, at the first call, in about 60 ms. */
const assay_clock_properties *assay_clock_get(void);

/* Relative disagreement as above over `seconds` of waiting; *counter_hz may be NULL. */
double assay_clock_disagreement(double seconds, double *counter_hz);

#endif
