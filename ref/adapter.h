/* Which parts an adapter of each type has, and the check of its operands but y. */
#ifndef REF_ADAPTER_H
#define REF_ADAPTER_H

#include "ref/oracle.h"

bool ref_adapter_has_scale(assay_adapter_type type);
bool ref_adapter_has_low_rank(assay_adapter_type type);
bool ref_adapter_has_bias(assay_adapter_type type);

assay_status ref_adapter_expect(const assay_adapter_params *params, const assay_adapter_io *io,
                                assay_error *error);

#endif
