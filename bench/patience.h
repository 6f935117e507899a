/* How long a run waits for cores of its own (bench/issue.h), all of it together: at most half as
 * long as it has worked, and a few seconds more. Neighbours stay for milliseconds or for minutes;
 * a run that has seldom waited can outlast one. */
#ifndef BENCH_PATIENCE_H
#define BENCH_PATIENCE_H

/* Seconds that may be waited now; no request takes all that a long run has left. */
double assay_patience(void);

void assay_patience_note(double worked, double waited);

#endif
