/* Tokens of a WF text, without layout: what the feeder reads, and what the formatter and the highlighter read again.

   The lexer yields a keyword token for every word that can be one; feeder.c turns it into a name where a name stands. */
#ifndef WF_GRAMMAR_LEXER_H
#define WF_GRAMMAR_LEXER_H

#include "base/atom.h"
#include "compiler/source/diag.h"

typedef enum TokenKind {
    TOK_EOF = 0,
    /* Bison numbers the tokens of %token from 3 on (api.token.raw); feeder.c asserts that both lists agree. */
    TOK_YYBASE = 2,
#define TOKEN(NAME, text, class, ends, continues) TOK_##NAME,
#include "grammar/tokens.def"
#undef TOKEN
    /* Forms of other languages and mistakes, which the feeder mends or drops; the parser never sees them. */
    LEX_COMMENT,   /* only when Lexer.comments is set */
    LEX_AND,       /* && */
    LEX_OR,        /* || */
    LEX_BANG,      /* ! */
    LEX_SEMICOLON, /* ; */
    LEX_POWER,     /* ** */
    LEX_AUGMENT,   /* += -= *= /= //= %= */
    LEX_QUOTED,    /* 'text' */
    LEX_TRIPLE,    /* """text""" or '''text''' */
    LEX_PREFIX,    /* f before a string */
    LEX_BAD,       /* a character or number that was reported; stands for nothing */
    TOKEN_KINDS
} TokenKind;

typedef struct Token {
    uint8_t kind;    /* TokenKind */
    bool first;      /* first on its line */
    bool escapes;    /* STRING, STRHEAD, STRMID, STRTAIL: holds a backslash */
    bool bad;        /* was reported already */
    uint32_t off, end;
    union {
        Atom atom;   /* NAME, TYPE, FENCE (the language, 0 when missing) */
        uint64_t i;  /* INT; DURATION in ms; SIZE in bytes */
        double f;    /* FLOAT */
    } v;
    uint32_t body;   /* FENCE: offset of the first line */
} Token;

enum { INTERPOLATION_MAX = 15 };

typedef struct Lexer {
    const unsigned char *text, *at, *limit; /* limit points at the final NUL */
    FileId file;
    Atoms *atoms;      /* NULL: names get no atoms */
    Diags *diags;      /* NULL: mistakes are not reported */
    bool comments;     /* comments are tokens */
    bool mended;       /* the error of this line's strings was reported */
    uint8_t depth;     /* of ${ */
    uint16_t braces[INTERPOLATION_MAX]; /* open { inside each ${ */
    uint32_t opener[INTERPOLATION_MAX]; /* offset of each ${ */
    void (*pragma)(void *ctx, uint32_t off); /* called for each comment that begins `# wfc:`; may be NULL */
    void *pragma_ctx;
} Lexer;

/* text.p[text.n] must be NUL. Begins behind a byte order mark. Nothing to free. */
Lexer lexer_open(Str text, FileId file, Atoms *atoms, Diags *diags);
/* Reads the next token; TOK_EOF at the end, again and again. A file is read in linear time. */
void lexer_next(Lexer *lx, Token *t);

/* The value of a string's characters with escapes; mistakes are reported when diags is not NULL. In the arena. */
Str lexer_decode(Arena *arena, Str raw, FileId file, uint32_t off, Diags *diags);

#endif
