/* Everything a verification run judges, case after case, by several threads: each with sessions of
 * its own, so that a kernel that dies costs its own verdict. */
#ifndef VERIFY_CAMPAIGN_H
#define VERIFY_CAMPAIGN_H

#include "kernels/plugin.h"
#include "verify/generated.h"
#include "verify/journal.h"
#include "verify/report.h"

typedef struct assay_campaign_options {
    const char *plugin[ASSAY_PLUGINS_MAX]; /* shared objects of kernels */
    size_t plugin_count;
    assay_session_options session; /* but for its plugin */
    int32_t jobs;                  /* cases judged at the same time; 0: as many as fit */
    const char *impl;              /* glob; NULL: all, or with plug-ins theirs alone */
    assay_filter filter;
    assay_overrides overrides;
    uint64_t seed;
    const char *keep;
} assay_campaign_options;

typedef struct assay_campaign assay_campaign;

/* Finds the implementations: loads plug-ins in a worker to see what they export. */
assay_status assay_campaign_open(const assay_campaign_options *options, assay_campaign **campaign,
                                 assay_error *error);
void assay_campaign_close(assay_campaign **campaign);

/* Adds every matching case of a bundle, or of a list of generated cases (own_list: a user's, named
 * in its results; path must live as long as they). Files stay open until the campaign is closed. */
assay_status assay_campaign_add_bundle(assay_campaign *campaign, const char *folder,
                                       assay_error *error);
assay_status assay_campaign_add_generated(assay_campaign *campaign, const char *path,
                                          bool own_list, assay_error *error);
size_t assay_campaign_count(const assay_campaign *campaign);

/* Judges all cases. Results reach the report as they come and stand in the cases' order at the end.
 * journal may be NULL; what it holds already is taken from it. An error (bad input, no memory) ends
 * the run; what was judged before stands. */
assay_status assay_campaign_run(assay_campaign *campaign, assay_journal *journal,
                                assay_report *report, assay_error *error);

#endif
