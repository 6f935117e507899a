/* The checkpoints that a bundle's cases name, opened when first asked for and kept. */
#ifndef VERIFY_CHECKPOINTS_H
#define VERIFY_CHECKPOINTS_H

#include "fixtures/io/adapter_file.h"
#include "fixtures/io/bundle.h"
#include "fixtures/io/chat_template.h"
#include "fixtures/io/model_file.h"
#include "fixtures/io/sae_file.h"
#include "fixtures/io/tokenizer.h"

/* Paths given on the command line for checkpoints that lie outside the bundle; NULL: not given. */
typedef struct assay_overrides {
    const char *model, *explainer, *sae, *adapter, *mean;
} assay_overrides;

typedef struct assay_checkpoints assay_checkpoints;

assay_status assay_checkpoints_open(const assay_bundle *bundle, const assay_overrides *overrides,
                                    assay_checkpoints **checkpoints, assay_error *error);
void assay_checkpoints_close(assay_checkpoints **checkpoints);

/* Each reads the name from the case's params under `key` ("model" or "explainer"). What is returned
 * lives as long as the checkpoints. */
assay_status assay_checkpoints_model(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                     const char *key, const assay_model_file **model,
                                     assay_error *error);
assay_status assay_checkpoints_tokenizer(assay_checkpoints *checkpoints,
                                         const assay_bundle_case *c, const char *key,
                                         const assay_tokenizer **tokenizer, assay_error *error);
assay_status assay_checkpoints_sae(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                   const assay_sae_file **sae, assay_error *error);
/* With the case's mean, when it names one. A case without `adapter` gets the identity. */
assay_status assay_checkpoints_adapter(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                       const assay_adapter_file **adapter, assay_error *error);
/* The folder of a model, for its tokenizer and chat template. The caller frees. */
assay_status assay_checkpoints_folder(assay_checkpoints *checkpoints, const assay_bundle_case *c,
                                      const char *key, char **folder, assay_error *error);

#endif
