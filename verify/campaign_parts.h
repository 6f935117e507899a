/* The inside of a campaign, shared by its files. */
#ifndef VERIFY_CAMPAIGN_PARTS_H
#define VERIFY_CAMPAIGN_PARTS_H

#include "fixtures/synth/cases.h"
#include "verify/campaign.h"
#include "verify/scales_identity.h"

typedef struct assay_campaign_bundle {
    assay_bundle bundle;
    bool *selected;       /* [cases] */
    assay_scales *scales; /* shared by the threads */
} assay_campaign_bundle;

/* A case: of a bundle, or generated (entry not NULL). */
typedef struct assay_campaign_item {
    size_t bundle;
    const assay_bundle_case *bundle_case;
    const assay_case_entry *entry;
    const char *cases; /* the list it is of; NULL: the project's own */
} assay_campaign_item;

struct assay_campaign {
    assay_campaign_options options;
    bool host;
    assay_table *tables;
    size_t *source; /* of each table: 0 is this program, 1 + i the plug-in i */
    size_t table_count;
    /* The sessions that listed the plug-ins' kernels: descriptors live as long as they. */
    assay_session *lister[ASSAY_PLUGINS_MAX + 1];
    assay_campaign_bundle **bundle;
    size_t bundle_count;
    assay_case_list **list;
    size_t list_count;
    assay_campaign_item *item;
    size_t item_count;
};

assay_status assay_campaign_find_tables(assay_campaign *campaign, assay_error *error);

#endif
