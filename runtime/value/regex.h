/* Regular expressions of RE2, which match in time linear in the text. */
#ifndef WF_RUNTIME_VALUE_REGEX_H
#define WF_RUNTIME_VALUE_REGEX_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the pattern matches the whole text: 1 or 0; -1 with the reason in `why` when it is no pattern. */
int regex_full_match(Str text, Str pattern, Buf *why);
/* The first match: 1 with its first group, or all of it, in *found (part of text); 0; or -1. */
int regex_find(Str text, Str pattern, Str *found, Buf *why);

#ifdef __cplusplus
}
#endif

#endif
