/* Targets: the engines that a workflow is written for. Each is one folder under compiler/backend/ with one const Target, and one
   row in target.c. What it cannot keep stands in its capability table and is reported at the construct's line; nothing is
   approximated silently. */
#ifndef WF_BACKEND_EMIT_TARGET_H
#define WF_BACKEND_EMIT_TARGET_H

#include "compiler/ir/flow.h"
#include "compiler/source/diag.h"

typedef enum Cap {
#define CAP(id, group, construct) CAP_##id,
#include "compiler/backend/emit/caps.def"
#undef CAP
    CAP_SETTINGS, /* from here on the annotations' parameters: CAP_OF */
    CAP_COUNT = (int)CAP_SETTINGS + (int)SET_COUNT
} Cap;
/* The row of an annotation's parameter. */
#define CAP_OF(setting) ((Cap)((int)CAP_SETTINGS + (int)(setting)))

typedef enum CapLevel {
    CAP_UNSET,   /* no row: a test refuses it */
    CAP_KEPT,    /* means what it means in a local run */
    CAP_LIMITED, /* kept within a limit that the note tells; the target's `check` reports what exceeds it */
    CAP_REFUSED, /* an error at its line; the note says why and what to write instead */
    CAP_IGNORED, /* an annotation that says nothing about the meaning, and that the engine has no place for */
} CapLevel;

typedef struct Capability {
    CapLevel level;
    const char *note; /* how it is kept, or why not and what to write instead; one line, no final full stop */
} Capability;

/* A setting that a `target NAME on ENGINE { name = value }` block may have. */
typedef struct TargetSetting {
    const char *name;
    TypeId type;          /* T_STRING, T_INT, T_BOOL, T_DURATION, T_SIZE, or T_JSON for a map of strings */
    const char *fallback; /* as a user would write it, for the documentation; NULL: none */
    const char *doc;
} TargetSetting;

/* One file to write, relative to the output folder. */
typedef struct EmitFile {
    char *path; /* malloc'ed */
    Buf text;
} EmitFile;

/* From here on the file's text comes from the source span. */
typedef struct EmitMark {
    uint32_t file;
    size_t at;
    Span span;
} EmitMark;

typedef struct EmitOut {
    VEC(EmitFile) file;
    VEC(EmitMark) mark; /* ascending by file, then offset */
} EmitOut;

/* One emission: what is asked for, and what was found. */
typedef struct TargetCx {
    const Flow *flow;
    uint32_t workflow;           /* the one to write; those it calls come along */
    const struct Target *target;
    uint32_t block;              /* index into Flow.target of the settings block, or UINT32_MAX */
    Diags *diags;
    Str source;                  /* the main file's name as the user gave it, "flows/train.wf" */
    Str shim;                    /* the bytes of the step protocol's shim, wf_shim.py */
    Str node_shim;               /* wf_shim.js */
    bool strict;                 /* warnings about lost parallelism are errors */
} TargetCx;

typedef struct Target {
    const char *name;  /* "argo" */
    const char *title; /* "Argo Workflows" */
    const char *doc;   /* versions, what is written: a short paragraph */
    const Capability *caps; /* CAP_COUNT of them */
    const TargetSetting *settings; /* ended by a row without a name */
    /* Reports what the table alone cannot tell: limits, names, images. May be NULL. */
    void (*check)(TargetCx *cx);
    /* Writes the files; only called after checks without errors, and cannot fail. O(size of the flow). */
    void (*emit)(TargetCx *cx, EmitOut *out);
} Target;

extern const Target *const targets[]; /* ended by NULL */

/* The target of the name, or NULL. */
const Target *target_find(const char *name);

/* Reports at their lines: constructs that the target refuses, in the workflow, those it calls, their steps and functions;
   settings of the block that it does not have or of the wrong type; then what target->check finds. True when no error was added.
   O(size of the flow). */
bool target_check(TargetCx *cx);

/* Reports that a setting of the block, when it is there, is wrong: "setting `NAME` of ENGINE WHAT". */
void target_bad_setting(TargetCx *cx, const char *name, const char *what);
/* The value of a setting of the block; false (and *out unchanged) when it is not set. The constant is borrowed from the flow. */
bool target_string(const TargetCx *cx, const char *name, Str *out);
bool target_int(const TargetCx *cx, const char *name, int64_t *out); /* also durations (ms), sizes (bytes), bools (0, 1) */
/* Entry i of a setting that is a map of strings; false beyond the last. */
bool target_entry(const TargetCx *cx, const char *name, uint32_t i, Str *key, Str *value);

/* The workflows, steps and functions that a workflow uses, itself included: a byte per index. Malloc'ed. O(size of the flow). */
typedef struct Used {
    uint8_t *workflow, *step, *fn;
} Used;
Used target_used(const Flow *f, uint32_t workflow);
void used_free(Used *u);

/* Calls `found` for each body `on ENGINE ...` of this target's engine on a step that is used. */
void target_each_body(TargetCx *cx, const Used *used, void (*found)(TargetCx *cx, const FlowTargetBody *body));
/* The body that the step has for this target's engine, `on ENGINE ...`, or NULL. O(log of all such bodies). */
const FlowTargetBody *target_body(const TargetCx *cx, uint32_t step);

/* Adds the finding "TARGET cannot keep CONSTRUCT" at the span, with the note of the table as its help. */
void target_refuse(TargetCx *cx, Span span, Cap cap);

/* The matrix of constructs by targets, in Markdown: `wfc targets`, docs/targets.md. */
void targets_matrix(Buf *out);

/* The settings of a target, in Markdown. */
void target_settings_doc(Buf *out, const Target *t);

/* Output files. The Buf is valid until the next file is added. */
Buf *emit_file(EmitOut *out, const char *path);
/* What is written to the last file from now on comes from the span. */
void emit_mark(EmitOut *out, Span span);
/* Whether anything in file i comes from the source. */
bool emit_has_marks(const EmitOut *out, uint32_t file);
/* The map from lines of file i to source positions as JSON. */
void emit_source_map(Buf *json, const EmitOut *out, uint32_t file, Sources *sources);
void emit_free(EmitOut *out);

#endif
