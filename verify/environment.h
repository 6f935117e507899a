/* What results were made on and with: part of every result file. Nothing in it names a host, a user
 * or a path. */
#ifndef VERIFY_ENVIRONMENT_H
#define VERIFY_ENVIRONMENT_H

#include <cjson/cJSON.h>

enum { ASSAY_MACHINE_DIGEST = 16 };

/* A new JSON object, the results' schema's "environment"; the caller owns it. */
cJSON *assay_environment_json(void);

/* 16 hex digits of what a machine's speed rests on: processor model, usable cores, cache sizes,
 * memory in whole GiB (the system's share of it changes with every kernel). Ceilings are kept by
 * it. */
void assay_machine_digest(char digest[ASSAY_MACHINE_DIGEST + 1]);

/* The command line of this process as a shell would take it, the program as "assay"; the caller
 * frees it. NULL where it cannot be read. */
char *assay_command_line(void);

#endif
