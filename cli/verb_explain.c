/* wfc explain: the reason behind a finding. */
#include "cli/cli.h"

#include "base/embed.h"
#include "base/json.h"
#include "compiler/source/diag.h"

#include <stdio.h>

extern const EmbeddedFile explain_files[];

static const EmbeddedFile *page_of(DiagCode code) {
    char path[32];
    snprintf(path, sizeof path, "WF%04d.md", (int)code);
    for (const EmbeddedFile *f = explain_files; f->path != NULL; f++)
        if (code != 0 && strcmp(f->path, path) == 0) return f;
    return NULL;
}

/* The title of a page, "# WF0120: title", without the code. */
static Str title_of(const EmbeddedFile *f) {
    Str line = {f->text, strcspn(f->text, "\n")};
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == NULL) return line;
    return (Str){colon + 2, line.n - (size_t)(colon + 2 - line.p)};
}

static void put_json(JsonOut *list, const EmbeddedFile *f, bool whole) {
    Buf *b = list->b;
    DiagCode code = diag_code_parse((Str){f->path, 6});
    json_item(list);
    JsonOut o = json_open(b, '{');
    json_key(&o, "code");
    json_string(b, (Str){f->path, 6});
    json_key(&o, "name");
    json_z(b, diag_code_slug(code));
    json_key(&o, "severity");
    json_z(b, diag_code_severity(code) == SEV_ERROR ? "error" : "warning");
    json_key(&o, "title");
    json_string(b, title_of(f));
    if (whole) {
        json_key(&o, "page");
        json_string(b, (Str){f->text, f->size});
    }
    json_close(&o);
}

static int run(Cli *cli) {
    Buf out = BUF_INIT;
    bool json = cli_has(cli, "json");
    JsonOut list = {0};
    if (json) list = json_open(&out, '[');
    for (const EmbeddedFile *f = explain_files; f->path != NULL && cli->args.len == 0; f++) {
        if (json) put_json(&list, f, false);
        else buf_printf(&out, "%.6s: %.*s\n", f->path, STR_ARG(title_of(f)));
    }
    for (uint32_t i = 0; i < cli->args.len; i++) {
        const EmbeddedFile *f = page_of(diag_code_parse(str_of(cli->args.data[i])));
        if (f == NULL) {
            buf_free(&out);
            return cli_usage(cli, "no finding is called `%s`; `wfc explain` lists all", cli->args.data[i]);
        }
        if (json) put_json(&list, f, true);
        else buf_add(&out, f->text, f->size);
    }
    if (json) {
        json_close(&list);
        buf_addc(&out, '\n');
    }
    bool ok = cli_out(buf_view(&out));
    buf_free(&out);
    return ok ? EXIT_FINE : EXIT_INTERNAL;
}

const Verb verb_explain = {
    .name = "explain",
    .usage = "explain [CODE...]",
    .summary = "explains a finding, with an example that has it and one that does not",
    .about = "Prints why a finding is reported and how to mend it. A code is WF0120, 0120 or its name, type-mismatch. Without a code all\n"
             "are listed.",
    .options = (const CliOption[]){{"json", 0, NULL, false, "print JSON"}, {0}},
    .examples = (const CliExample[]){{"wfc explain WF0120", "what a type mismatch is"}, {0}},
    .run = run,
};
