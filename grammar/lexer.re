/* The tokens of WF. re2c makes the automata; what a regular language cannot say (fences, nesting of ${ }) is done by hand.
   The NUL behind the text is the sentinel of all loops; no rule reads past one. */
#include "grammar/lexer.h"

#include <stdlib.h>
#include <string.h>

/*!re2c
    re2c:flags:case-ranges = 0;
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = at;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;

    dec     = [0-9] ("_"? [0-9])*;
    exp     = [eE] [+-]? dec;
    number  = dec ("." dec)?;
    tunit   = "ms" | "s" | "m" | "h" | "d";
    sunit   = "B" | "kB" | "KB" | "MB" | "GB" | "TB" | "PB" | "KiB" | "MiB" | "GiB" | "TiB" | "PiB";
    word    = [A-Za-z_] [A-Za-z0-9_]*;
    escape  = "\\" [^\r\n\x00];
    chars   = ([^"\\$\r\n\x00] | escape | "$"+ ([^"\\${\r\n\x00] | escape))*;
    onechar = [^'\\\r\n\x00] | escape;
*/

Lexer lexer_open(Str text, FileId file, Atoms *atoms, Diags *diags) {
    const unsigned char *p = (const unsigned char *)text.p;
    bool mark = text.n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0;
    return (Lexer){.text = p, .at = p + (mark ? 3 : 0), .limit = p + text.n, .file = file, .atoms = atoms, .diags = diags};
}

static Span span_at(const Lexer *lx, const unsigned char *from, const unsigned char *to) {
    return (Span){lx->file, (uint32_t)(from - lx->text), (uint32_t)(to - from)};
}

static Diags *lexer_report(Lexer *lx, Token *t) {
    t->bad = true;
    return lx->diags;
}

/* --- numbers --- */

/* Digits of [p, end) without underscores and without the point; *scale counts those behind the point. False above 2^63. */
static bool read_digits(const unsigned char *p, const unsigned char *end, uint64_t *value, unsigned *scale) {
    bool fraction = false;
    *value = 0;
    *scale = 0;
    for (; p < end; p++) {
        if (*p == '.') fraction = true;
        if (*p < '0' || *p > '9') continue;
        if (__builtin_mul_overflow(*value, 10u, value) || __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value)) return false;
        if (fraction) ++*scale;
    }
    return *value <= (uint64_t)1 << 63;
}

static void read_int(Lexer *lx, Token *t, const unsigned char *p, const unsigned char *end) {
    unsigned scale;
    if (!read_digits(p, end, &t->v.i, &scale)) {
        t->v.i = 0;
        if (lexer_report(lx, t)) {
            Diag *d = diag_add(lx->diags, WF_E_number_too_large, span_at(lx, p, end), "integer does not fit in 64 bits");
            diag_here(lx->diags, d, "the largest is 9223372036854775807");
        }
    } else if (*p == '0' && end - p > 1) {
        if (lexer_report(lx, t)) {
            Diag *d = diag_add(lx->diags, WF_E_bad_number, span_at(lx, p, end), "integer with a leading zero");
            diag_here(lx->diags, d, "numbers are decimal; file modes and the like are strings");
        }
    }
}

static void read_float(Lexer *lx, Token *t, const unsigned char *p, const unsigned char *end) {
    static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits;
    unsigned scale;
    if (memchr(p, 'e', (size_t)(end - p)) == NULL && memchr(p, 'E', (size_t)(end - p)) == NULL &&
        read_digits(p, end, &digits, &scale) && digits < (uint64_t)1 << 53 && scale <= 15) {
        t->v.f = (double)digits / power[scale]; /* both exact, so the quotient is the nearest double */
        return;
    }
    Buf text = BUF_INIT;
    for (const unsigned char *q = p; q < end; q++)
        if (*q != '_') buf_addc(&text, (char)*q);
    t->v.f = strtod(buf_cstr(&text), NULL);
    buf_free(&text);
    if (t->v.f <= 1.7976931348623157e308) return;
    t->v.f = 0;
    if (lexer_report(lx, t)) diag_add(lx->diags, WF_E_number_too_large, span_at(lx, p, end), "float is too large");
}

