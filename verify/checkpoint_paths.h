/* Where the checkpoints that a bundle's case names lie: below the bundle, whatever its manifest
 * says, unless the command line says otherwise. Paths are the caller's to free. */
#ifndef VERIFY_CHECKPOINT_PATHS_H
#define VERIFY_CHECKPOINT_PATHS_H

#include "fixtures/io/bundle.h"

typedef struct assay_checkpoint_place {
    const assay_bundle *bundle;
    const assay_bundle_case *c;
} assay_checkpoint_place;

/* params[key] is a folder of the bundle (model, explainer), sae/<params.sae>, or, for adapters and
 * means, adapter/<params[key]>.safetensors, else .pt; no key is the adapter `identity`. `given`,
 * unless NULL, is taken instead. */
assay_status assay_checkpoint_folder(const assay_checkpoint_place *place, const char *key,
                                     const char *given, char **path, assay_error *error);
assay_status assay_checkpoint_sae(const assay_checkpoint_place *place, const char *given,
                                  char **path, assay_error *error);
assay_status assay_checkpoint_adapter(const assay_checkpoint_place *place, const char *key,
                                      const char *given, char **path, assay_error *error);

/* An optional text of params; *text stays as it is where there is none. */
assay_status assay_checkpoint_text(const assay_checkpoint_place *place, const char *key,
                                   const char **text, assay_error *error);

#endif
