/* JSON (RFC 8259): text writers and a pull reader over a text in memory. No tree is built. */
#ifndef WF_BASE_JSON_H
#define WF_BASE_JSON_H

#include "base/str.h"

/* Writes s as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD, so that the output always is. */
void json_string(Buf *b, Str s);
static inline void json_z(Buf *b, const char *z) { json_string(b, str_of(z)); }
void json_int(Buf *b, int64_t v);
/* Finite doubles only; always holds a '.' or an exponent, so that it reads back as a float. */
void json_double(Buf *b, double v);
static inline void json_bool(Buf *b, bool v) { buf_z(b, v ? "true" : "false"); }

/* An object or array being written: json_key and json_item put the comma where one is due.
     JsonOut j = json_open(b, '{'); json_key(&j, "a"); json_int(b, 1); json_close(&j);  */
typedef struct JsonOut {
    Buf *b;
    bool some;
    char close;
} JsonOut;
JsonOut json_open(Buf *b, char open);
void json_key(JsonOut *j, const char *key);
void json_key_str(JsonOut *j, Str key);
void json_item(JsonOut *j);
void json_close(JsonOut *j);

typedef enum JsonKind {
    JSON_ERROR,
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_INT,    /* a number without '.' or exponent that fits int64 */
    JSON_FLOAT,  /* any other number */
    JSON_STRING,
    JSON_ARRAY,  /* its '[' was read */
    JSON_OBJECT, /* its '{' was read */
} JsonKind;

/* Reads one text front to back:
     JsonIn j = json_in(text);
     JsonKind k = json_next(&j);                                  the value's kind; scalars are consumed and stand in j
     if (k == JSON_OBJECT) while (json_member(&j, &key)) { json_next(&j) ... }
     if (k == JSON_ARRAY) while (json_element(&j)) { json_next(&j) ... }
     json_end(&j)                                                 true when nothing but blanks is left and no error was met
   After an error every call fails and `error` and `at` (byte offset) say what and where. Depth is limited to 512. */
typedef struct JsonIn {
    Str text;
    size_t at;
    const char *error; /* static text, or NULL */
    int64_t i;         /* of JSON_INT */
    double f;          /* of JSON_INT and JSON_FLOAT */
    Str s;             /* of JSON_STRING and of a member's key: decoded; valid until the next string is read */
    Buf scratch;       /* holds s when it had escapes */
    unsigned depth;
    bool first; /* just inside an opener */
} JsonIn;

JsonIn json_in(Str text);
JsonKind json_next(JsonIn *j);
bool json_member(JsonIn *j, Str *key); /* false at the closing '}' or on an error */
bool json_element(JsonIn *j);          /* false at the closing ']' or on an error */
bool json_skip(JsonIn *j);             /* reads a whole value of any kind */
bool json_end(JsonIn *j);
void json_in_free(JsonIn *j);

/* Copies the valid JSON of `text` without blanks between tokens, with strings as json_string writes them and numbers as json_int and
   json_double do (one beyond a double stays as it is), so that equal values have equal texts;
   false with the reason in *error and the offset in *at when it is not valid. */
bool json_minify(Str text, Buf *out, const char **error, size_t *at);

#endif