typedef struct Unit {
    char name[4];
    uint64_t size; /* in milliseconds or bytes */
} Unit;
static const Unit time_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
static const Unit size_units[] = {
    {"B", 1},     {"kB", 1000},        {"KB", 1000},        {"MB", 1000000},     {"GB", 1000000000},     {"TB", 1000000000000},
    {"PB", 1000000000000000}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", (uint64_t)1 << 40}, {"PiB", (uint64_t)1 << 50},
};

static uint64_t unit_size(const Unit *units, size_t n, const unsigned char *p, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, p, len) == 0) return units[i].size;
    return 0;
}

static bool is_letter(unsigned char c) { return (unsigned char)((c | 32) - 'a') < 26; }

/* A sum of numbers with units, the units descending; a size has one part. The value is a whole number of ms or bytes. */
static void read_quantity(Lexer *lx, Token *t, const unsigned char *p, const unsigned char *end) {
    bool is_size = t->kind == TOK_SIZE;
    uint64_t sum = 0, last = UINT64_MAX;
    const char *problem = NULL;
    for (const unsigned char *q = p; q < end && problem == NULL;) {
        const unsigned char *unit = q;
        while (!is_letter(*unit)) unit++;
        const unsigned char *next = unit;
        while (next < end && is_letter(*next)) next++;
        uint64_t digits, scale_by = 1, part,
                 size = is_size ? unit_size(size_units, sizeof size_units / sizeof *size_units, unit, (size_t)(next - unit))
                                : unit_size(time_units, sizeof time_units / sizeof *time_units, unit, (size_t)(next - unit));
        unsigned scale;
        bool fits = read_digits(q, unit, &digits, &scale);
        for (; fits && scale > 0; scale--) fits = !__builtin_mul_overflow(scale_by, 10u, &scale_by);
        if (!fits || __builtin_mul_overflow(digits, size, &part) || __builtin_add_overflow(sum, part / scale_by, &sum) || sum > INT64_MAX)
            problem = is_size ? "size does not fit in 64 bits of bytes" : "duration does not fit in 64 bits of milliseconds";
        else if (part % scale_by != 0)
            problem = is_size ? "size is not a whole number of bytes" : "duration is not a whole number of milliseconds";
        else if (size >= last)
            problem = "units of a duration must descend, each once";
        last = size;
        q = next;
    }
    t->v.i = problem == NULL ? sum : 0;
    if (problem == NULL || !lexer_report(lx, t)) return;
    bool large = strstr(problem, "64 bits") != NULL;
    Diag *d = diag_add(lx->diags, large ? WF_E_number_too_large : WF_E_bad_number, span_at(lx, p, end), "%s", problem);
    if (!large) diag_here(lx->diags, d, is_size ? "write it with a smaller unit" : "for example `1h30m`");
}

/* What people write for the units, and ours: minutes and gigabytes of other systems. */
static const char *nearest_unit(const unsigned char *p, size_t n) {
    static const char *const pairs[][2] = {
        {"min", "m"},     {"mins", "m"},    {"minute", "m"},  {"minutes", "m"}, {"sec", "s"},     {"secs", "s"},    {"second", "s"},
        {"seconds", "s"}, {"hr", "h"},      {"hrs", "h"},     {"hour", "h"},    {"hours", "h"},   {"day", "d"},     {"days", "d"},
        {"msec", "ms"},   {"millis", "ms"}, {"b", "B"},       {"byte", "B"},    {"bytes", "B"},   {"k", "kB"},      {"kb", "kB"},
        {"mb", "MB"},     {"gb", "GB"},     {"tb", "TB"},     {"pb", "PB"},     {"g", "GB"},      {"t", "TB"},      {"kib", "KiB"},
        {"mib", "MiB"},   {"gib", "GiB"},   {"tib", "TiB"},   {"pib", "PiB"},   {"ki", "KiB"},    {"mi", "MiB"},    {"gi", "GiB"},
        {"ti", "TiB"},    {"pi", "PiB"},    {"kb", "kB"},
    };
    char lower[12];
    if (n == 1 && *p == 'M') return "MB";
    if (n == 1 && *p == 'H') return "h";
    if (n == 1 && *p == 'S') return "s";
    if (n == 1 && *p == 'D') return "d";
    if (n >= sizeof lower) return NULL;
    for (size_t i = 0; i < n; i++) lower[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], lower) == 0) return pairs[i][1];
    return NULL;
}

