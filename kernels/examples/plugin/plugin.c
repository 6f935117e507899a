/* What this plug-in exports. */
#include "assay/plugin.h"

extern const assay_kernel linear_example;
extern const assay_kernel swiglu_example;

ASSAY_PLUGIN(&linear_example, &swiglu_example);
