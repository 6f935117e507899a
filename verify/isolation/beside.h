/* Other states of the same kernel: weights of the same shapes, at other addresses, with other
 * numbers in them, prepared while the subject's state is there or before it. What a kernel keeps
 * outside its states is then another's. */
#ifndef VERIFY_ISOLATION_BESIDE_H
#define VERIFY_ISOLATION_BESIDE_H

#include "verify/isolation/servant.h"

/* Prepares one, or as many as a moment is enough for; not where weights are large, nor where the
 * kernel refuses them. */
void assay_beside_prepare(assay_servant *servant, const assay_kernel *kernel);
/* Releases them, in another order than they were made in. */
void assay_beside_release(assay_servant *servant);

#endif