/* A number with letters that are no unit; it goes on as a duration or size so that nothing else is reported about it. */
static void bad_unit(Lexer *lx, Token *t, const unsigned char *p, const unsigned char *end) {
    const unsigned char *unit = p;
    while (unit < end && !is_letter(*unit) && *unit != '_') unit++;
    const char *near = nearest_unit(unit, (size_t)(end - unit));
    t->kind = near != NULL && strpbrk(near, "BK") != NULL ? TOK_SIZE : TOK_DURATION;
    t->v.i = 0;
    if (!lexer_report(lx, t)) return;
    if (end - p > 1 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X' || p[1] == 'o' || p[1] == 'b')) {
        t->kind = TOK_INT;
        diag_add(lx->diags, WF_E_bad_number, span_at(lx, p, end), "integers are written in decimal");
        return;
    }
    Diag *d = diag_add(lx->diags, WF_E_unknown_unit, span_at(lx, unit, end), "unknown unit `%.*s`", (int)(end - unit), unit);
    diag_note(lx->diags, d, "time: ms s m h d; size: B kB MB GB TB PB KiB MiB GiB TiB PiB");
    if (near == NULL) return;
    diag_help(lx->diags, d, "write `%.*s%s`", (int)(unit - p), p, near);
    diag_edit(lx->diags, d, span_at(lx, unit, end), "%s", near);
}

/* --- characters and strings --- */

static void unclosed_string(Lexer *lx, Token *t, const unsigned char *p, const unsigned char *end) {
    t->bad = true;
    if (lx->mended || lx->diags == NULL) return;
    lx->mended = true;
    if (lx->depth > 0) {
        uint32_t open = lx->opener[lx->depth - 1];
        Diag *d = diag_add(lx->diags, WF_E_unclosed_interpolation, (Span){lx->file, open, 2}, "`${` is not closed");
        diag_here(lx->diags, d, "its `}` must stand before the end of the line");
        return;
    }
    Diag *d = diag_add(lx->diags, WF_E_unclosed_string, span_at(lx, p, end), "string is not closed");
    diag_here(lx->diags, d, "its `\"` must stand before the end of the line");
    diag_note(lx->diags, d, "text of several lines is written as a code fence: ```text ... ```");
}

static void bad_character(Lexer *lx, Token *t, const unsigned char *p, const unsigned char **end) {
    uint32_t cp = *p;
    unsigned n = *p < 0x80 ? 1 : utf8_decode((const char *)p, (size_t)(lx->limit - p), &cp);
    *end = p + (n ? n : 1);
    if (!lexer_report(lx, t)) return;
    Span at = span_at(lx, p, *end);
    if (cp < 0x20 || cp == 0x7F) {
        diag_add(lx->diags, WF_E_unexpected_character, at, "unexpected control character U+%04X", cp);
        return;
    }
    Diag *d = diag_add(lx->diags, WF_E_unexpected_character, at, "unexpected character `%.*s`", (int)(*end - p), p);
    const char *with = NULL;
    if (cp == 0x201C || cp == 0x201D || cp == 0x201E) {
        with = "\"";
        const unsigned char *q = *end;
        while (*q != '\n' && q < lx->limit && !(q[0] == 0xE2 && q[1] == 0x80 && (q[2] == 0x9C || q[2] == 0x9D))) q++;
        if (*q == 0xE2) { /* the closing one belongs to the same mistake */
            *end = q + 3;
            diag_edit(lx->diags, d, span_at(lx, q, *end), "\"");
        }
    }
    else if (cp == 0xA0 || cp == 0x3000 || cp == 0x200B) with = " ";
    else if (cp == 0x2192) with = "->";
    else if (cp == 0x2260) with = "!=";
    else if (cp == 0x2264) with = "<=";
    else if (cp == 0x2265) with = ">=";
    if (with != NULL) {
        diag_help(lx->diags, d, "write `%s`", with);
        diag_edit(lx->diags, d, at, "%s", with);
    } else if (cp == '\\') {
        diag_help(lx->diags, d, "a line goes on inside `(` and `[`, after an operator or comma, and where the next line begins with an operator");
    } else if (cp == '$') {
        diag_help(lx->diags, d, "a value is named as it is; `${ }` stands inside strings only");
    } else if (cp == '`') {
        diag_help(lx->diags, d, "a code fence begins with at least three back-ticks");
    } else if (cp == '\'') {
        diag_help(lx->diags, d, "strings stand in double quotes");
    }
}

