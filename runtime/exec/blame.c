/* The line of a step's code that failed, and the words for it. */
#include "runtime/exec/exec_impl.h"

#include <ctype.h>
#include <stdlib.h>

/* The last message of a shell in `log`: "SCRIPT: line 3: text" of bash, "SCRIPT: 3: text" of dash. */
static uint32_t shell_message(const char *log, const char *script, Str *text) {
    size_t n = strlen(script);
    uint32_t line = 0;
    for (const char *at = log; (at = strstr(at, script)) != NULL; at += n) {
        const char *p = at + n;
        if (strncmp(p, ": ", 2) != 0) continue;
        p += 2;
        if (strncmp(p, "line ", 5) == 0) p += 5;
        char *end;
        unsigned long number = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0;
        if (number == 0 || number > UINT32_MAX || strncmp(end, ": ", 2) != 0) continue;
        line = (uint32_t)number;
        *text = (Str){end + 2, strcspn(end + 2, "\n")};
    }
    return line;
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
    if (line > 0 && l->script != NULL) t->line = t->step->code_line + line - 1;
}
