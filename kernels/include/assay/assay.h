/* Everything a kernel's author needs. */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

#include "assay/accelerator.h"
#include "assay/fusion.h"
#include "assay/kernel.h"
#include "assay/plugin.h"
#include "assay/result.h"

#endif
