/* A case with the peers of a run: their implementations timed, and ours compared with them. */
#ifndef BENCH_PEER_RUN_H
#define BENCH_PEER_RUN_H

#include "bench/interleave.h"
#include "bench/peers.h"

/* Tells those that cannot run as left out of the measure's case, each with the reason: once a
 * run. */
assay_status assay_peers_tell_absent(const assay_peers *peers, const assay_measure *like,
                                     assay_error *error);

/* like: a measure of the case; who runs what is replaced. */
assay_status assay_peers_time(const assay_peers *peers, const assay_measure *like,
                              assay_bench_print *print, assay_error *error);

/* like.measure against every implementation of a peer that the glob matches (NULL: all). */
assay_status assay_peers_compare(const assay_peers *peers, const assay_interleave *like,
                                 const char *against, assay_error *error);

/* Peers' versions into the libraries of the results' environment. */
void assay_peers_versions(const assay_peers *peers, cJSON *environment);

/* Whether a peer is there but did not answer as it should. */
bool assay_peers_failed(const assay_peers *peers);

#endif
