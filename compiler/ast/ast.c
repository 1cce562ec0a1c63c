#include "compiler/ast/ast.h"

#include <stdlib.h>

void ast_init(Ast *ast, const Sources *s, FileId file, Atoms *atoms) {
    *ast = (Ast){.file = file, .text = s->file[file].text, .atoms = atoms};
    vec_push(&ast->node, (AstNode){0});
    vec_push(&ast->extra, 0);
}

void ast_free(Ast *ast) {
    vec_free(&ast->node);
    vec_free(&ast->extra);
    vec_free(&ast->strings);
    vec_free(&ast->pragmas);
    arena_free(&ast->arena);
    *ast = (Ast){0};
}

/* --- what ast.def says about each kind --- */

typedef enum NamePlace { NOWHERE, START, END, AFTER_WORD } NamePlace;
typedef enum SlotType { SLOT_atom, SLOT_node, SLOT_list, SLOT_word } SlotType;
enum { IN_A = 30, IN_B = 31, SLOTS_MAX = 6 };

typedef struct Slot {
    const char *name; /* NULL after the last */
    uint8_t type;     /* SlotType */
    uint8_t at;       /* IN_A, IN_B or the word of the record */
} Slot;

typedef struct KindInfo {
    const char *name;
    NamePlace name_at;
    Slot slot[SLOTS_MAX + 1];
} KindInfo;

static const KindInfo kinds[AST_NKINDS] = {
#define A(type, name) {#name, SLOT_##type, IN_A},
#define B(type, name) {#name, SLOT_##type, IN_B},
#define X(i, type, name) {#name, SLOT_##type, i},
#define AST(KIND, View, view, at, slots) [AST_##KIND] = {#view, at, {slots}},
#define AST_LEAF(KIND, view, at) [AST_##KIND] = {#view, at, {{NULL, 0, 0}}},
#include "compiler/ast/ast.def"
#undef AST
#undef AST_LEAF
#undef A
#undef B
#undef X
};

static uint32_t slot_word(const Ast *ast, const AstNode *n, const Slot *s) {
    return s->at == IN_A ? n->a : s->at == IN_B ? n->b : ast->extra.data[n->b + s->at];
}

const char *ast_kind_name(AstKind k) { return kinds[k].name; }

const char *ast_op_text(AstOp op) {
    static const char *const text[] = {
#define AST_OP(NAME, text) [OP_##NAME] = text,
        AST_OPS(AST_OP)
#undef AST_OP
    };
    return text[op];
}

AstList ast_annots(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    for (const Slot *s = kinds[n->kind].slot; s->name != NULL; s++)
        if (s->type == SLOT_list && strcmp(s->name, "annots") == 0) return ast_list_at(ast, slot_word(ast, n, s));
    return ast_list_at(ast, 0);
}

Atom ast_name_of(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    for (const Slot *s = kinds[n->kind].slot; s->name != NULL; s++)
        if (s->type == SLOT_atom) return slot_word(ast, n, s);
    return 0;
}

void ast_children(const Ast *ast, NodeId id, void (*visit)(void *ctx, NodeId child), void *ctx) {
    const AstNode *n = ast_node(ast, id);
    for (const Slot *s = kinds[n->kind].slot; s->name != NULL; s++) {
        uint32_t word = slot_word(ast, n, s);
        if (s->type == SLOT_node && word != 0) visit(ctx, word);
        if (s->type != SLOT_list) continue;
        AstList list = ast_list_at(ast, word);
        AST_EACH(list, child) visit(ctx, child);
    }
}

/* --- places --- */

