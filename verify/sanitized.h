/* Whether this build has the address sanitizer, which keeps what was freed for a while: memory that
 * grows shows nothing then. */
#ifndef VERIFY_SANITIZED_H
#define VERIFY_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define ASSAY_MEMORY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_MEMORY_SANITIZED 1
#endif
#endif
#ifndef ASSAY_MEMORY_SANITIZED
#define ASSAY_MEMORY_SANITIZED 0
#endif

#endif