static bool is_hex(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/* Decodes the escape at raw[i] (behind the backslash) to out; returns the bytes read, 0 for a mistake. */
static size_t decode_escape(Str raw, size_t i, char out[4], unsigned *len) {
    static const char from[] = "nrt0\"\\$", to[] = "\n\r\t\0\"\\$";
    const char *known = raw.p[i] != '\0' ? strchr(from, raw.p[i]) : NULL;
    *len = 1;
    if (known != NULL) {
        out[0] = to[known - from];
        return 1;
    }
    if (raw.p[i] != 'u' || i + 1 >= raw.n || raw.p[i + 1] != '{') return 0;
    uint32_t cp = 0;
    size_t j = i + 2;
    for (; j < raw.n && j < i + 8 && is_hex(raw.p[j]); j++)
        cp = cp * 16 + (uint32_t)(raw.p[j] <= '9' ? raw.p[j] - '0' : (raw.p[j] | 32) - 'a' + 10);
    if (j == i + 2 || j >= raw.n || raw.p[j] != '}' || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) return 0;
    *len = utf8_encode(cp, out);
    return j + 1 - i;
}

Str lexer_decode(Arena *arena, Str raw, FileId file, uint32_t off, Diags *diags) {
    char *out = arena_alloc(arena, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\' || i + 1 == raw.n) {
            out[n++] = raw.p[i++];
            continue;
        }
        unsigned len;
        size_t read = decode_escape(raw, i + 1, out + n, &len); /* an escape is never shorter than its value */
        if (read == 0) {
            uint32_t cp;
            unsigned k = utf8_decode(raw.p + i + 1, raw.n - i - 1, &cp);
            read = k ? k : 1;
            len = 0;
            if (diags != NULL) {
                Diag *d = diag_add(diags, WF_E_bad_escape, (Span){file, off + (uint32_t)i, (uint32_t)read + 1}, "unknown escape `%.*s`",
                                   (int)read + 1, raw.p + i);
                diag_note(diags, d, "escapes are \\n \\r \\t \\0 \\\" \\\\ \\$ and \\u{1F600}");
                diag_help(diags, d, "a backslash itself is written twice");
                diag_edit(diags, d, (Span){file, off + (uint32_t)i, 0}, "\\");
            }
        }
        n += len;
        i += 1 + read;
    }
    out[n] = '\0';
    return (Str){out, n};
}

/* --- fences and long strings --- */

static const unsigned char *line_end(const Lexer *lx, const unsigned char *p) {
    const unsigned char *nl = memchr(p, '\n', (size_t)(lx->limit - p));
    return nl != NULL ? nl : lx->limit;
}

static const unsigned char *skip_blanks(const unsigned char *p) {
    while (*p == ' ' || *p == '\t') p++;
    return p;
}

static bool closes_fence(const unsigned char *p, const unsigned char *eol, unsigned char mark, size_t run) {
    p = skip_blanks(p);
    size_t n = 0;
    while (*p == mark) p++, n++;
    p = skip_blanks(p);
    return n >= run && (p == eol || (*p == '\r' && p + 1 == eol));
}

