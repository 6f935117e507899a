/* All mutants and their twins, op by op. */
#ifndef VERIFY_MUTANTS_LIST_H
#define VERIFY_MUTANTS_LIST_H

#include "verify/mutants/adapter.h"
#include "verify/mutants/ambient.h"
#include "verify/mutants/among.h"
#include "verify/mutants/attention.h"
#include "verify/mutants/calls.h"
#include "verify/mutants/elementwise.h"
#include "verify/mutants/lasting.h"
#include "verify/mutants/leaving.h"
#include "verify/mutants/linear.h"
#include "verify/mutants/norm.h"
#include "verify/mutants/sae_decode.h"
#include "verify/mutants/sae_encode.h"
#include "verify/mutants/sae_steer.h"
#include "verify/mutants/sample.h"
#include "verify/mutants/stages.h"
#include "verify/mutants/systems.h"

#define ALL_STEP_TWINS(X)                                                                          \
    EMBED_TWINS(X) ADD_TWINS(X) RMSNORM_TWINS(X) LINEAR_TWINS(X) ROPE_TWINS(X)                     \
    ATTENTION_TWINS(X) SWIGLU_TWINS(X) SAE_ENCODE_TWINS(X) SAE_DECODE_TWINS(X)                     \
    SAE_STEER_TWINS(X) ADAPTER_TWINS(X) SAMPLE_TWINS(X) SYSTEMS_TWINS(X) AMBIENT_TWINS(X)          \
    LASTING_TWINS(X) LEAVING_TWINS(X) CALLS_TWINS(X) AMONG_TWINS(X)
#define ALL_STAGE_TWINS(X) CAPTURE_TWINS(X) GENERATE_TWINS(X) EXPLAIN_TWINS(X)

#define ALL_STEP_MUTANTS(X)                                                                        \
    EMBED_MUTANTS(X) ADD_MUTANTS(X) RMSNORM_MUTANTS(X) LINEAR_MUTANTS(X) ROPE_MUTANTS(X)           \
    ATTENTION_MUTANTS(X) SWIGLU_MUTANTS(X) SAE_ENCODE_MUTANTS(X) SAE_DECODE_MUTANTS(X)             \
    SAE_STEER_MUTANTS(X) ADAPTER_MUTANTS(X) SAMPLE_MUTANTS(X) SYSTEMS_MUTANTS(X)                   \
    AMBIENT_MUTANTS(X) LASTING_MUTANTS(X) LEAVING_MUTANTS(X) CALLS_MUTANTS(X)              \
    AMONG_MUTANTS(X)
#define ALL_STAGE_MUTANTS(X) CAPTURE_MUTANTS(X) GENERATE_MUTANTS(X) EXPLAIN_MUTANTS(X)

#endif
