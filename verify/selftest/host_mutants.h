/* Mutants of the host's side: one of its functions is wrong. Judged by the bundles' tokenize,
 * detokenize and explain cases. The list has the form of verify/mutants/mutant.h's, with the host
 * function that is wrong in the place of the op. */
#ifndef VERIFY_SELFTEST_HOST_MUTANTS_H
#define VERIFY_SELFTEST_HOST_MUTANTS_H

#include "verify/host.h"

#define HOST_MUTANTS(X)                                                                            \
    X(encode, special_always, ON_TEXT, "chat-user",                                                \
      "add_special_tokens is ignored: a rendered template gets a second begin_of_text")            \
    X(encode, special_never, ON_TEXT, "tokenize-plain", "begin_of_text is missing")                \
    X(encode, chunked, ON_TEXT, "tokenize-plain",                                                  \
      "texts are cut every 8 bytes, so merges across a cut do not happen")                         \
    X(encode, specials_as_text, ON_TEXT, "tokenize-specials",                                      \
      "special tokens in a text are spelt out")                                                    \
    X(encode, trimmed, ON_TEXT, "tokenize-spaces", "spaces at the end of a text are cut off")      \
    X(decode, specials_kept, ON_TEXT, "detokenize-skip", "special tokens are not skipped")         \
    X(decode, specials_dropped, ON_TEXT, "detokenize-keep",                                        \
      "special tokens are skipped where they are wanted")                                          \
    X(decode, spaces_cleaned, ON_TEXT, "detokenize-spaces",                                        \
      "spaces before punctuation are cleaned up")                                                  \
    X(decode, stripped, ON_TEXT, "detokenize-cut-start", "the leading space is stripped")          \
    X(decode, invalid_dropped, ON_TEXT, "detokenize-truncated",                                    \
      "invalid UTF-8 disappears instead of becoming U+FFFD")                                       \
    X(render, date_absent, ON_TEXT, "chat-*", "the date block of 3.1 and 3.2 is missing")          \
    X(render, date_present, ON_TEXT, "chat-*", "Llama 3's template gets 3.1's date block")         \
    X(render, date_ignored, ON_TEXT, "chat-date", "the date given is ignored")                     \
    X(render, no_generation_prompt, ON_TEXT, "chat-user",                                          \
      "the generation prompt is missing")                                                          \
    X(render, system_dropped, ON_TEXT, "chat-system", "the system message is left out")            \
    X(prompt, reserved_other, ON_TEXT | ON_TOKENS | ON_VALUE, "explain-*",                         \
      "reserved tokens have the ids of the other Llama version")                                   \
    X(prompt, no_bos, ON_TEXT | ON_TOKENS | ON_VALUE, "explain-*",                                 \
      "the prompt's begin_of_text is missing")                                                     \
    X(prompt, two_bos, ON_TEXT | ON_TOKENS | ON_VALUE, "explain-*",                                \
      "the prompt begins with two begin_of_text")                                                  \
    X(label, first_quote, ON_TEXT, "explain-*", "the label is cut at the first quote")             \
    X(label, not_cut, ON_TEXT, "explain-*", "the label is not cut at its closing quote")           \
    X(label, sliced, ON_TEXT, "explain-*",                                                         \
      "a prompt that is not there is sliced off the new tokens")                                   \
    X(label, stops_kept, ON_TEXT, "explain-*", "the stop string stays in the label")               \
    X(eos_count, one, ON_TEXT | ON_TOKENS, "explain-*", "the list of eos ids is cut to one")

/* Their twin: the program's own host. */
#define ASSAY_HOST_TWIN "t_host"

/* The host's functions with that one wrong. False: there is no such mutant. */
bool assay_host_mutant(const char *name, assay_host_functions *functions);

#endif