static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next byte from `at` on that is neither blank, newline, comment nor one of `also`. */
static uint32_t skip_trivia(Str text, uint32_t at, const char *also) {
    while (at < text.n) {
        char c = text.p[at];
        if (c == '#') {
            while (at < text.n && text.p[at] != '\n') at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || (c != '\0' && strchr(also, c) != NULL)) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

static uint32_t word_end(Str text, uint32_t at) {
    while (at < text.n && is_word_char(text.p[at])) at++;
    return at;
}

Span ast_name_span(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    uint32_t at = n->off, end = n->end;
    switch (kinds[n->kind].name_at) {
    case NOWHERE: break;
    case START: end = word_end(ast->text, at); break;
    case END:
        at = end;
        while (at > n->off && is_word_char(ast->text.p[at - 1])) at--;
        break;
    case AFTER_WORD:
        at = skip_trivia(ast->text, word_end(ast->text, at), "");
        end = word_end(ast->text, at);
        break;
    }
    if (end <= at || end > n->end) return ast_span(ast, id);
    return (Span){ast->file, at, end - at};
}

Span ast_op_span(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    if (n->kind != AST_BINARY && n->kind != AST_AS) return ast_span(ast, id);
    uint32_t at = skip_trivia(ast->text, ast_node(ast, n->a)->end, ")");
    uint32_t len = (uint32_t)strlen(n->kind == AST_AS ? "as" : ast_op_text((AstOp)n->op));
    return (Span){ast->file, at, len};
}

Span ast_annotation_span(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    uint32_t end = word_end(ast->text, n->off + 1);
    if (ast_annotation(ast, id).module != 0 && ast->text.p[end] == '.') end = word_end(ast->text, end + 1);
    return (Span){ast->file, n->off, end - n->off};
}

/* --- texts --- */

Str ast_string(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    if (n->flags & AST_DECODED) return ast->strings.data[n->a];
    uint32_t quote = n->flags & AST_PART ? 0 : 1;
    return (Str){ast->text.p + n->off + quote, n->end - n->off - 2 * quote};
}

Str ast_fence_raw(const Ast *ast, NodeId id) {
    const AstNode *n = ast_node(ast, id);
    uint32_t end = n->end;
    while (end > n->b && ast->text.p[end - 1] != '\n') end--; /* the closing line begins after a newline */
    return (Str){ast->text.p + n->b, end > n->b ? end - n->b : 0};
}

static size_t line_length(const char *p, const char *end) {
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    return nl != NULL ? (size_t)(nl - p) + 1 : (size_t)(end - p);
}

static size_t blanks_before(const char *p, size_t n) {
    size_t i = 0;
    while (i < n && (p[i] == ' ' || p[i] == '\t')) i++;
    return i;
}

static bool is_blank_line(const char *p, size_t n) {
    size_t i = blanks_before(p, n);
    return i == n || p[i] == '\n' || (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n');
}

/* Tabs and blanks are compared as bytes, so mixed indentation loses only what is the same in all lines. */
uint32_t ast_fence_indent(const Ast *ast, NodeId id) {
    Str raw = ast_fence_raw(ast, id);
    const char *first = NULL;
    size_t common = 0;
    for (const char *p = raw.p, *end = raw.p + raw.n; p < end;) {
        size_t n = line_length(p, end);
        if (!is_blank_line(p, n)) {
            size_t blanks = blanks_before(p, n), same = 0;
            if (first == NULL) common = blanks, first = p;
            while (same < common && same < blanks && p[same] == first[same]) same++;
            common = same;
        }
        p += n;
    }
    return (uint32_t)common;
}

Str ast_fence_text(const Ast *ast, NodeId id, Arena *arena) {
    Str raw = ast_fence_raw(ast, id);
    uint32_t indent = ast_fence_indent(ast, id);
    if (indent == 0) return raw;
    char *out = arena_alloc(arena, raw.n + 1);
    size_t n = 0;
    for (const char *p = raw.p, *end = raw.p + raw.n; p < end;) {
        size_t len = line_length(p, end), skip = indent < len ? indent : len;
        if (is_blank_line(p, len)) skip = blanks_before(p, len);
        memcpy(out + n, p + skip, len - skip);
        n += len - skip;
        p += len;
    }
    out[n] = '\0';
    return (Str){out, n};
}

/* The start of the line before the one that begins at `at`. */
static uint32_t line_before(Str text, uint32_t at) {
    if (at == 0) return 0;
    at--;
    while (at > 0 && text.p[at - 1] != '\n') at--;
    return at;
}

/* A line that holds a comment and nothing else; *body is what follows `#` and one blank. */
static bool is_comment_line(Str text, uint32_t at, Str *body) {
    size_t n = line_length(text.p + at, text.p + text.n), i = blanks_before(text.p + at, n);
    if (i == n || text.p[at + i] != '#') return false;
    const char *p = text.p + at + i + 1;
    while (n > i + 1 && (text.p[at + n - 1] == '\n' || text.p[at + n - 1] == '\r')) n--;
    size_t len = n - i - 1;
    if (len > 0 && *p == ' ') p++, len--;
    *body = (Str){p, len};
    return true;
}

Str ast_doc_comment(const Ast *ast, NodeId id, Arena *arena) {
    uint32_t at = ast_node(ast, id)->off;
    AstList annots = ast_annots(ast, id);
    if (annots.n > 0 && ast_node(ast, annots.at[0])->off < at) at = ast_node(ast, annots.at[0])->off;
    while (at > 0 && (ast->text.p[at - 1] == ' ' || ast->text.p[at - 1] == '\t')) at--;
    if (at > 0 && ast->text.p[at - 1] != '\n') return (Str){"", 0}; /* not the first thing on its line */
    uint32_t from = at;
    size_t room = 1;
    for (Str body; from > 0; room += body.n + 1) {
        uint32_t before = line_before(ast->text, from);
        if (!is_comment_line(ast->text, before, &body)) break;
        from = before;
    }
    if (from == at) return (Str){"", 0};
    char *out = arena_alloc(arena, room);
    size_t n = 0;
    for (Str body; from < at && is_comment_line(ast->text, from, &body);) {
        from += (uint32_t)line_length(ast->text.p + from, ast->text.p + ast->text.n);
        if (str_starts(body, STR("wfc:"))) continue;
        if (n > 0) out[n++] = '\n';
        memcpy(out + n, body.p, body.n);
        n += body.n;
    }
    out[n] = '\0';
    return (Str){out, n};
}

/* --- the dump --- */

static void dump_string(Buf *out, Str s) {
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\n') buf_z(out, "\\n");
        else if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
        else if (c < 0x20) buf_printf(out, "\\x%02x", c);
        else buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

static void dump_value(Buf *out, const Ast *ast, NodeId id) {
    AstKind k = ast_kind(ast, id);
    char number[32];
    if (k == AST_INT || k == AST_DURATION || k == AST_SIZE) {
        buf_printf(out, " %lld", (long long)ast_int(ast, id));
    } else if (k == AST_FLOAT) {
        format_double(ast_float(ast, id), number);
        buf_printf(out, " %s", number);
    } else if (k == AST_BOOL) {
        buf_z(out, ast_bool(ast, id) ? " true" : " false");
    } else if (k == AST_STRING) {
        buf_addc(out, ' ');
        dump_string(out, ast_string(ast, id));
    } else if (k == AST_BINARY) {
        buf_printf(out, " %s", ast_op_text(ast_op(ast, id)));
    } else if (k == AST_FENCE) {
        Arena arena = ARENA_INIT;
        buf_addc(out, ' ');
        dump_string(out, ast_fence_text(ast, id, &arena));
        arena_free(&arena);
    }
}

static void dump_node(Buf *out, const Ast *ast, NodeId id, unsigned depth, const char *role) {
    const AstNode *n = ast_node(ast, id);
    const KindInfo *k = &kinds[n->kind];
    buf_pad(out, ' ', 2 * (size_t)depth);
    if (role != NULL) buf_printf(out, "%s: ", role);
    buf_z(out, k->name);
    for (const Slot *s = k->slot; s->name != NULL; s++) {
        uint32_t word = slot_word(ast, n, s);
        if (s->type != SLOT_atom || word == 0) continue;
        buf_addc(out, ' ');
        if (s != k->slot) buf_printf(out, "%s=", s->name);
        buf_z(out, atom_cstr(ast->atoms, word));
    }
    dump_value(out, ast, id);
    if (n->flags & AST_OPTIONAL) buf_z(out, " optional");
    if (n->flags & AST_VARIADIC) buf_z(out, " variadic");
    if (n->flags & AST_PAREN) buf_z(out, " paren");
    buf_addc(out, '\n');
    for (const Slot *s = k->slot; s->name != NULL; s++) {
        uint32_t word = slot_word(ast, n, s);
        if (s->type == SLOT_node && word != 0) dump_node(out, ast, word, depth + 1, s->name);
        if (s->type != SLOT_list) continue;
        AstList list = ast_list_at(ast, word);
        AST_EACH(list, child) dump_node(out, ast, child, depth + 1, s->name);
    }
}

void ast_dump(Buf *out, const Ast *ast, NodeId id) { dump_node(out, ast, id, 0, NULL); }
