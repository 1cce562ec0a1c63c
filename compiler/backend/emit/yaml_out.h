/* Writes YAML 1.2 in block style: keys are plain when they are simple words, text is always quoted or a literal block, so that no
   value can be read as another type or end its scalar. The bytes depend on nothing but the calls.
     YamlOut y = yaml_open(out);
     yaml_map(&y);  yaml_key(&y, "name"); yaml_z(&y, "a b");  yaml_end(&y);                                                        */
#ifndef WF_BACKEND_EMIT_YAML_OUT_H
#define WF_BACKEND_EMIT_YAML_OUT_H

#include "base/str.h"

enum { YAML_DEPTH = 64 };

typedef struct YamlLevel {
    bool list;
    bool flow;  /* in braces or brackets, on one line; what is inside is flow as well */
    bool some;  /* has an entry */
    bool keyed; /* its opener stands after a key or is a document, not after "- " */
    int indent;
} YamlLevel;

typedef struct YamlOut {
    Buf *out;
    int depth;
    bool after_key;  /* a key was written and waits for its value */
    bool after_dash; /* an entry of a list was begun and its first line is still empty */
    YamlLevel level[YAML_DEPTH];
} YamlOut;

YamlOut yaml_open(Buf *out);
/* Begins another document: a line `---`, also before the first. All levels are closed. */
void yaml_document(YamlOut *y);
/* A line of comment between documents; characters that could end it become blanks. */
void yaml_comment(YamlOut *y, Str s);
/* Collections; an empty one is written {} or []. The flow forms stand on one line. */
void yaml_map(YamlOut *y);
void yaml_list(YamlOut *y);
void yaml_flow_map(YamlOut *y);
void yaml_flow_list(YamlOut *y);
void yaml_end(YamlOut *y);
/* The key of the next value; inside a map only. */
void yaml_key(YamlOut *y, const char *key);
void yaml_key_str(YamlOut *y, Str key);
/* Scalars: the value of the last key, or an element of a list. */
void yaml_str(YamlOut *y, Str s); /* double-quoted, characters that do not print by escapes */
static inline void yaml_z(YamlOut *y, const char *z) { yaml_str(y, str_of(z)); }
void yaml_int(YamlOut *y, int64_t v);
void yaml_bool(YamlOut *y, bool v);
/* Text of several lines as a literal block where YAML can hold it unchanged (no control characters, no line of blanks at the
   front), else quoted. */
void yaml_block(YamlOut *y, Str s);
/* key and value in one call. */
void yaml_pair(YamlOut *y, const char *key, Str value);
static inline void yaml_pair_z(YamlOut *y, const char *key, const char *value) { yaml_pair(y, key, str_of(value)); }
void yaml_pair_int(YamlOut *y, const char *key, int64_t v);
void yaml_pair_bool(YamlOut *y, const char *key, bool v);

#endif
