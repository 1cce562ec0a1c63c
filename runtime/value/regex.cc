/* RE2 has no interface in C; this is the whole of what is C++ here. */
#include "runtime/value/regex.h"

#include <re2/re2.h>

static bool usable(const re2::RE2 &re, Buf *why) {
    if (re.ok()) return true;
    buf_add(why, re.error().data(), re.error().size());
    return false;
}

static re2::RE2::Options quiet() {
    re2::RE2::Options o;
    o.set_log_errors(false);
    return o;
}

int regex_full_match(Str text, Str pattern, Buf *why) {
    re2::RE2 re(re2::StringPiece(pattern.p, pattern.n), quiet());
    if (!usable(re, why)) return -1;
    return re2::RE2::FullMatch(re2::StringPiece(text.p, text.n), re) ? 1 : 0;
}

int regex_find(Str text, Str pattern, Str *found, Buf *why) {
    re2::RE2 re(re2::StringPiece(pattern.p, pattern.n), quiet());
    if (!usable(re, why)) return -1;
    re2::StringPiece group[2];
    int n = re.NumberOfCapturingGroups() > 0 ? 2 : 1;
    if (!re.Match(re2::StringPiece(text.p, text.n), 0, text.n, re2::RE2::UNANCHORED, group, n)) return 0;
    const re2::StringPiece &hit = n == 2 ? group[1] : group[0];
    found->p = hit.data() != nullptr ? hit.data() : text.p;
    found->n = hit.size();
    return 1;
}
