/* `assay evaluate`'s command line. */
#ifndef VERIFY_EVALUATE_OPTIONS_H
#define VERIFY_EVALUATE_OPTIONS_H

#include "verify/campaign.h"
#include "verify/options.h"

typedef struct assay_evaluate_options {
    bool help;
    const char *world, *impl, *sae, *adapter, *json;
    assay_option_int threads, jobs, labels;
    assay_option_real timeout;
    uint64_t seed; /* of the bootstraps */
    const char *plugin[ASSAY_PLUGINS_MAX];
    size_t plugin_count;
} assay_evaluate_options;

extern const char assay_evaluate_help[];

assay_status assay_evaluate_options_parse(int argc, char **argv, assay_evaluate_options *options,
                                          assay_error *error);

#endif
