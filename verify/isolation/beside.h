/* A second state of the same kernel: weights of the same shapes, at other addresses, with other
 * numbers in them, prepared while the subject's state is there. What a kernel keeps outside its
 * states is then another's. */
#ifndef VERIFY_ISOLATION_BESIDE_H
#define VERIFY_ISOLATION_BESIDE_H

#include "verify/isolation/servant.h"

/* Prepares it; not where the kernel prepares nothing, where weights are large, nor where the kernel
 * refuses them. */
void assay_beside_prepare(assay_servant *servant, const assay_kernel *kernel);
/* Releases it, if there is one. */
void assay_beside_release(assay_servant *servant);

#endif
