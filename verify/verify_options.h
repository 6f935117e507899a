/* The options of `assay verify`. */
#ifndef VERIFY_VERIFY_OPTIONS_H
#define VERIFY_VERIFY_OPTIONS_H

#include "verify/campaign.h"
#include "verify/options.h"

enum { ASSAY_GOLDEN_MAX = 64 /* folders given */ };

typedef struct assay_verify_options {
    bool help, quick, resume, in_process, no_cache;
    const char *op, *impl, *case_id, *json, *cases, *keep;
    assay_option_real timeout, memory;
    assay_option_int threads, jobs, device;
    uint64_t seed;
    const char *model, *explainer, *sae, *adapter, *mean;
    const char *golden[ASSAY_GOLDEN_MAX];
    size_t golden_count;
    const char *plugin[ASSAY_PLUGINS_MAX];
    size_t plugin_count;
} assay_verify_options;

extern const char assay_verify_help[];

assay_status assay_verify_options_parse(int argc, char **argv, assay_verify_options *options,
                                        assay_error *error);

#endif
