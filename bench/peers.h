/* Peers: other runtimes as child processes that speak the timing processes' protocol
 * (docs/peers.md), verified and timed beside the implementations of this build. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"
#include "assay/result.h"

enum { ASSAY_PEER_WORDS = 3 };

typedef struct assay_peer {
    char *name, *version;
    char *word[ASSAY_PEER_WORDS]; /* of its command line; NULL ends it */
    /* PASS: it is there. SKIP: not installed; else what became of it. `message` says why. */
    assay_verdict verdict;
    char message[ASSAY_MESSAGE_MAX];
    /* Its implementations, as it describes them. Kernels have contracts and no functions. */
    size_t count;
    assay_table *table;   /* [count] */
    assay_kernel *kernel; /* those of all tables */
    char **text;          /* names */
    size_t kernel_count, text_count;
} assay_peer;

typedef struct assay_peers {
    assay_peer *peer;
    size_t count;
} assay_peers;

/* names: known peers separated by commas, "all" of them, or paths of programs (with a slash). Each
 * is started once and asked what it offers; one that is absent or fails is kept with its verdict.
 * Known ones run in the environment that ci/peers makes: $ASSAY_PEERS or <cache>/peers. */
assay_status assay_peers_find(const char *names, double deadline, assay_peers *peers,
                              assay_error *error);
void assay_peers_close(assay_peers *peers);

/* Takes what it answered to `hello`: name, version, implementations. */
assay_status assay_peer_describe(const cJSON *answer, assay_peer *peer, assay_error *error);

#endif
