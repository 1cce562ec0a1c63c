/* The line of a step's code that failed, and the words for it. */
#include "runtime/exec/exec_impl.h"

#include <ctype.h>
#include <stdlib.h>

/* The line of a shell's message whose script ends at `p`, and its text: "SCRIPT: line 3: text" of bash, "SCRIPT: 3: text" of dash. 0
   when it is something else. */
static uint32_t shell_line(const char *p, const char **text) {
    if (strncmp(p, ": ", 2) != 0) return 0;
    p += 2;
    if (strncmp(p, "line ", 5) == 0) p += 5;
    char *end;
    unsigned long number = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0;
    if (number == 0 || number > UINT32_MAX || strncmp(end, ": ", 2) != 0) return 0;
    *text = end + 2;
    return (uint32_t)number;
}

/* The last message of a shell in `log`. */
static uint32_t shell_message(const char *log, const char *script, Str *text) {
    size_t n = strlen(script);
    uint32_t line = 0;
    for (const char *at = log, *words; (at = strstr(at, script)) != NULL; at += n) {
        uint32_t told = shell_line(at + n, &words);
        if (told == 0) continue;
        line = told;
        *text = (Str){words, strcspn(words, "\n")};
    }
    return line;
}

/* The tail with the lines of the WF file in the shell's messages: "train.wf:12: text". */
static const char *shell_tail(Arena *a, const char *tail, const char *script, const RtStep *step) {
    Buf out = BUF_INIT;
    const char *from = tail, *words;
    for (const char *at = tail; (at = strstr(at, script)) != NULL;) {
        const char *end = at + strlen(script);
        uint32_t line = shell_line(end, &words);
        if (line > 0) {
            buf_add(&out, from, (size_t)(at - from));
            buf_printf(&out, "%s:%u: ", step->file, step->code_line + line - 1);
            from = words;
        }
        at = end;
    }
    buf_z(&out, from);
    const char *text = arena_strndup(a, out.p, out.n);
    buf_free(&out);
    return text;
}

void exec_blame(Task *t, const Launch *l, uint32_t line, const char *reported) {
    if (t->kind != RT_FAIL_EXIT && t->kind != RT_FAIL_MEMORY && t->kind != RT_FAIL_OUTPUT) return;
    if (reported != NULL && t->kind != RT_FAIL_MEMORY) t->message = arena_strndup(&t->arena, reported, strlen(reported));
    Str text = {0};
    if (l->script != NULL && reported == NULL && t->tail != NULL) {
        uint32_t told = shell_message(t->tail, l->script, &text);
        if (told > 0 && (line == 0 || line == told)) {
            line = told;
            t->message = arena_printf(&t->arena, "%s: %.*s", t->message, STR_ARG(text));
        }
    }
    if (l->script != NULL && t->tail != NULL && t->step->file != NULL && strstr(t->tail, l->script) != NULL)
        t->tail = shell_tail(&t->arena, t->tail, l->script, t->step);
    if (line > 0 && l->script != NULL) t->line = t->step->code_line + line - 1;
}
