/* How a worker dies is written down by itself, in the page it shares with its parent. */
#ifndef VERIFY_ISOLATION_FAULTS_H
#define VERIFY_ISOLATION_FAULTS_H

#include "verify/isolation/wire.h"

/* Records into control from now on; the main thread gets a stack of its own for it, so that it can
 * report that its stack has overflowed. */
void assay_faults_record(assay_control *control);
/* Takes the signals back from whoever took them since. */
void assay_faults_again(void);

#endif
