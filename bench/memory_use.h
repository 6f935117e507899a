/* What this process has resident; 0 where the system does not say. */
#ifndef BENCH_MEMORY_USE_H
#define BENCH_MEMORY_USE_H

double assay_resident_bytes(void);
double assay_peak_bytes(void);
/* 2 MiB when at least half of the private memory lies in huge pages, else the base page. */
double assay_page_bytes(void);

#endif