/* Reads the fence that begins at p; returns its end. */
static const unsigned char *read_fence(Lexer *lx, Token *t, const unsigned char *p) {
    const unsigned char *start = p;
    while (*p == *start) p++;
    size_t run = (size_t)(p - start);
    const unsigned char *tag = skip_blanks(p), *tag_end = tag, *eol = line_end(lx, p);
    while (tag_end < eol && (is_letter(*tag_end) || (*tag_end >= '0' && *tag_end <= '9') || strchr("_+.-", *tag_end))) tag_end++;
    const unsigned char *rest = skip_blanks(tag_end);
    if (*rest == '\r' && rest + 1 == eol) rest++;
    t->v.atom = lx->atoms ? atom_of(lx->atoms, (Str){(const char *)tag, (size_t)(tag_end - tag)}) : 0;
    if ((tag == tag_end || rest != eol) && lexer_report(lx, t)) {
        const unsigned char *to = rest == eol ? p : eol;
        Diag *d = diag_add(lx->diags, WF_E_fence_without_language, span_at(lx, start, to > start && to[-1] == '\r' ? to - 1 : to),
                           tag == tag_end ? "code fence without a language" : "only a language stands beside the opening of a code fence");
        diag_here(lx->diags, d, "for example ```python, ```bash or ```sql");
    }
    p = eol < lx->limit ? eol + 1 : eol;
    t->body = (uint32_t)(p - lx->text);
    while (p < lx->limit) {
        eol = line_end(lx, p);
        if (closes_fence(p, eol, *start, run)) return eol > p && eol[-1] == '\r' ? eol - 1 : eol;
        p = eol < lx->limit ? eol + 1 : eol;
    }
    t->kind = LEX_BAD;
    if (lexer_report(lx, t)) {
        Diag *d = diag_add(lx->diags, WF_E_unclosed_fence, span_at(lx, start, tag_end), "code fence is not closed");
        diag_here(lx->diags, d, "it ends at a line of %zu or more %s alone", run, *start == '`' ? "back-ticks" : "tildes");
    }
    return lx->limit;
}

/* A string of three quotes; an open one ends with its line, so that the rest of the file is still read. */
static const unsigned char *read_triple(Lexer *lx, const unsigned char *p) {
    const unsigned char quote = *p;
    for (const unsigned char *q = p + 3; q < lx->limit; q++) {
        q = memchr(q, quote, (size_t)(lx->limit - q));
        if (q == NULL) break;
        if (q[1] == quote && q[2] == quote) return q + 3;
    }
    return line_end(lx, p);
}

/* Leaves all ${ at the end of a line: nothing of a string goes on behind it. */
static void drop_interpolations(Lexer *lx, Token *t) {
    if (!lx->mended && lx->diags != NULL) {
        uint32_t open = lx->opener[lx->depth - 1];
        Diag *d = diag_add(lx->diags, WF_E_unclosed_interpolation, (Span){lx->file, open, 2}, "`${` is not closed");
        diag_here(lx->diags, d, "its `}` must stand before the end of the line");
    }
    lx->mended = true;
    t->kind = TOK_STRTAIL;
    t->bad = true;
    lx->depth--;
}

static void open_interpolation(Lexer *lx, Token *t, const unsigned char *at) {
    if (lx->depth == INTERPOLATION_MAX) {
        if (lexer_report(lx, t) && !lx->mended)
            diag_add(lx->diags, WF_E_nested_too_deeply, span_at(lx, at - 2, at), "strings are nested more than %d levels deep", INTERPOLATION_MAX);
        lx->mended = true;
        return;
    }
    lx->opener[lx->depth] = (uint32_t)(at - 2 - lx->text);
    lx->braces[lx->depth++] = 0;
}

/* The rest of a string from the } of an interpolation on: p stands behind the }. */
static const unsigned char *read_rest(Lexer *lx, Token *t, const unsigned char *p) {
    const unsigned char *at = p, *marker = p;
    lx->depth--;
    /*!re2c
        chars "$"* ["]  { t->kind = TOK_STRTAIL; return at; }
        chars "$"* "${" { t->kind = TOK_STRMID; open_interpolation(lx, t, at); return at; }
        * {
            while (*p != '\r' && *p != '\n' && p < lx->limit) p++;
            t->kind = TOK_STRTAIL;
            unclosed_string(lx, t, at - 2, p);
            return p;
        }
    */
}

static bool has_backslash(const unsigned char *p, const unsigned char *end) {
    return memchr(p, '\\', (size_t)(end - p)) != NULL;
}

/* --- the main automaton --- */

