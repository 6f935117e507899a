#include "bench/peer_run.h"

#include "bench/implementations.h"
#include "verify/generated.h"

/* The same case in a peer's child; false: it does not offer the op. */
static bool at_peer(const assay_measure *like, const assay_peer *peer, size_t implementation,
                    assay_measure *measure)
{
    *measure = *like;
    measure->peer = peer;
    measure->table = &peer->table[implementation];
    measure->kernel = assay_implementation_kernel(measure->table, like->entry->op);
    return measure->kernel != NULL;
}

assay_status assay_peers_tell_absent(const assay_peers *peers, const assay_measure *like,
                                     assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < peers->count && status == ASSAY_OK; p++) {
        const assay_peer *const peer = &peers->peer[p];
        const assay_timing_key key = {.entry = like->entry,
                                      .impl = peer->name,
                                      .batch = like->entry->batch[0],
                                      .cold = like->options->cold,
                                      .threads = like->options->threads};
        char reason[ASSAY_MESSAGE_MAX + 16];
        if (peer->verdict != ASSAY_PASS && !like->sink.known(like->sink.context, &key)) {
            (void)snprintf(reason, sizeof reason, "%s: %s", assay_verdict_name(peer->verdict),
                           peer->message);
            status = like->sink.skipped(like->sink.context, &key, reason, error);
        }
    }
    return status;
}

assay_status assay_peers_time(const assay_peers *peers, const assay_measure *like,
                              assay_bench_print *print, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < peers->count && status == ASSAY_OK; p++) {
        const assay_peer *const peer = &peers->peer[p];
        for (size_t i = 0; i < peer->count && status == ASSAY_OK; i++) {
            assay_measure measure;
            if (peer->verdict == ASSAY_PASS && at_peer(like, peer, i, &measure)) {
                assay_bench_print_progress(print, like->entry->id, measure.table->name);
                status = assay_measure_run(&measure, error);
            }
        }
    }
    return status;
}

assay_status assay_peers_compare(const assay_peers *peers, const assay_interleave *like,
                                 const char *against, assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t p = 0; p < peers->count && status == ASSAY_OK; p++) {
        const assay_peer *const peer = &peers->peer[p];
        for (size_t i = 0; i < peer->count && status == ASSAY_OK; i++) {
            assay_interleave compared = *like;
            if (peer->verdict == ASSAY_PASS &&
                assay_filter_matches(against, peer->table[i].name) &&
                at_peer(&like->measure, peer, i, &compared.against)) {
                assay_bench_print_progress(like->print, like->measure.entry->id,
                                           like->measure.table->name);
                status = assay_interleave_run(&compared, error);
            }
        }
    }
    return status;
}

void assay_peers_versions(const assay_peers *peers, cJSON *environment)
{
    cJSON *libraries = cJSON_GetObjectItemCaseSensitive(environment, "libraries");
    for (size_t p = 0; p < peers->count; p++) {
        if (peers->peer[p].verdict == ASSAY_PASS) {
            char name[128];
            libraries = libraries != NULL ? libraries
                                          : cJSON_AddObjectToObject(environment, "libraries");
            (void)snprintf(name, sizeof name, "peer %.100s", peers->peer[p].name);
            (void)cJSON_AddStringToObject(libraries, name, peers->peer[p].version);
        }
    }
}

bool assay_peers_failed(const assay_peers *peers)
{
    bool failed = false;
    for (size_t p = 0; p < peers->count; p++) {
        failed = failed || (peers->peer[p].verdict != ASSAY_PASS &&
                            peers->peer[p].verdict != ASSAY_SKIP);
    }
    return failed;
}