void lexer_next(Lexer *lx, Token *t) {
    const unsigned char *at = lx->at, *marker = at, *start;
    *t = (Token){.first = at == lx->text || (at == lx->text + 3 && at[-1] == 0xBF)};

#define RETURN(k)                                \
    do {                                         \
        t->kind = (k);                            \
        goto done;                               \
    } while (0)

again:
    start = at;
    /*!re2c
        [ \t]+ { goto again; }
        [\r\n] {
            if (lx->depth > 0) { at = start; drop_interpolations(lx, t); goto done; }
            lx->mended = false;
            t->first = true;
            goto again;
        }
        "#" {
            at = line_end(lx, at);
            if (lx->depth > 0) {
                if (lexer_report(lx, t) && !lx->mended)
                    diag_add(lx->diags, WF_E_comment_in_interpolation, span_at(lx, start, start + 1), "a comment inside `${ }` would hide its `}`");
                lx->mended = true;
            } else if (lx->pragma != NULL && strncmp((const char *)start, "# wfc:", 6) == 0) {
                lx->pragma(lx->pragma_ctx, (uint32_t)(start - lx->text));
            }
            if (!lx->comments) goto again;
            RETURN(LEX_COMMENT);
        }

        "if" { RETURN(TOK_IF); }             "else" { RETURN(TOK_ELSE); }         "match" { RETURN(TOK_MATCH); }
        "for" { RETURN(TOK_FOR); }           "in" { RETURN(TOK_IN); }             "repeat" { RETURN(TOK_REPEAT); }
        "until" { RETURN(TOK_UNTIL); }       "try" { RETURN(TOK_TRY); }           "catch" { RETURN(TOK_CATCH); }
        "return" { RETURN(TOK_RETURN); }     "and" { RETURN(TOK_AND); }           "or" { RETURN(TOK_OR); }
        "not" { RETURN(TOK_NOT); }           "true" { RETURN(TOK_TRUE); }         "false" { RETURN(TOK_FALSE); }
        "none" { RETURN(TOK_NONE); }         "as" { RETURN(TOK_AS); }             "edition" { RETURN(TOK_EDITION); }
        "import" { RETURN(TOK_IMPORT); }     "artifact" { RETURN(TOK_ARTIFACT); } "struct" { RETURN(TOK_STRUCT); }
        "enum" { RETURN(TOK_ENUM); }         "fn" { RETURN(TOK_FN); }             "step" { RETURN(TOK_STEP); }
        "workflow" { RETURN(TOK_WORKFLOW); } "target" { RETURN(TOK_TARGET); }     "test" { RETURN(TOK_TEST); }
        "annotation" { RETURN(TOK_ANNOTATION); } "exec" { RETURN(TOK_EXEC); }     "extern" { RETURN(TOK_EXTERN); }
        "supplied" { RETURN(TOK_SUPPLIED); } "on" { RETURN(TOK_ON); }             "finally" { RETURN(TOK_FINALLY); }
        "max" { RETURN(TOK_MAX); }           "given" { RETURN(TOK_GIVEN); }       "expect" { RETURN(TOK_EXPECT); }
        "with" { RETURN(TOK_WITH); }         "_" { RETURN(TOK_WILD); }

        [a-z] [a-z0-9_]*    { t->kind = TOK_NAME; goto name; }
        [A-Z] [A-Za-z0-9]*  { t->kind = TOK_TYPE; goto name; }
        word {
            bool upper = *start >= 'A' && *start <= 'Z';
            t->kind = upper ? TOK_TYPE : TOK_NAME;
            if (lexer_report(lx, t)) {
                Diag *d = diag_add(lx->diags, WF_E_name_style, span_at(lx, start, at), "`%.*s` is neither a value's nor a type's name", (int)(at - start), start);
                diag_note(lx->diags, d, "values and steps are named in lower_case, types in CamelCase");
            }
            goto name;
        }

        dec                 { t->kind = TOK_INT; read_int(lx, t, start, at); goto done; }
        dec "." dec exp? | dec exp { t->kind = TOK_FLOAT; read_float(lx, t, start, at); goto done; }
        (number tunit)+     { t->kind = TOK_DURATION; read_quantity(lx, t, start, at); goto done; }
        number sunit        { t->kind = TOK_SIZE; read_quantity(lx, t, start, at); goto done; }
        number [A-Za-z_] [A-Za-z0-9_]* { bad_unit(lx, t, start, at); goto done; }

        ["] [^"\\$\r\n\x00]* ["] { RETURN(TOK_STRING); } /* without escapes, which are looked for below */
        ["] chars "$"* ["]  { t->kind = TOK_STRING; goto string; }
        ["] chars "$"* "${" { t->kind = TOK_STRHEAD; open_interpolation(lx, t, at); goto string; }
        ["] chars "$"* {
            while (*at != '\r' && *at != '\n' && at < lx->limit) at++; /* a backslash at the end of the line */
            t->kind = TOK_STRING;
            unclosed_string(lx, t, start, at);
            goto done;
        }
        ["]["]["] | ['][']['] { at = read_triple(lx, start); RETURN(LEX_TRIPLE); }
        ['] onechar* [']    { RETURN(LEX_QUOTED); }
        [fFrRbBuU] [rRbBfF]? / ["'] { RETURN(LEX_PREFIX); }
        "```" | "~~~"       { t->kind = TOK_FENCE; at = read_fence(lx, t, start); goto done; }

        ">>" { RETURN(TOK_THEN); }    "=>" { RETURN(TOK_FATARROW); } "->" { RETURN(TOK_ARROW); }
        "==" { RETURN(TOK_EQ); }      "!=" { RETURN(TOK_NE); }       "<=" { RETURN(TOK_LE); }
        ">=" { RETURN(TOK_GE); }      "<" { RETURN(TOK_LT); }        ">" { RETURN(TOK_GT); }
        "??" { RETURN(TOK_QQ); }      "?." { RETURN(TOK_QDOT); }     "?[" { RETURN(TOK_QBRACK); }
        "?" { RETURN(TOK_QUEST); }    "..." { RETURN(TOK_ELLIPSIS); } "." { RETURN(TOK_DOT); }
        "," { RETURN(TOK_COMMA); }    ":" { RETURN(TOK_COLON); }     "=" { RETURN(TOK_ASSIGN); }
        "+" { RETURN(TOK_PLUS); }     "-" { RETURN(TOK_MINUS); }     "*" { RETURN(TOK_STAR); }
        "/" { RETURN(TOK_SLASH); }    "//" { RETURN(TOK_FLOOR); }    "%" { RETURN(TOK_PERCENT); }
        "@" { RETURN(TOK_AT); }       "(" { RETURN(TOK_LPAREN); }    ")" { RETURN(TOK_RPAREN); }
        "[" { RETURN(TOK_LBRACK); }   "]" { RETURN(TOK_RBRACK); }
        "{" { if (lx->depth > 0) lx->braces[lx->depth - 1]++; RETURN(TOK_LBRACE); }
        "}" {
            if (lx->depth > 0 && lx->braces[lx->depth - 1] == 0) { at = read_rest(lx, t, at); goto string; }
            if (lx->depth > 0) lx->braces[lx->depth - 1]--;
            RETURN(TOK_RBRACE);
        }
        "&&" { RETURN(LEX_AND); }     "||" { RETURN(LEX_OR); }       "!" { RETURN(LEX_BANG); }
        ";" { RETURN(LEX_SEMICOLON); } "**" { RETURN(LEX_POWER); }
        ("+" | "-" | "*" | "/" | "//" | "%" | "**") "=" { RETURN(LEX_AUGMENT); }
        [\x00] {
            if (start < lx->limit) { bad_character(lx, t, start, &at); RETURN(LEX_BAD); }
            at = start;
            if (lx->depth > 0) { drop_interpolations(lx, t); goto done; }
            RETURN(TOK_EOF);
        }
        *   { bad_character(lx, t, start, &at); RETURN(LEX_BAD); }
    */
name:
    if (lx->atoms != NULL) t->v.atom = atom_of(lx->atoms, (Str){(const char *)start, (size_t)(at - start)});
    goto done;
string:
    t->escapes = has_backslash(start, at);
done:
    t->off = (uint32_t)(start - lx->text);
    t->end = (uint32_t)(at - lx->text);
    lx->at = at;
}
